package interceptors_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/interceptors"
	"github.com/drmhub/drmhub/server/internal/validation"
)

func TestIdempotencyKey(t *testing.T) {
	const header = "Idempotency-Key"
	const id, otherID = "6f1f2e6e-7d0a-4f0e-9d6e-0c8d5b3b2a11", "11a2b3c4-7d0a-4f0e-9d6e-0c8d5b3b2a22"
	rules := validation.New()
	disable := func(requestID string) proto.Message {
		return &pb.DisableSiteRequest{Name: "vendors/v/sites/s", RequestId: requestID}
	}
	for name, c := range map[string]struct {
		header  []string
		req     proto.Message
		refused string // the field or the header that is wrong
	}{
		"the header":                {[]string{id}, disable(""), ""},
		"the field":                 {nil, disable(id), ""},
		"both":                      {[]string{id}, disable(id), ""},
		"both, in another case":     {[]string{strings.ToUpper(id)}, disable(id), ""},
		"the form of the draft":     {[]string{`"` + id + `"`}, disable(""), ""},
		"that form, in both":        {[]string{`"` + strings.ToUpper(id) + `"`}, disable(id), ""},
		"a read takes no header":    {[]string{"whatever"}, &pb.GetSiteRequest{Name: "vendors/v/sites/s"}, ""},
		"differs from the field":    {[]string{id}, disable(otherID), "request_id"},
		"quoted, differs":           {[]string{`"` + id + `"`}, disable(otherID), "request_id"},
		"two headers":               {[]string{id, otherID}, disable(""), header},
		"the same header twice":     {[]string{id, id}, disable(""), header},
		"not a UUID":                {[]string{"order-4711"}, disable(""), header},
		"not a UUID, quoted":        {[]string{`"order-4711"`}, disable(""), header},
		"not a UUID, in both":       {[]string{"order-4711"}, disable("order-4711"), header},
		"not a UUID in the field":   {nil, disable("order-4711"), "request_id"},
		"half of the quotes":        {[]string{`"` + id}, disable(""), header},
		"twice the quotes":          {[]string{`""` + id + `""`}, disable(""), header},
		"a UUID in another form":    {[]string{"{" + id + "}"}, disable(""), header},
		"a UUID without its dashes": {[]string{strings.ReplaceAll(id, "-", "")}, disable(""), header},
		"empty":                     {[]string{""}, disable(""), header},
		"empty quotes":              {[]string{`""`}, disable(""), header},
		"empty, beside the field":   {[]string{""}, disable(id), header},
	} {
		t.Run(name, func(t *testing.T) {
			var got proto.Message
			ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"idempotency-key": c.header})
			info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_DisableSite_FullMethodName}
			service := func(_ context.Context, req any) (any, error) { got = req.(proto.Message); return nil, nil }
			_, err := interceptors.IdempotencyKey(ctx, c.req, info, func(ctx context.Context, req any) (any, error) {
				return rules.Unary(ctx, req, info, service)
			})
			if c.refused != "" {
				e := apierror.Convert(err)
				if got != nil || e.Code != codes.InvalidArgument || e.Reason != pb.ErrorReason_REQUEST_INVALID ||
					len(e.Violations) != 1 || e.Violations[0].GetField() != c.refused {
					t.Errorf("%v, %v, %v", got, err, e.Violations)
				}
				return
			}
			m, isMutation := got.(*pb.DisableSiteRequest)
			if err != nil || got == nil || isMutation && !strings.EqualFold(m.GetRequestId(), id) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
