package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var pagePromises = []Promise{
	{"every row comes exactly once, whatever the page sizes", needs("ListLicenses"), everyRowOnce},
	{"every row of many comes exactly once, whatever the page sizes", needs("ListLicenses"), everyRowOfManyOnce},
	{"equal rows come as often as the vendor holds them", needs("ListLicenses"), equalRows},
	{"page_size 0 means 100, and no page is larger than 1000", needs("ListLicenses"), pageSizes},
	{"total_size is how many rows match, or 0", needs("ListLicenses"), totalSize},
	{"rows that arrive at a newer second leave the earlier ones in their place", needs("ListLicenses"),
		arrivals(time.Second, nil)},
	{"rows that arrive in the newest second leave the earlier ones in their place", needs("ListLicenses"),
		arrivals(0, nil)},
	{"rows that arrive leave the earlier ones in their place in a filtered list", needs("ListLicenses"),
		arrivals(time.Second, &pb.LicenseFilter{ContentId: "content-3"})},
	{"a list fails if the vendor fails between its pages, and goes on afterwards", needs("ListLicenses"),
		failureInTheMiddle},
}

func everyRowOnce(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	for _, sizes := range [][]int32{{1}, {2}, {7}, {59}, {60}, {61}, {1, 2, 7}, {7, 1000, 1}, {13, 1, 5}} {
		newestFirst(t, fmt.Sprintf("page sizes %d", sizes), s.inTurn(t, nil, sizes...))
	}
}

func everyRowOfManyOnce(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(2100)...)
	for _, sizes := range [][]int32{{100}, {999}, {1000}, {5000}, {1000, 1, 999}} {
		s.inTurn(t, nil, sizes...)
	}
}

func equalRows(t T, h Harness) {
	s := newSite(t, h)
	for range 23 {
		s.put(license("content", midnight))
	}
	s.check(t, nil, 1, 5, 22, 23, 1000)
}

func pageSizes(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(1001)...)
	for size, most := range map[int32]int{0: 100, 1: 1, 999: 999, 1000: 1000, 1001: 1000, 5000: 1000} {
		rows, _, _, err := s.licenses(nil).page(t.Context(), size, "")
		if err != nil || len(rows) > most {
			t.Errorf("page_size %d returns %d rows, %v, want at most %d", size, len(rows), err, most)
		}
	}
}

func totalSize(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	for _, filter := range []*pb.LicenseFilter{
		nil, {ContentId: "content-3"}, {ContentId: "content-3", UserId: "viewer"}, {UserId: "another"},
	} {
		s.licenses(filter).all(t, len(s.held(filter)), 2)
	}
}

// arrivals makes a check that rows that arrive between the pages change nothing for those held
// before. Each time they are this much later than the newest row. One of them is like the newest
// row of the history, so that it equals that row in the same second.
func arrivals(later time.Duration, filter *pb.LicenseFilter) func(T, Harness) {
	return func(t T, h Harness) {
		s := newSite(t, h)
		s.put(history(40)...)
		newest := midnight
		arrive := func(page int, _ int32) {
			if page >= 6 { // or a list that follows the newest rows would never end
				return
			}
			newest = newest.Add(later)
			s.put(license("late", newest), license("content-3", newest), license("content-5", newest))
			if page%2 == 1 {
				s.put(license("later", newest), license("content-3", newest))
			}
		}
		for _, sizes := range [][]int32{{7}, {1}, {10, 3}, {1, 1000}} {
			held := s.held(filter)
			rows := s.licenses(filter).from(t, "", arrive, sizes...)
			sameRows(t, fmt.Sprintf("page sizes %d", sizes), rows, held, s.held(filter)[len(held):]...)
		}
	}
}

func failureInTheMiddle(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	list := s.licenses(nil)
	first, token, _, err := list.page(t.Context(), 7, "")
	if err != nil || token == "" {
		t.Fatalf("the first page of several has the token %q, %v", token, err)
	}
	h.FailReads(Down)
	_, _, _, err = list.page(t.Context(), 7, token)
	WantError(t, "the second page", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	h.FailReads(Healthy)
	sameRows(t, "before and after the failure", append(first, list.from(t, token, nil, 7)...), s.held(nil))
}
