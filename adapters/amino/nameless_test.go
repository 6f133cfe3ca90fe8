package amino_test

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Nothing finds a product without a name again. So a proxy's refusal, which may have come after the
// effect, leaves its creation in doubt.
func TestARefusalOfAProxyLeavesANamelessProductInDoubt(t *testing.T) {
	const page = "<html>Request blocked</html>"
	refused := pb.ErrorReason_VENDOR_INPUT_REFUSED
	denied, credentials := pb.ErrorReason_VENDOR_PERMISSION_DENIED, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED
	unknown := pb.ErrorReason_OUTCOME_UNKNOWN
	for _, c := range []struct {
		status int
		body   string
		want   pb.ErrorReason
	}{
		{http.StatusBadRequest, page, unknown},
		{http.StatusUnauthorized, page, unknown},
		{http.StatusForbidden, page, unknown},
		{http.StatusForbidden, `{"errors":[{"message":"blocked"}]}`, unknown},
		{http.StatusConflict, page, unknown},
		{http.StatusUnprocessableEntity, "", unknown},
		{http.StatusUnauthorized, "", credentials},
		{http.StatusForbidden, "", denied},
		{http.StatusForbidden, `{"errors":[{"code":"C"}]}`, denied},
		{http.StatusForbidden, `{"errors":[{"title":"T"}]}`, denied},
		{http.StatusUnauthorized, `{"errors":[{"detail":"D"}]}`, credentials},
		{http.StatusUnprocessableEntity, `{"errors":[{"title":"T","detail":"D"}]}`, refused},
		{http.StatusUnprocessableEntity, `{"errors":[{"code":"C","title":"T"}]}`, refused},
	} {
		a, _ := serve(t, config(), map[string][]reply{"POST " + root + "/products": {respond(c.status, c.body)}})
		req := &pb.CreateProductRequest{Parent: "vendors/acme", Product: &pb.Product{Description: "no name"}}
		_, err := a.CreateProduct(in(t, mutation.NewMemory()), req)
		code := codes.FailedPrecondition
		switch c.want {
		case unknown:
			code = codes.Unknown
		case refused:
			code = codes.InvalidArgument
		}
		wantError(t, c.body, err, code, c.want)
	}
}
