package amino_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// AminoTV may ignore the offset, and cut each page to a number of rows that nobody knows. A license that is
// not on the page may then be behind it.
func TestAListThatIgnoresTheOffsetProvesNoLicenseLostUnlessItIsShort(t *testing.T) {
	for rows, wantPosts := range map[int]int{2: 2, 9: 2, 10: 1, 20: 1, 50: 1, 100: 1} {
		held := make([]string, rows)
		for i := range held {
			held[i] = fmt.Sprintf(`{"type":"License","id":"old-%d","attributes":{"order_id":"o-%d"},"relationships":`+
				`{"product":{"data":{"type":"Product","id":"gold"}}}}`, i, i)
		}
		a, vendor := serve(t, config(), map[string][]reply{
			"GET " + root + "/users/viewer/licenses": {ok(`{"data":[` + strings.Join(held, ",") + `]}`)},
			postLicense:                              {wiretest.Cut, created(theCreatedL2)},
		})
		log := mutation.NewMemory()
		order := &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"}
		_, err := issueAs(t, a, log, order)
		wantUnknown(t, fmt.Sprintf("the first call, with %d rows", rows), err)
		_, err = issueAs(t, a, log, order)
		if vendor.WantMade(postLicense, wantPosts); wantPosts == 1 {
			wantUnknown(t, fmt.Sprintf("the second call, with %d rows", rows), err)
		} else if err != nil {
			t.Errorf("the second call, with %d rows: %v", rows, err)
		}
	}
}
