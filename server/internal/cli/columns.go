package cli

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// columns are the columns of a table, by the message of its rows. The fields of a message inside
// are written "limits.max_page_size". A message that is not here has its first columns.
var columns = map[protoreflect.Name][]string{
	"Archive":             {"name", "state", "start_time", "end_time", "row_count", "lag"},
	"AuditEvent":          {"time", "subject", "method", "resource", "outcome"},
	"ContentUser":         {"site", "content_id", "user_id", "license_count"},
	"DrmAccount":          {"name", "customer", "username", "device_count", "create_time"},
	"FairPlayCertificate": {"site", "expire_time", "subject", "key_size", "fingerprint"},
	"License":             {"create_time", "site", "status", "error_code", "drm_type", "user_id", "content_id"},
	"LicenseContent":      {"site", "content_id", "license_count"},
	"LicenseDevice":       {"site", "device_id", "device_model", "license_count", "failure_count"},
	"LicenseSummary":      {"keys", "start_time", "license_count", "failure_count", "user_count", "device_count"},
	"LicenseUser":         {"site", "user_id", "license_count", "device_count", "failure_count"},
	"Member":              {"name", "email", "group", "state", "create_date"},
	"Mutation":            {"name", "create_time", "method", "resource", "subject", "state"},
	"Packaging":           {"site", "content_id", "track", "create_time", "update_time"},
	"Product":             {"name", "display_name", "buyable", "price.amount", "price.currency"},
	"ProductLicense":      {"name", "user", "product", "status", "start_time", "stop_time", "playable"},
	"Site":                {"name", "display_name", "state", "enabled", "policy_id"},
	"SiteOrder":           {"name", "display_name", "state", "vendor_status", "site", "create_time"},
	"StatusChange":        {"name", "service", "type", "state", "requester", "create_time"},
	"UsageReport":         {"site", "month", "archived.licenses", "vendor.licenses", "archived.users", "vendor.users"},
	"Vendor":              {"name", "kind", "display_name", "limits.max_page_size", "limits.requests_per_second"},
	"DrmAccountDevice":    {"name", "type", "display_name", "model", "release_time"},
}

// firstColumns is how many columns a table has whose message is not in columns.
const firstColumns = 6

// columnsOf returns the columns of a table of messages.
func columnsOf(m protoreflect.MessageDescriptor, wide bool) [][]protoreflect.FieldDescriptor {
	all := leaves(m, nil)
	if wide {
		return all
	}
	var chosen [][]protoreflect.FieldDescriptor
	for _, name := range columns[m.Name()] {
		for _, path := range all {
			if pathName(path) == name {
				chosen = append(chosen, path)
			}
		}
	}
	if chosen == nil {
		chosen = all[:min(len(all), firstColumns)]
	}
	return chosen
}

// leaves returns the paths of all fields that fit into a cell.
func leaves(
	m protoreflect.MessageDescriptor, at []protoreflect.FieldDescriptor,
) (all [][]protoreflect.FieldDescriptor) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		path := append(slices.Clip(at), f)
		if isNested(f) && len(path) < maxDepth {
			all = append(all, leaves(f.Message(), path)...)
			continue
		}
		all = append(all, path)
	}
	return all
}

// maxDepth is how many messages deep a table goes.
const maxDepth = 4

// pathName returns a path as columns has it.
func pathName(path []protoreflect.FieldDescriptor) string {
	var names []string
	for _, f := range path {
		names = append(names, string(f.Name()))
	}
	return strings.Join(names, ".")
}
