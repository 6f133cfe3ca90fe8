package app_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// sandboxed returns the kinds of vendors in the sandbox that have each RPC.
func sandboxed(t *testing.T) map[string][]string {
	t.Helper()
	cfg, _, err := app.Sandbox(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := (&testServer{cfg: cfg}).run(t)
	res, err := pb.NewVendorServiceClient(h.conn).ListVendors(t.Context(), &pb.ListVendorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]string{}
	for _, v := range res.GetVendors() {
		for _, c := range v.GetCapabilities() {
			kinds[c.GetMethod()] = append(kinds[c.GetMethod()], v.GetKind())
		}
	}
	return kinds
}

// TestEveryRPCIsServedAndTested fails for an RPC that no vendor of the sandbox has. It also fails
// if the cases of a vendor that has it lack a success, an error, or a dry run that plans something.
func TestEveryRPCIsServedAndTested(t *testing.T) {
	all, kinds := cases(t), sandboxed(t)
	for _, rpc := range contract.RPCs() {
		capable := kinds[rpc.Name]
		switch rpc.Method.Parent().Name() {
		case "CallerService":
			continue // TestCallers has its cases.
		case "VendorService", "MutationService", "AuditService", "ArchiveService", "ViewerService":
			capable = []string{""} // drmhub itself
		}
		if rpc.Method.Name() == "ExplainLicense" {
			capable = []string{""}
		}
		if capable == nil {
			t.Errorf("%s: no vendor of the sandbox has it", rpc.Name)
		}
		_, changes := rpc.NewRequest().(mutating)
		for _, kind := range capable {
			succeeds, planned := false, !changes || kind == ""
			fails := rpc.Method.Input().Fields().Len() == 0 // Only its caller can be wrong: callers.txt has those.
			for _, c := range all[kind] {
				if c.call.method == rpc.FullMethod() {
					fails = fails || c.code != codes.OK
					succeeds = succeeds || c.code == codes.OK
					planned = planned || c.code == codes.OK && !c.idle
				}
			}
			if !succeeds || !planned || !fails {
				t.Errorf("%s of %q: testdata has a success: %t, one that writes: %t, an error: %t; add what is false",
					rpc.Name, kind, succeeds, planned, fails)
			}
		}
	}
}
