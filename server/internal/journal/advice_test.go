package journal_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// TestAdviceSuitsTheCall leaves the outcome of calls unknown. Only a call with a request_id can be
// repeated.
func TestAdviceSuitsTheCall(t *testing.T) {
	for requestID, advice := range map[string]string{
		id: "Retry with the same request_id", "": "Look at GET /v1/mutations/",
	} {
		for what, call := range map[string]func(*replica) (string, error){
			"a call":  func(r *replica) (string, error) { return "", r.disable(t, requestID) },
			"in part": func(r *replica) (string, error) { return "", r.create(t, requestID) },
			"of a batch": func(r *replica) (string, error) {
				res, err := r.licenses.BatchCreateProductLicenses(t.Context(), batch(requestID, "a"))
				return res.GetResults()[0].GetError().GetMessage(), err
			},
		} {
			v := &fakeVendor{faults: map[int]fault{1: lost}}
			r := start(t, v, noBackground)
			text, err := call(r)
			if err != nil {
				text = status.Convert(err).Message()
			}
			given := strings.Count(text, "request_id") + strings.Count(text, "Look at")
			if given != 1 || !strings.Contains(text, advice) {
				t.Errorf("%s: %q, want %q once", what, text, advice)
			}
			all, err := r.mutations.ListMutations(t.Context(), &pb.ListMutationsRequest{})
			ok(t, err)
			shown := all.String()
			if requestID == "" && strings.Contains(shown, "same request_id") {
				t.Errorf("%s: the record has advice that nobody can follow: %s", what, shown)
			}
		}
	}
}
