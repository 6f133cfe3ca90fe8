package contract_test

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// enums checks AIP-126 as JSON shows it. An enum is nested in its message, its values do not repeat
// its name, and its zero value is UNSPECIFIED.
func enums(c contract, bad complaint) {
	check := func(all protoreflect.EnumDescriptors) {
		for i := range all.Len() {
			e := all.Get(i)
			prefix := strings.ToUpper(strings.TrimPrefix(snake(string(e.Name())), "_")) + "_"
			if _, top := e.Parent().(protoreflect.FileDescriptor); top && e.Name() != "ErrorReason" {
				bad(e, "is not nested in a message")
			}
			for j := range e.Values().Len() {
				switch v := e.Values().Get(j); {
				case v.Number() == 0 && string(v.Name()) != prefix+"UNSPECIFIED":
					bad(e, "has the zero value %s, want %sUNSPECIFIED", v.Name(), prefix)
				case v.Number() != 0 && strings.HasPrefix(string(v.Name()), prefix):
					bad(e, "has the value %s, which repeats the enum's name", v.Name())
				}
			}
		}
	}
	for _, f := range c {
		check(f.Enums())
	}
	for m := range c.messages() {
		check(m.Enums())
	}
}

// vendorless are the enums in responses without a vendor's word under their own name, and why.
var vendorless = map[protoreflect.FullName]string{
	"drmhub.v1.Vendor.Capability.support":      "drmhub's own",
	"drmhub.v1.VendorStatus.Breaker.state":     "drmhub's own",
	"drmhub.v1.VendorStatus.Canary.result":     "drmhub's own",
	"drmhub.v1.VendorStatus.Drift.kind":        "drmhub's own",
	"drmhub.v1.Mutation.state":                 "drmhub's own",
	"drmhub.v1.Mutation.Step.state":            "drmhub's own",
	"drmhub.v1.Archive.state":                  "drmhub's own",
	"drmhub.v1.Explanation.class":              "drmhub's own",
	"drmhub.v1.Explanation.owner":              "drmhub's own",
	"drmhub.v1.Explanation.retryable":          "drmhub's own",
	"drmhub.v1.Explanation.confidence":         "drmhub's own",
	"drmhub.v1.Explanation.Evidence.finding":   "drmhub's own",
	"drmhub.v1.UsageReport.Explanation.reason": "drmhub's own",
	"drmhub.v1.DisputedRow.reason":             "drmhub's own",
	"drmhub.v1.InvoiceLine.metric":             "the caller's own",

	"drmhub.v1.VerifyAuditEventsResponse.Break.kind": "drmhub's own",

	"drmhub.v1.SiteOrder.state": "the vendor's word is vendor_status, as in the filter of its list",
}

// vendorsWords checks that an enum has the vendor's own word beside it. So a value that drmhub does
// not know yet is not lost.
func vendorsWords(c contract, bad complaint) {
	used := map[protoreflect.FullName]bool{}
	for _, m := range c.reached(protoreflect.MethodDescriptor.Output) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if f.Enum() == nil {
				continue
			}
			raw := m.Fields().ByName("vendor_" + f.Name())
			if _, exempt := vendorless[f.FullName()]; exempt && raw == nil {
				used[f.FullName()] = true
			} else if raw == nil || raw.Kind() != protoreflect.StringKind {
				bad(f, "has no string vendor_%s beside it", f.Name())
			}
		}
	}
	for name := range vendorless {
		if !used[name] {
			bad(c[0], "needs no exemption for %s", name)
		}
	}
}

const timestamp, duration = "google.protobuf.Timestamp", "google.protobuf.Duration"

// lengths are the Durations whose name does not end in _duration.
var lengths = []protoreflect.FullName{
	"drmhub.v1.CheckVendorResponse.latency",
	"drmhub.v1.VendorStatus.Canary.interval", "drmhub.v1.VendorStatus.Canary.latency",
	"drmhub.v1.Archive.lag", "drmhub.v1.Archive.lateness", "drmhub.v1.Archive.Backfill.remaining",
}

var unit = regexp.MustCompile(`_(at|ts|ms|millis|sec|secs|seconds|minutes|hours|days|ttl)$`)

