package gateway_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// requests serves calls and keeps the last request.
func requests(t *testing.T) (ask func(method, path, body string, headers ...string) (reply, proto.Message)) {
	var got proto.Message
	s := backend{call: func(_ context.Context, _ string, req proto.Message) (proto.Message, error) {
		got = req
		return nil, nil
	}}.serve(t)
	return func(method, path, body string, headers ...string) (reply, proto.Message) {
		got = nil
		return send(t, s, method, path, body, headers...), got
	}
}

func TestQueryParametersBecomeFields(t *testing.T) {
	ask := requests(t)
	at := timestamppb.New(time.Date(2026, 1, 31, 9, 0, 0, 5e8, time.UTC))
	const parent = "vendors/v/sites/s"
	for query, want := range map[string]*pb.ListLicensesRequest{
		"":                           {},
		"pageSize=7&pageToken=a%2Bb": {PageSize: 7, PageToken: "a+b"},
		"page_size=7&page_token=":    {PageSize: 7},
		"filter.contentId=c%20d&filter.status=SUCCESS":   {Filter: &pb.LicenseFilter{ContentId: "c d", Status: pb.License_SUCCESS}},
		"filter.content_id=c":                            {Filter: &pb.LicenseFilter{ContentId: "c"}},
		"filter.drmType=1":                               {Filter: &pb.LicenseFilter{DrmType: pb.License_WIDEVINE}},
		"filter.startTime=2026-01-31T09:00:00.5Z":        {Filter: &pb.LicenseFilter{StartTime: at}},
		"filter.startTime=2026-01-31T18:00:00.5%2B09:00": {Filter: &pb.LicenseFilter{StartTime: at}},
	} {
		want.Parent = parent
		if r, got := ask("GET", "/v1/"+parent+"/licenses?"+query, ""); got == nil || !proto.Equal(got, want) {
			t.Errorf("%s: got %v, want %v: %s", query, got, want, r.text)
		}
	}
}

func TestUpdateMaskTakesJSONAndProtoNames(t *testing.T) {
	ask := requests(t)
	for query, want := range map[string][]string{
		"updateMask=displayName,price.amount": {"display_name", "price.amount"},
		"update_mask=display_name":            {"display_name"},
		"updateMask=*":                        {"*"},
	} {
		r, got := ask("PATCH", "/v1/vendors/v/products/p?"+query, `{"displayName":"a","description":"b"}`)
		req, _ := got.(*pb.UpdateProductRequest)
		mask := &fieldmaskpb.FieldMask{Paths: want}
		if !proto.Equal(req.GetUpdateMask(), mask) || req.GetProduct().GetName() != "vendors/v/products/p" || req.GetProduct().GetDisplayName() != "a" {
			t.Errorf("%s: got %v: %s", query, got, r.text)
		}
	}
}

func TestQueryParametersBesideABody(t *testing.T) {
	ask := requests(t)
	r, got := ask("POST", "/v1/vendors/v/members?requestId=r&validateOnly=true", `{"email":"a@example.com"}`)
	want := &pb.CreateMemberRequest{Parent: "vendors/v", Member: &pb.Member{Email: "a@example.com"}, RequestId: "r", ValidateOnly: true}
	if got == nil || !proto.Equal(got, want) {
		t.Errorf("got %v: %s", got, r.text)
	}
}

func TestQueryParametersThatAreRefused(t *testing.T) {
	ask := requests(t)
	const list, member, disable = "/v1/vendors/v/sites/s/licenses", "/v1/vendors/v/members", "/v1/vendors/v/sites/s:disable"
	for _, c := range []struct{ method, path, query, fields string }{
		{"GET", list, "pagesize=1", "pagesize"},
		{"GET", list, "filter.contentID=c", "filter.contentID"},
		{"GET", list, "a=1&b=2&pageSize=1", "a b"},
		{"GET", list, "=1", ""},
		{"GET", list, "filter=c", "filter"},
		{"GET", list, "filter.=c", "filter."},
		{"GET", list, "filter.contentId.x=c", "filter.contentId.x"},
		{"GET", list, "filter.startTime.seconds=1", "filter.startTime.seconds"},
		{"GET", list, "filter[contentId]=c", "filter[contentId]"},
		{"GET", list, "pageSize=1&pageSize=1", "pageSize"},
		{"GET", list, "pageSize=1&page_size=1", "page_size"},
		{"GET", list, "pageSize=", "pageSize"},
		{"GET", list, "pageSize=many", "pageSize"},
		{"GET", list, "pageSize=2147483648", "pageSize"},
		{"GET", list, "filter.status=OK", "filter.status"},
		{"GET", list, "filter.status=9", "filter.status"},
		{"GET", list, "filter.startTime=yesterday", "filter.startTime"},
		{"GET", list, "pageToken=%FF", "pageToken"},
		{"GET", list, "parent=vendors/w/sites/s", "parent"},
		{"GET", list, "pageSize=%zz", ""},
		{"GET", list, "pageSize=1;pageToken=2", ""},
		{"GET", list + ":stream", "pageSize=1", "pageSize"},
		{"POST", member, "member.email=a", "member.email"},
		{"POST", member, "member=a", "member"},
		{"POST", member, "validateOnly=maybe", "validateOnly"},
		{"POST", member, "validateOnly", "validateOnly"},
		{"POST", disable, "message=a", "message"},
		{"POST", disable, "nothing=a", "nothing"},
		{"PATCH", member + "/m", "member.name=a", "member.name"},
		{"PATCH", member + "/m", "updateMask=", "updateMask"},
		{"PATCH", member + "/m", "updateMask=a,,b", "updateMask"},
		{"PATCH", member + "/m", "updateMask=a+b", "updateMask"},
	} {
		t.Run(c.path+"?"+c.query, func(t *testing.T) {
			body := ""
			if c.method != "GET" {
				body = "{}"
			}
			r, got := ask(c.method, c.path+"?"+c.query, body)
			if got != nil {
				t.Errorf("the call was made: %v", got)
			}
			e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
			if e.fields() != c.fields {
				t.Errorf("fields %q, want %q: %s", e.fields(), c.fields, r.text)
			}
		})
	}
}
