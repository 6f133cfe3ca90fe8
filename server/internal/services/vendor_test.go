package services_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestListVendorsKeepsTheOrderOfTheConfiguration(t *testing.T) {
	conn, _ := serve(t, configured("z", bare{}), newAccount("m").configured(), configured("a", everything{}))
	client := pb.NewVendorServiceClient(conn)
	var names []string
	req := &pb.ListVendorsRequest{PageSize: 2}
	for {
		page, err := client.ListVendors(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if page.GetTotalSize() != 3 {
			t.Errorf("total_size %d, want 3", page.GetTotalSize())
		}
		for _, v := range page.GetVendors() {
			names = append(names, v.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if want := []string{"vendors/z", "vendors/m", "vendors/a"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestGetVendorTellsWhatItCanDo(t *testing.T) {
	reference := memory.New(newAccount("m").Vendor)
	conn, _ := serve(t, configured("m", struct {
		adapters.Adapter
		adapters.SiteLister
		adapters.SiteGetter
	}{reference, reference, reference}))
	v, err := pb.NewVendorServiceClient(conn).GetVendor(t.Context(), &pb.GetVendorRequest{Name: "vendors/m"})
	if err != nil {
		t.Fatal(err)
	}
	if v.GetName() != "vendors/m" || v.GetKind() != "reference" || v.GetDisplayName() != "Reference" || v.GetLimits().GetMaxPageSize() != 1000 {
		t.Errorf("%v", v)
	}
	support := map[string]string{}
	for _, c := range v.GetCapabilities() {
		support[c.GetMethod()] = c.GetSupport().String()
	}
	if support["drmhub.v1.SiteService/ListSites"] != "NATIVE" || support["drmhub.v1.SiteService/GetSite"] != "COMPOSED" || support["drmhub.v1.DrmAccountService/GetDrmAccount"] != "" {
		t.Errorf("capabilities %v", support)
	}
}

func TestCheckVendor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, configured("v", checking{level: "RESELLER", takes: 3 * time.Second}))
		got, err := pb.NewVendorServiceClient(conn).CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/v"})
		if err != nil || !got.GetOk() || got.GetAccessLevel() != "RESELLER" || got.GetLatency().AsDuration() != 3*time.Second || got.GetError() != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestCheckVendorAnswersWhatTheVendorRefuses(t *testing.T) {
	a := newAccount("a")
	a.FailReads(adaptertest.CredentialsRejected)
	conn, _ := serve(t, a.configured())
	got, err := pb.NewVendorServiceClient(conn).CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/a"})
	if err != nil || got.GetOk() {
		t.Fatalf("%v, %v; want an answer that is not ok", got, err)
	}
	wantVendor(t, wantError(t, status.ErrorProto(got.GetError()), codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED), "a")
}

func TestCheckVendorFailsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := serve(t, configured("v", checking{takes: time.Minute}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pb.NewVendorServiceClient(conn).CheckVendor(ctx, &pb.CheckVendorRequest{Name: "vendors/v"})
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
	})
}

func TestVendorServiceDoesNotKnowEveryVendor(t *testing.T) {
	conn, _ := serve(t, configured("v", bare{}))
	client := pb.NewVendorServiceClient(conn)
	_, err := client.GetVendor(t.Context(), &pb.GetVendorRequest{Name: "vendors/w"})
	wantVendor(t, wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND), "w")
	_, err = client.CheckVendor(t.Context(), &pb.CheckVendorRequest{Name: "vendors/w"})
	wantVendor(t, wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND), "w")
}

// checking is an adapter whose check takes its time.
type checking struct {
	bare
	level string
	takes time.Duration
}

func (c checking) Check(ctx context.Context) (accessLevel string, err error) {
	select {
	case <-time.After(c.takes):
		return c.level, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