// times checks AIP-142.
func times(c contract, bad complaint) {
	for f := range c.fields() {
		name := string(f.Name())
		var is protoreflect.FullName
		if f.Message() != nil {
			is = f.Message().FullName()
		}
		switch {
		case (is == timestamp) != (name == "time" || strings.HasSuffix(name, "_time")):
			bad(f, "is an instant by its name or by its type, and not by both")
		case (is == duration) != (strings.HasSuffix(name, "_duration") || slices.Contains(lengths, f.FullName())):
			bad(f, "is a length of time by its name or by its type, and not by both")
		case (name == "date" || strings.HasSuffix(name, "_date")) && f.Kind() != protoreflect.StringKind:
			bad(f, "is a calendar day, which is a string")
		case unit.MatchString(name):
			bad(f, "tells a time by its unit: use a Timestamp or a Duration")
		}
	}
}

// fractions are the numbers that are not counts, and why.
var fractions = map[protoreflect.FullName]string{
	"drmhub.v1.Vendor.Limits.requests_per_second": "a rate may be less than one",
}

// numbers checks that counts are int32. In JSON, a 64-bit integer would be a string.
func numbers(c contract, bad complaint) {
	used := 0
	for f := range c.fields() {
		switch f.Kind() {
		case protoreflect.BoolKind, protoreflect.StringKind, protoreflect.BytesKind,
			protoreflect.EnumKind, protoreflect.MessageKind, protoreflect.Int32Kind:
		default:
			if _, exempt := fractions[f.FullName()]; !exempt {
				bad(f, "is a %s, want int32", f.Kind())
			}
			used++
		}
	}
	if used < len(fractions) {
		bad(c[0], "needs fewer exemptions than %v", fractions)
	}
}

// secret are the fields that never reach a log, a record or a repeated response.
var secret = []protoreflect.FullName{
	"drmhub.v1.DrmAccount.password",
	"drmhub.v1.Integration.Credential.value",
	"drmhub.v1.FairPlayKeys.private_key_uri",
	"drmhub.v1.FairPlayKeys.key_password",
	"drmhub.v1.FairPlayKeys.application_secret_key",
	"drmhub.v1.RegisterFairPlayCertificateRequest.private_key",
	"drmhub.v1.RegisterFairPlayCertificateRequest.key_password",
	"drmhub.v1.RegisterFairPlayCertificateRequest.application_secret_key",
}

var telling = regexp.MustCompile(`password|secret|private|credential_value`)

func secrets(c contract, bad complaint) {
	found := 0
	for f := range c.fields() {
		redacted := f.Options().(*descriptorpb.FieldOptions).GetDebugRedact()
		switch listed := slices.Contains(secret, f.FullName()); {
		case listed && !redacted:
			bad(f, "is a secret, and not debug_redact")
		case !listed && redacted:
			bad(f, "is debug_redact, and not in the list of secrets")
		case !listed && telling.MatchString(string(f.Name())):
			bad(f, "sounds like a secret, and is not in the list")
		case listed:
			found++
		}
	}
	if found < len(secret) {
		bad(c[0], "has %d of the %d secrets", found, len(secret))
	}
}

// jsonNames checks that JSON has the default names.
func jsonNames(c contract, bad complaint) {
	for f := range c.fields() {
		upper := func(s string) string { return strings.ToUpper(s[1:]) }
		want := regexp.MustCompile(`_[a-z0-9]`).ReplaceAllStringFunc(string(f.Name()), upper)
		if f.JSONName() != want {
			bad(f, "is %s in JSON, want %s", f.JSONName(), want)
		}
	}
}

// onlyThisPackage checks that the rules see everything: each message of an RPC is the contract's
// own, or one of these well-known messages.
func onlyThisPackage(c contract, bad complaint) {
	known := []protoreflect.FullName{timestamp, duration, "google.protobuf.FieldMask", "google.rpc.Status"}
	for f := range c.fields() {
		m := f.Message()
		if m != nil && m.ParentFile().Package() != "drmhub.v1" && !slices.Contains(known, m.FullName()) {
			bad(f, "is a %s", m.FullName())
		}
	}
	for m := range c.methods() {
		if m.Input().ParentFile().Package() != "drmhub.v1" {
			bad(m, "takes a %s", m.Input().FullName())
		}
	}
}
