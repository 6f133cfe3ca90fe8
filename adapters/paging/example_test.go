package paging_test

import (
	"fmt"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A vendor pages by number. The adapter keeps the number in the page token.
func Example() {
	vendor := [][]string{{"DEMO", "TEST"}, {"LIVE"}}
	list := func(req *pb.ListSitesRequest) (sites []string, token string, err error) {
		var at struct{ Page int }
		if _, err := paging.Resume(req, &at); err != nil {
			return nil, "", err
		}
		sites = vendor[at.Page]
		if at.Page++; at.Page < len(vendor) {
			token, err = paging.Token(req, at)
		}
		return sites, token, err
	}

	req := &pb.ListSitesRequest{Parent: "vendors/acme", PageSize: 2}
	sites, token, err := list(req)
	fmt.Println(sites, err)

	req.PageToken = token
	sites, token, err = list(req)
	fmt.Printf("%v %v, next token %q\n", sites, err, token)
	// Output:
	// [DEMO TEST] <nil>
	// [LIVE] <nil>, next token ""
}
