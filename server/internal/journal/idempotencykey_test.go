package journal_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func withKey(ctx context.Context, keys ...string) context.Context {
	return metadata.NewOutgoingContext(ctx, metadata.MD{"idempotency-key": keys})
}

func TestTheHeaderStandsForTheField(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	for name, c := range map[string]struct {
		header []string
		field  string
	}{
		"the header":              {[]string{id}, ""},
		"the field":               {nil, id},
		"both":                    {[]string{id}, id},
		"both, written otherwise": {[]string{strings.ToUpper(id)}, id},
	} {
		if change, err := client.DisableSite(withKey(t.Context(), c.header...), disable(c.field)); err != nil || change.GetMessage() != "call 1" {
			t.Errorf("%s: %v, %v", name, change, err)
		}
	}
	v.want(t, 1, 1)
}

func TestAHeaderThatCannotBeTheID(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	for name, c := range map[string]struct {
		header []string
		field  string
	}{
		"differs from the field":   {[]string{id}, otherID},
		"two of them":              {[]string{id, otherID}, ""},
		"no UUID":                  {[]string{"order-4711"}, ""},
		"empty":                    {[]string{""}, ""},
		"empty, beside the field":  {[]string{""}, id},
		"no UUID, equal the field": {[]string{"order-4711"}, "order-4711"},
	} {
		_, err := client.DisableSite(withKey(t.Context(), c.header...), disable(c.field))
		wantError(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
		if e := apierror.Convert(err); len(e.Violations) != 1 || e.Violations[0].GetField() != "request_id" {
			t.Errorf("%s: %v", name, e.Violations)
		}
	}
	v.want(t, 0, 0)
}

func TestReadsTakeNoHeader(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	if _, err := client.GetSite(withKey(t.Context(), "whatever"), &pb.GetSiteRequest{Name: "vendors/v/sites/s"}); err != nil {
		t.Error(err)
	}
}
