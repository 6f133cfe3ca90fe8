package paging_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type state struct{ At int }

func request(pageSize int32, token string) *pb.ListLicensesRequest {
	return &pb.ListLicensesRequest{
		Parent: "vendors/v/sites/s", PageSize: pageSize, PageToken: token,
		Filter: &pb.LicenseFilter{UserId: "u"},
	}
}

func TestSize(t *testing.T) {
	for asked, want := range map[int32]int{0: 100, 1: 1, 999: 999, 1000: 1000, 1001: 1000} {
		if got := paging.Size(asked); got != want {
			t.Errorf("Size(%d) = %d, want %d", asked, got, want)
		}
	}
}

func TestATokenBelongsToItsRequest(t *testing.T) {
	token, err := paging.Token(request(10, ""), state{At: 7})
	if err != nil {
		t.Fatal(err)
	}
	var got state
	if resumed, err := paging.Resume(request(999, token), &got); !resumed || err != nil || got.At != 7 {
		t.Errorf("with another page size: %v, %v, %+v", resumed, err, got)
	}
	other := request(10, token)
	other.Filter.UserId = "v"
	elsewhere := &pb.ListLicenseUsersRequest{Parent: "vendors/v/sites/s", PageToken: token}
	for name, req := range map[string]paging.Request{
		"another condition": other,
		"another method":    elsewhere,
		"a changed token":   request(10, token[:len(token)-3]+"AAA"),
		"a cut token":       request(10, token[:20]),
		"no token at all":   request(10, "next, please"),
	} {
		if _, err := paging.Resume(req, &state{}); err == nil || apierror.Convert(err).Code != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if resumed, err := paging.Resume(request(10, ""), &state{}); resumed || err != nil {
		t.Errorf("without a token: %v, %v", resumed, err)
	}
}

func TestSliceGivesEveryRowOnce(t *testing.T) {
	rows := []int{0, 1, 2, 3, 4, 5, 6}
	for size := int32(1); size <= 8; size++ {
		var got []int
		req := &pb.ListSitesRequest{Parent: "vendors/v", PageSize: size}
		for {
			page, next, err := paging.Slice(req, rows)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if next == "" {
				break
			}
			req.PageToken = next
		}
		if !slices.Equal(got, rows) {
			t.Errorf("pages of %d: %v", size, got)
		}
	}
}

func FuzzResume(f *testing.F) {
	token, _ := paging.Token(request(1, ""), state{At: 1})
	f.Add(token)
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, s string) {
		var got state
		resumed, err := paging.Resume(request(1, s), &got)
		if resumed && err == nil && s != token && got.At == 1 {
			t.Errorf("%q was taken for a token", s)
		}
	})
}
