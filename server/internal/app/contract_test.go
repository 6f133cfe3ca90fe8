package app_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/app"
)

// casesOf are the cases that the tests make over both faces, by the kind of their vendor; those of
// drmhub's own RPCs have none.
func casesOf(t *testing.T) map[string][]rpcCase {
	t.Helper()
	return map[string][]rpcCase{
		"":         slices.Concat(faceCases(), ownCases(history{})),
		"pallycon": slices.Concat(faceCases(), pallyconCases(t)),
		"ncp":      ncpCases(),
		"telecomx": telecomxCases(),
		"amino":    aminoCases(),
	}
}

// inferred are RPCs that the sandbox leaves out, since it runs with default settings: no page of
// the vendor's has them, and a setting says that it does.
var inferred = map[string]string{"drmhub.v1.ProductLicenseService/UpdateProduct": "amino"}

// sandboxed are the kinds of vendors in the sandbox that have each RPC.
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

// TestEveryRPCIsServedAndTested fails for an RPC that no vendor of the sandbox has, and for one
// that lacks, with any of those that have it, an ordinary case, an error, or a dry run that plans
// something.
func TestEveryRPCIsServedAndTested(t *testing.T) {
	cases, kinds := casesOf(t), sandboxed(t)
	for _, rpc := range methods() {
		method := name(rpc)
		having := kinds[method]
		switch service := string(rpc.Parent().Name()); {
		case service == "VendorService" || service == "MutationService" || service == "AuditService":
			having = []string{""} // drmhub itself
		case inferred[method] != "" && having != nil:
			t.Errorf("%s: the sandbox has it, so it is not to be among the inferred ones", method)
		case inferred[method] != "":
			having = []string{inferred[method]}
		}
		if having == nil {
			t.Errorf("%s: no vendor of the sandbox has it", method)
		}
		_, changes := blank(rpc.Input()).(mutating)
		for _, kind := range having {
			ordinary, fails, planned := false, false, !changes || kind == ""
			for _, c := range cases[kind] {
				if c.call.method != "/"+method {
					continue
				}
				fails = fails || c.code != codes.OK
				ordinary = ordinary || c.code == codes.OK
				planned = planned || c.code == codes.OK && !c.idle
			}
			if !ordinary || !planned {
				t.Errorf("%s: no ordinary case of %q", method, kind)
			}
			if !fails {
				t.Errorf("%s: no error of %q", method, kind)
			}
		}
	}
}
