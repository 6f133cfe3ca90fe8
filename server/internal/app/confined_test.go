package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/redact"
)

// named matches the vendor or the site of a name in an answer.
var named = regexp.MustCompile(`vendors/[a-z][a-z-]*(/sites/[^/"?& ,:]+)?`)

// TestTokensOfABroaderCallerGiveNothingMore has narrower callers continue every list of one who
// sees all.
func TestTokensOfABroaderCallerGiveNothingMore(t *testing.T) {
	h := start(t, guarded, allVendors)
	root := h.as(t, everything)
	root.history(t)
	narrow := map[*testServer]string{} // and what each sees
	for claims, sees := range map[string]string{
		`"sites":["vendors/acme/sites/DEMO"]`: `^vendors/acme(/sites/DEMO)?$`,
		`"vendors":["amino","ncp"]`:           `^vendors/(amino|ncp)(/|$)`,
		`"vendors":[]`:                        `^$`,
	} {
		narrow[h.as(t, `{"sub":"narrow","roles":["admin","secrets"],`+claims+`}`)] = sees
	}
	var requests []proto.Message
	for _, l := range listings() {
		requests = append(requests, l.request(l.all))
	}
	for _, text := range []string{"ListVendors {}", "ListMutations {}", "ListAuditEvents {}"} {
		requests = append(requests, parse(text).req)
	}
	tokens := 0
	for _, req := range requests {
		for range 6 {
			contract.Set(req, "page_size", int32(1))
			page := rpc(req).response()
			fromJSON(t, root.do(t, rpc(req)), page)
			token := contract.Text(page.ProtoReflect(), "next_page_token")
			if token == "" {
				break
			}
			contract.Set(req, "page_token", token)
			tokens++
			for who, sees := range narrow {
				_, text := who.whole(t, rpc(req))
				for _, name := range named.FindAllString(text, -1) {
					if ok, _ := regexp.MatchString(sees, name); !ok {
						t.Errorf("%s shows %s: %s", rpc(req).rest, name, text)
					}
				}
			}
		}
	}
	if tokens < 30 {
		t.Errorf("only %d tokens", tokens)
	}
}

// TestMutationsOfOthersAreNotNamed has a caller wait for the mutation of one whose customers it may
// not see.
func TestMutationsOfOthersAreNotNamed(t *testing.T) {
	h := start(t, guarded, withTelecomX(time.Now()))
	root := h.as(t, everything)
	house := h.as(t, `{"sub":"house","roles":["admin"],"customers":["`+household+`"]}`)
	h.loseAnswers("POST", "/iptv/drm")
	h.telecomx.Faults().Add(twin.Fault{
		Kind: twin.FaultAnswer, Status: 403, Method: "GET", PathPrefix: "/iptv/drm/", Skip: 1,
	})
	create := func(customer string) call {
		return parse(`CreateDrmAccount {"parent":"vendors/telecomx","drmAccount":
			{"customer":"` + customer + `","username":"contended"}}`)
	}
	record := root.unknown(t, create(business), false)
	for who, names := range map[*testServer]bool{root: true, house: false} {
		c := create(household)
		code, _, answer := who.rest(t, c.rest, c.body, "Grpc-Timeout", "300m")
		if code != http.StatusConflict || !strings.Contains(answer, "MUTATION_IN_PROGRESS") {
			t.Errorf("%d %s", code, answer)
		}
		if strings.Contains(answer, record) != names {
			t.Errorf("it names %s: %t, want %t: %s", record, !names, names, answer)
		}
	}
}

