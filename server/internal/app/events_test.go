package app_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// events lists the audit events that a filter chooses, newest first: in pages of that size, over
// both faces in turn. label names the filter in failures; without one, all calls go over gRPC.
func (h *testServer) events(t *testing.T, label string, filter *pb.AuditEventFilter, size int32) (all []*pb.AuditEvent) {
	t.Helper()
	token, overREST := "", label != ""
	for {
		c := rpc(&pb.ListAuditEventsRequest{Filter: filter, PageSize: size, PageToken: token})
		answer, _, err := h.either(t, c, overREST)
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		var page pb.ListAuditEventsResponse
		fromJSON(t, answer, &page)
		all = append(all, page.GetAuditEvents()...)
		if token = page.GetNextPageToken(); token == "" {
			return all
		}
		overREST = label != "" && !overREST
	}
}

func said(events []*pb.AuditEvent) (all []string) {
	for _, e := range events {
		all = append(all, e.GetMethod()+" "+e.GetResource()+" "+e.GetOutcome())
	}
	return all
}

func TestListAuditEventsChooses(t *testing.T) {
	h := start(t, furnish)
	before := time.Now()
	h.history(t)
	const disable, reset, member = "drmhub.v1.SiteService/DisableSite", "drmhub.v1.MemberService/ResetMemberPassword", "vendors/acme/members/"
	done, failed, open := disable+" "+demo+" OK", reset+" "+member+"99 NOT_FOUND", reset+" "+member+"7 UNKNOWN"
	everything := h.events(t, "", nil, 0)
	wantEqual(t, said(everything), []string{open, failed, done})

	chained := slices.Clone(everything)
	slices.Reverse(chained)
	for i, e := range chained {
		if previous := chained[max(i-1, 0)].GetHash(); e.GetHash() == "" || e.GetRequestDigest() == "" || i > 0 && e.GetPreviousHash() != previous || i == 0 && e.GetPreviousHash() != "" {
			t.Errorf("event %d does not follow the one before: %v", i, e)
		}
	}

	middle, second := everything[1].GetTime(), time.RFC3339Nano
	for query, c := range map[string]struct {
		filter *pb.AuditEventFilter
		want   []string
	}{
		"filter.subject=anonymous":                                    {&pb.AuditEventFilter{Subject: "anonymous"}, []string{open, failed, done}},
		"filter.subject=nobody":                                       {&pb.AuditEventFilter{Subject: "nobody"}, nil},
		"filter.resource=" + demo:                                     {&pb.AuditEventFilter{Resource: demo}, []string{done}},
		"filter.method=" + reset:                                      {&pb.AuditEventFilter{Method: reset}, []string{open, failed}},
		"filter.startTime=" + middle.AsTime().Format(second):          {&pb.AuditEventFilter{StartTime: middle}, []string{open, failed}},
		"filter.endTime=" + middle.AsTime().Format(second):            {&pb.AuditEventFilter{EndTime: middle}, []string{done}},
		"filter.method=" + reset + "&filter.resource=" + member + "7": {&pb.AuditEventFilter{Method: reset, Resource: member + "7"}, []string{open}},
		"filter.endTime=" + before.UTC().Format(second):               {&pb.AuditEventFilter{EndTime: timestamppb.New(before)}, nil},
	} {
		for _, size := range []int32{1000, 1} {
			if got := said(h.events(t, query, c.filter, size)); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d a page: %q, want %q", query, size, got, c.want)
			}
		}
	}
	backwards := &pb.AuditEventFilter{StartTime: timestamppb.New(before), EndTime: timestamppb.New(before.Add(-time.Hour))}
	rpcCase{
		call: rpc(&pb.ListAuditEventsRequest{Filter: backwards}),
		code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter",
	}.check(t, h, h)
}

// TestReadingASecretIsAnEvent reads with secrets, without, and what is not there.
func TestReadingASecretIsAnEvent(t *testing.T) {
	const integration, listed, got = "drmhub.v1.SiteService/GetIntegration", "drmhub.v1.DrmAccountService/ListDrmAccounts", "drmhub.v1.DrmAccountService/GetDrmAccount"
	for _, overREST := range []bool{false, true} {
		h := start(t, furnish, withTelecomX(time.Now()))
		keys := func(site string, view pb.Integration_View) call {
			return rpc(&pb.GetIntegrationRequest{Name: site + "/integration", View: view})
		}
		list := func(view pb.DrmAccount_View) call {
			return rpc(&pb.ListDrmAccountsRequest{Parent: "vendors/-", View: view})
		}
		get := func(view pb.DrmAccount_View) call {
			return rpc(&pb.GetDrmAccountRequest{Name: donald, View: view})
		}
		for _, c := range []call{
			// without secrets
			keys(demo, 0), keys(demo, pb.Integration_BASIC), list(0), get(pb.DrmAccount_BASIC),
			keys(demo, pb.Integration_FULL), list(pb.DrmAccount_FULL), get(pb.DrmAccount_FULL),
			keys("vendors/acme/sites/NONE", pb.Integration_FULL),
		} {
			_, record, _ := h.either(t, c, overREST)
			if record != "" {
				t.Errorf("%s is a mutation: %s", c.rest, record)
			}
		}
		wantEqual(t, said(h.events(t, "", nil, 0)), []string{got + " " + donald + " OK", listed + " vendors/- OK", integration + " " + demo + "/integration OK"})
		if n := h.records(t); n != 0 {
			t.Errorf("reading leaves %d mutations", n)
		}

		create := rpc(&pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", DrmAccount: &pb.DrmAccount{}, View: pb.DrmAccount_FULL})
		if _, _, err := h.either(t, create, overREST); err != nil {
			t.Fatal(err)
		}
		if n := len(h.events(t, "", nil, 0)); n != 4 {
			t.Errorf("a mutation that answers a secret makes %d events, want 1", n-3)
		}
	}
}
