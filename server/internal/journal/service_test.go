package journal_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func uuidOf(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func TestMutationsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, dsn string) {
		v := &fakeVendor{faults: map[int]fault{2: refused, 3: lost}}
		r := newReplica(t, storetest.Open(t, dsn), v, noBackground)
		stop(t, r.Journal)
		for n := range 7 { // the second one fails, the third one is unknown
			_ = r.disableAt(t, fmt.Sprintf("vendors/v/sites/s%d", n), uuidOf(n))
		}
		const first, disables = "vendors/v/sites/s0", "drmhub.v1.SiteService/DisableSite"
		ok(t, r.enableAt(t, first, uuidOf(7)))
		for name, c := range map[string]struct {
			filter *pb.MutationFilter
			want   []int
		}{
			"all":          {nil, []int{7, 6, 5, 4, 3, 2, 1, 0}},
			"FAILED":       {&pb.MutationFilter{State: pb.Mutation_FAILED}, []int{1}},
			"UNKNOWN":      {&pb.MutationFilter{State: pb.Mutation_UNKNOWN}, []int{2}},
			"SENT":         {&pb.MutationFilter{State: pb.Mutation_SENT}, nil},
			"a method":     {&pb.MutationFilter{Method: "drmhub.v1.SiteService/EnableSite"}, []int{7}},
			"a resource":   {&pb.MutationFilter{Resource: "vendors/v/sites/s0"}, []int{7, 0}},
			"a subject":    {&pb.MutationFilter{Subject: "anonymous"}, []int{7, 6, 5, 4, 3, 2, 1, 0}},
			"a NUL":        {&pb.MutationFilter{Subject: "bob\x00", Method: "\x00"}, nil},
			"another one":  {&pb.MutationFilter{Subject: "bob"}, nil},
			"a request_id": {&pb.MutationFilter{RequestId: uuidOf(5)}, []int{5}},
			"conditions": {
				&pb.MutationFilter{Resource: first, Method: disables, State: pb.Mutation_SUCCEEDED}, []int{0},
			},
		} {
			for _, size := range []int32{0, 1, 2, 3, 100} {
				var got []int
				req := &pb.ListMutationsRequest{Filter: c.filter, PageSize: size}
				for {
					page, err := r.mutations.ListMutations(t.Context(), req)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if size > 0 && len(page.GetMutations()) > int(size) {
						t.Errorf("%s: a page of %d, want %d at most", name, len(page.GetMutations()), size)
					}
					for _, m := range page.GetMutations() {
						var n int
						if _, err := fmt.Sscanf(m.GetRequestId(), "00000000-0000-4000-8000-%d", &n); err != nil {
							t.Fatal(err)
						}
						got = append(got, n)
					}
					if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
						break
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%s, by %d: %v, want %v", name, size, got, c.want)
				}
			}
		}
	})
}

func TestAPageTokenBelongsToItsFilter(t *testing.T) {
	r := start(t, &fakeVendor{}, noBackground)
	for range 2 {
		ok(t, r.disable(t, ""))
	}
	page, err := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	other := &pb.ListMutationsRequest{
		PageToken: page.GetNextPageToken(), Filter: &pb.MutationFilter{Subject: "bob"},
	}
	_, err = r.mutations.ListMutations(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
}

func TestAMutationTellsWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		v := &fakeVendor{faults: map[int]fault{2: refused}, before: func(context.Context, string) error {
			time.Sleep(time.Second)
			return nil
		}}
		r := start(t, v, noBackground)
		var header metadata.MD
		_, err := r.licenses.ReplaceProductLicense(t.Context(), replace(id), grpc.Header(&header))
		wantError(t, err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK)
		name := r.record(t, id).GetName()
		inHeader, inError := header.Get("drmhub-mutation"), apierror.Convert(err).Metadata[apierror.MutationName]
		if !slices.Equal(inHeader, []string{name}) || inError != name {
			t.Errorf("header %q, error %q; want both to name %s", inHeader, inError, name)
		}
		m, err := r.mutations.GetMutation(t.Context(), &pb.GetMutationRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		at := func(s int) *timestamppb.Timestamp { return timestamppb.New(began.Add(time.Duration(s) * time.Second)) }
		step := func(n int, id string, state pb.Mutation_State, message string) *pb.Mutation_Step {
			return &pb.Mutation_Step{Id: id, State: state, Message: message, SendTime: at(n), SettleTime: at(n + 1)}
		}
		want := &pb.Mutation{
			Name: name, Method: "drmhub.v1.ProductLicenseService/ReplaceProductLicense", Resource: oldLicense,
			Subject: "anonymous", RequestId: id, State: pb.Mutation_FAILED, Message: rolledBack,
			VendorHttpStatus: 200, CreateTime: at(0), SendTime: at(0), SettleTime: at(3),
			Steps: []*pb.Mutation_Step{ // A snapshot is not a step.
				step(0, "revoke", pb.Mutation_SUCCEEDED, ""),
				step(1, "issue", pb.Mutation_FAILED, "no issue "+newLicense),
				step(2, "restore", pb.Mutation_SUCCEEDED, ""),
			},
		}
		if !proto.Equal(m, want) {
			t.Errorf("got  %v\nwant %v", m, want)
		}
	})
}

func TestTheVendorsCodeIsThatOfItsLastResponse(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: refused}}
	r := start(t, v, noBackground)
	err := r.disable(t, id)
	wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	m := r.record(t, id)
	if m.GetVendorCode() != "E409" || m.GetVendorHttpStatus() != 409 {
		t.Errorf("%v", m)
	}
	if m, err = r.resend(t, id, ""); err != nil || m.GetVendorCode() != "" || m.GetVendorHttpStatus() != 200 {
		t.Errorf("%v, %v", m, err)
	}
}

func TestNoSuchMutation(t *testing.T) {
	r := start(t, &fakeVendor{}, noBackground)
	const name = "mutations/none"
	_, get := r.mutations.GetMutation(t.Context(), &pb.GetMutationRequest{Name: name})
	_, settle := r.mutations.SettleMutation(t.Context(), &pb.SettleMutationRequest{Name: name})
	_, resend := r.mutations.ResendMutation(t.Context(), &pb.ResendMutationRequest{Name: name})
	for _, err := range []error{get, settle, resend} {
		wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

func TestSettlingByHand(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: lost, 3: refused, 4: cut}}
	r := start(t, v, noBackground)
	for i, c := range []struct {
		name string
		call func(*replica, *testing.T, string) error
		want pb.Mutation_State
	}{
		{"its response was lost", (*replica).disable, pb.Mutation_SUCCEEDED},
		{"it succeeded", (*replica).disable, pb.Mutation_SUCCEEDED},
		{"it failed", (*replica).disable, pb.Mutation_FAILED},
		{"it cannot be read back", (*replica).enable, pb.Mutation_UNKNOWN},
	} {
		_ = c.call(r, t, uuidOf(i))
		m, err := r.settle(t, uuidOf(i), false)
		if err != nil || m.GetState() != c.want || c.want == pb.Mutation_UNKNOWN && m.GetMessage() == "" {
			t.Errorf("%s: %v, %v", c.name, m, err)
		}
	}
	v.wantCalls(t, 4)
}

func TestSettlingByHandWaitsForTheCallThatIsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := pair(t, slow(10*time.Second), noBackground)
		go one.disable(t, id)
		time.Sleep(time.Second)
		m, err := other.settle(t, id, false)
		if err != nil || m.GetState() != pb.Mutation_SUCCEEDED {
			t.Errorf("%v, %v", m, err)
		}
	})
}