// TestARequestIDIsOfItsCaller has two callers use the same request_id.
func TestARequestIDIsOfItsCaller(t *testing.T) {
	h := start(t, guarded, furnish)
	id := uuid.NewString()
	var records []string
	for i, sub := range []string{"one", "two", "one"} {
		who := h.as(t, `{"sub":"`+sub+`","roles":["admin"]}`)
		_, record, err := who.either(t, resetPassword("7").with("request_id", id), i == 1)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	if records[0] == records[1] || records[0] != records[2] || h.effects() != 2 {
		t.Errorf("the records are %q, with %d effects", records, h.effects())
	}
}

// TestSecretsNeedTheirScope makes every call whose answer can hold secrets, and asks for all that
// it can show. The audit trail has the reads of those who see secrets, and no others.
func TestSecretsNeedTheirScope(t *testing.T) {
	for _, overREST := range []bool{false, true} {
		plain, shown, readers := start(t, guarded, allVendors), start(t, guarded, allVendors), 0
		without, with := plain.as(t, `{"sub":"plain","roles":["admin"]}`), shown.as(t, everything)
		for rpc, all := range samples(t) {
			if !contract.CanHoldSecrets(rpc.Response.Descriptor()) {
				continue
			}
			seen := false
			for _, c := range all {
				if rpc.Request.Descriptor().Fields().ByName("view") != nil {
					c = c.with("view", protoreflect.EnumNumber(2))
				}
				res := rpc.NewResponse()
				if answer, _, err := without.either(t, c, overREST); err == nil {
					if fromJSON(t, answer, res); redact.Has(res) {
						t.Errorf("%s shows secrets: %s", c.rest, answer)
					}
				}
				if answer, _, err := with.either(t, c, overREST); err == nil {
					fromJSON(t, answer, res)
					seen = seen || redact.Has(res)
				}
			}
			audited := len(with.audited(t, rpc)) > 0
			if seen != audited && !rpc.Mutating || rpc.Mutating && !audited {
				t.Errorf("%s shows secrets: %t, and is in the audit trail: %t", rpc.Name, seen, audited)
			}
			if n := len(plain.as(t, everything).audited(t, rpc)); n > 0 && !rpc.Mutating {
				t.Errorf("%s without its secrets has %d audit events", rpc.Name, n)
			}
			if seen {
				readers++
			}
		}
		if readers < 4 {
			t.Errorf("only %d RPCs show secrets", readers)
		}
	}
}

// audited returns the audit events of an RPC.
func (h *testServer) audited(t *testing.T, rpc *contract.RPC) []*pb.AuditEvent {
	t.Helper()
	list := h.pages(t, &pb.ListAuditEventsRequest{Filter: &pb.AuditEventFilter{Method: rpc.Name}}, 1000, false)
	return list.(*pb.ListAuditEventsResponse).GetAuditEvents()
}

// TestAnErrorNamesNoSiteOfOthers has vendors whose lists of sites cannot be read, because of one
// site.
func TestAnErrorNamesNoSiteOfOthers(t *testing.T) {
	h := start(t, guarded, furnish, withNCP(time.Now()))
	for id, answer := range map[string][2]string{
		"acme": {"/api/v2/account/siteId", `{"error_code":"0000","error_message":"success","data":[
			{"site_id":"DEMO"}, {"site_id":"OFFL","product_list":{"service_code":7}}]}`},
		"ncp": {"/api/v1/sites", `{"success":true,"content":[{"siteId":"OFFL","siteCreatedTime":"soon"}],"total":1}`},
	} {
		h.twins[id].Faults().Add(twin.Fault{
			Kind: twin.FaultAnswer, Status: 200, Path: answer[0], Body: answer[1],
			Header: map[string]string{"Content-Type": "application/json"},
		})
	}
	calls := []call{
		listSites("vendors/acme"), listSites("vendors/ncp"), listSites("vendors/-"),
		listLicenses("vendors/ncp/sites/-"),
	}
	for claims, others := range map[string]bool{
		`{"sub":"all","roles":["admin"]}`:                                            true,
		`{"sub":"some","roles":["admin"],"sites":["` + demo + `","` + mySite + `"]}`: false,
	} {
		who := h.as(t, claims)
		for _, c := range calls {
			if reason, text := who.whole(t, c); (reason != "OK") != others || strings.Contains(text, "OFFL") != others {
				t.Errorf("%s: %s: %s", claims, c.rest, text)
			}
		}
	}
}

// TestUnreachableHasOnlyWhatACallerSees lists while vendors are down, some of which the caller does
// not see.
func TestUnreachableHasOnlyWhatACallerSees(t *testing.T) {
	h := start(t, guarded, twoOfEach)
	for _, id := range []string{"acme", "ncp", "telecomx", "amino", "b-pallycon"} {
		h.twins[id].Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 403})
	}
	who := h.as(t, `{"sub":"s","roles":["admin"],"vendors":["acme","b-ncp","b-telecomx","b-amino"]}`)
	shown := map[string]bool{}
	for _, l := range listings() {
		_, text := who.whole(t, rpc(l.request(l.all)))
		for _, name := range named.FindAllString(text, -1) {
			vendor := strings.Split(name, "/")[1]
			if shown[vendor] = true; vendor != "acme" && vendor[:2] != "b-" || vendor == "b-pallycon" {
				t.Errorf("%s shows %s: %s", l.Name, name, text)
			}
		}
	}
	if len(shown) != 4 {
		t.Errorf("only %v were shown", shown)
	}
}
