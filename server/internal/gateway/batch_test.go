package gateway

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// TestABatchThatFailsReadsItsBodyOnce compares the cost of batches in which each item fails. A
// batch that is ten times as large may cost ten times as much, and not a hundred times.
func TestABatchThatFailsReadsItsBodyOnce(t *testing.T) {
	rpc := contract.Lookup(pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName)
	cost := func(n int) float64 {
		const item, problem = `{"productLicense":{"user":"ann"}}`, "product_license.product is missing"
		res := &pb.BatchCreateProductLicensesResponse{}
		for range n {
			e := &status.Status{Code: int32(codes.InvalidArgument), Message: problem}
			failed := &pb.ProductLicenseResult_Error{Error: e}
			res.Results = append(res.Results, &pb.ProductLicenseResult{Result: failed})
		}
		body := []byte(`{"requests":[` + strings.Repeat(item+",", n-1) + item + `]}`)
		return testing.AllocsPerRun(3, func() {
			s := &spelling{route: &route{RPC: rpc}, body: body}
			s.rewordItems(res)
		})
	}
	if few, many := cost(20), cost(200); many > 20*few {
		t.Errorf("20 items make %v allocations, and 200 items make %v", few, many)
	}
}
