package validation

import (
	"net/netip"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// callbackURLs refuses addresses that a vendor cannot call, among the fields that an update
// changes. An empty one removes the address.
func callbackURLs(req proto.Message) (violations []*violation) {
	m := req.ProtoReflect()
	field, within := m.Descriptor().Fields().ByName("update_mask"), contract.ResourceField(m.Descriptor())
	if field == nil || within == nil {
		return nil
	}
	mask, _ := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
	for _, path := range mask.GetPaths() {
		name := protoreflect.Name(path)
		if !strings.HasSuffix(path, "_callback_url") || within.Message().Fields().ByName(name) == nil {
			continue
		}
		if text := contract.Text(m.Get(within).Message(), name); text != "" && !isCallback(text) {
			violations = append(violations, &violation{
				Field:       string(within.Name()) + "." + path,
				Description: "must be an https or http URL with the host of a server, or empty",
				Reason:      "CALLBACK_URL",
			})
		}
	}
	return violations
}

// isCallback reports whether a vendor can call a URL. The metadata service of a cloud has a
// link-local address, which is nobody's license server.
func isCallback(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err != nil || !ip.Unmap().IsLinkLocalUnicast()
}
