package app_test

import (
	"embed"
	"path"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// public is how the public face shows each error reason: the code, and the HTTP status.
var public = map[pb.ErrorReason]struct {
	code codes.Code
	http int
}{
	pb.ErrorReason_REQUEST_INVALID:             {codes.InvalidArgument, 400},
	pb.ErrorReason_VENDOR_INPUT_REFUSED:        {codes.InvalidArgument, 400},
	pb.ErrorReason_TOKEN_INVALID:               {codes.Unauthenticated, 401},
	pb.ErrorReason_SCOPE_MISSING:               {codes.PermissionDenied, 403},
	pb.ErrorReason_RESOURCE_NOT_FOUND:          {codes.NotFound, 404},
	pb.ErrorReason_REQUEST_ID_REUSED:           {codes.AlreadyExists, 409},
	pb.ErrorReason_VENDOR_ALREADY_EXISTS:       {codes.AlreadyExists, 409},
	pb.ErrorReason_SECRETS_NOT_KEPT:            {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED: {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_PERMISSION_DENIED:    {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_REJECTED:             {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_STATE:                {codes.FailedPrecondition, 400},
	pb.ErrorReason_VENDOR_RATE_LIMITED:         {codes.ResourceExhausted, 429},
	pb.ErrorReason_CAPABILITY_NOT_SUPPORTED:    {codes.Unimplemented, 501},
	pb.ErrorReason_METHOD_UNKNOWN:              {codes.Unimplemented, 404},
	pb.ErrorReason_VENDOR_UNAVAILABLE:          {codes.Unavailable, 503},
	pb.ErrorReason_VENDOR_RESPONSE_INVALID:     {codes.Internal, 500},
	pb.ErrorReason_OUTCOME_UNKNOWN:             {codes.Unknown, 500},
}

// expect returns the case of a call that must return one of these:
//
//	OK "state":"PENDING"          a response that holds this JSON
//	UNCHANGED "state":"APPLIED"   the same, from a mutation that makes no write
//	VENDOR_STATE waits            an error with this reason, whose message holds this text
//	REQUEST_INVALID at name       an error with this reason, because of this field
func expect(c call, want string) rpcCase {
	what, holds, _ := strings.Cut(want, " ")
	name := path.Base(c.method)
	if what == "OK" || what == "UNCHANGED" {
		return rpcCase{name: name, call: c, idle: what == "UNCHANGED", http: 200, holds: holds}
	}
	reason := pb.ErrorReason(pb.ErrorReason_value[what])
	face, known := public[reason]
	if !known {
		panic("no code of " + want)
	}
	refused := rpcCase{name: name, call: c, code: face.code, http: face.http, reason: reason}
	if field, isField := strings.CutPrefix(holds, "at "); isField {
		refused.field = field
	} else {
		refused.holds = holds
	}
	return refused
}

// during returns the case while the vendors have a fault.
func (c rpcCase) during(fault twin.Fault) rpcCase {
	c.fault = &fault
	return c
}

//go:embed testdata
var testdata embed.FS

// casesIn reads the cases in a file of testdata, after replacing some words. A case is a paragraph:
// its name if it needs one, the RPC and its request as JSON, and what expect reads.
func casesIn(file string, replace ...string) (cases []rpcCase) {
	text, err := testdata.ReadFile("testdata/" + file + ".txt")
	if err != nil {
		panic(err)
	}
	_, paragraphs, _ := strings.Cut(strings.TrimSpace(strings.NewReplacer(replace...).Replace(string(text))), "\n\n")
	for paragraph := range strings.SplitSeq(paragraphs, "\n\n") {
		lines := strings.Split(paragraph, "\n")
		name, named := strings.CutPrefix(lines[0], "# ")
		if named {
			name, lines = ": "+name, lines[1:]
		} else {
			name = ""
		}
		c := expect(parse(lines[0]), lines[1])
		c.name += name
		cases = append(cases, c)
	}
	return cases
}

// parse returns the call of an RPC and its request in JSON, such as `GetSite
// {"name":"vendors/v/sites/s"}`.
func parse(text string) call {
	method, body, _ := strings.Cut(text, " ")
	for _, known := range contract.RPCs() {
		if path.Base(known.Name) == method {
			req := known.NewRequest()
			if err := protojson.Unmarshal([]byte(body), req); err != nil {
				panic(text + ": " + err.Error())
			}
			return rpc(req)
		}
	}
	panic("no RPC " + method)
}

// cases returns what the tests ask over both faces, by the kind of the vendor. drmhub's own RPCs
// have no kind. journal replaces the names of mutations, such as $done.
func cases(t *testing.T, journal ...string) map[string][]rpcCase {
	t.Helper()
	unknown := call{method: "/drmhub.v1.SiteService/Explode", req: &pb.ListSitesRequest{}, rest: "GET /v1/explode"}
	keys, wrong := fairPlayRequest(t, "0pen-Sesame"), fairPlayRequest(t, "0pen-Sesame")
	wrong.KeyPassword = "other"
	served := rpc(&pb.GetFairPlayCertificateRequest{Name: demo})
	listed := parse(`ListFairPlayCertificates {"parent":"vendors/-/sites/-"}`)
	noServer := twin.Fault{Kind: twin.FaultAnswer, Status: 500, Path: "/ri/fpsCert.do"}
	accounts := parse(`ListDrmAccounts {"parent":"vendors/telecomx"}`)
	owned := parse(`ListProductLicenses {"parent":"vendors/amino"}`)
	broken := twin.Fault{Kind: twin.FaultAnswer, Status: 500, Path: licensesPath}
	const denied, limited = "VENDOR_PERMISSION_DENIED", "VENDOR_RATE_LIMITED"
	return map[string][]rpcCase{
		"": slices.Concat(casesIn("journal", journal...), casesIn("calls"), casesIn("archive"), casesIn("questions")),
		"pallycon": slices.Concat(casesIn("pallycon"), casesIn("calls"), casesIn("archive"), []rpcCase{
			expect(served, "VENDOR_RESPONSE_INVALID"),
			expect(listed, `OK "unservedSites":["vendors/acme/sites/DEMO","vendors/acme/sites/OFFL"]`),
			expect(rpc(keys), `OK "serialNumber":"2a"`),
			expect(served, `OK "keySize":2048`),
			expect(listed, `OK "site":"`+demo+`"`),
			expect(listed, `OK "unreachable":[]`),
			expect(listed, `VENDOR_UNAVAILABLE`).during(noServer),
			expect(rpc(wrong), "REQUEST_INVALID at key_password"),
			expect(unknown, "METHOD_UNKNOWN"),
			expect(parse(`StreamLicenses {"parent":"`+demo+`"}`), "VENDOR_UNAVAILABLE").during(broken),
		}),
		"ncp":      append(casesIn("ncp"), expect(listSites("vendors/ncp"), denied).during(deniedByNCP)),
		"telecomx": append(casesIn("telecomx"), expect(accounts, denied).during(deniedByTelecomX)),
		"amino":    append(casesIn("amino"), expect(owned, limited).during(throttledByAmino)),
	}
}
