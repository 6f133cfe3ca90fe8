package ncp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// newSite is a site that the vendor has just begun to create.
func newSite(id, name, policy string) string {
	return `{"siteId":"` + id + `","siteName":"` + name + `","siteStatus":"CREATING","siteEnabledYn":false,"policyId":` + policy + `,"siteCreatedTime":1696817889000}`
}

// agreed are sites as the list shows them in two passes, each with the empty page behind.
func agreed(rows ...string) (answers []answer) {
	for range 2 {
		if len(rows) > 0 {
			answers = append(answers, ok("["+strings.Join(rows, ",")+"]"))
		}
		answers = append(answers, sitesOf())
	}
	return answers
}

func order(t *testing.T, a *ncp.Adapter, log mutation.Log, o *pb.SiteOrder) (*pb.SiteOrder, error) {
	t.Helper()
	return a.CreateSiteOrder(mutation.NewContext(t.Context(), log), &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: o})
}

func keys() *pb.FairPlayKeys {
	return &pb.FairPlayKeys{
		CertificateUri: "https://h/path/fps.CER?version=2", PrivateKeyUri: "http://h/the-private.pem", KeyPassword: "the-password",
		ApplicationSecretKey: "0123456789abcdef0123456789ABCDEF",
	}
}

func TestAnOrderIsTheSiteThatIsBeingCreated(t *testing.T) {
	created := ok(newSite("drm-1", "Kids_TV", "7"))
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf()}, postSites: {created}, "GET /api/v1/sites/drm-1": {created}})
	got, err := order(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", FairplayCertificate: keys()})
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.SiteOrder{
		Name: "vendors/acme/siteOrders/drm-1", Site: "vendors/acme/sites/drm-1", DisplayName: "Kids_TV", PolicyId: "7",
		State: pb.SiteOrder_PENDING, VendorStatus: "CREATING", CreateTime: timestamppb.New(time.UnixMilli(1696817889000)),
	}
	same(t, "the order", got, want)
	wiretest.SameJSON(t, "the body", vendor.Only(postSites).Body, `{"siteName":"Kids_TV","policyId":7,"fairPlayCert":{"certFile":"https://h/path/fps.CER?version=2",`+
		`"privateKey":"http://h/the-private.pem","privateEncryptedString":"the-password","secretKey":"0123456789abcdef0123456789ABCDEF"}}`)
	found, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: want.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the order, found again", found, want)
}

func TestAnOrderWithoutAPolicyHasTheBasicOne(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf()}, postSites: {ok(newSite("drm-1", "Kids_TV", "0"))}})
	if _, err := order(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV"}); err != nil {
		t.Fatal(err)
	}
	wiretest.SameJSON(t, "the body", vendor.Only(postSites).Body, `{"siteName":"Kids_TV","policyId":0}`)
}

func TestAnOrdersStateIsThatOfItsSite(t *testing.T) {
	for status, want := range map[string]pb.SiteOrder_State{
		"CREATING": pb.SiteOrder_PENDING, "READY": pb.SiteOrder_APPROVED, "RUNNING": pb.SiteOrder_APPROVED, "DELETED": pb.SiteOrder_APPROVED,
		"REVIEWING": pb.SiteOrder_STATE_UNSPECIFIED,
	} {
		a, _ := serve(t, config(), map[string][]answer{getSite: {ok(siteRow(status, false))}})
		o, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/DEMO"})
		if err != nil || o.GetState() != want || o.GetVendorStatus() != status {
			t.Errorf("%s is shown as %v, %v", status, o, err)
		}
	}
	a, _ := serve(t, config(), map[string][]answer{getSite: {refusal(404, "281003")}})
	_, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/DEMO"})
	wantError(t, "an unknown order", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func TestALostOrderIsFoundByItsNameAndPolicy(t *testing.T) {
	old, namesake := newSite("old", "Kids_TV", "7"), newSite("namesake", "Kids_TV", "8")
	for what, c := range map[string]struct {
		after []string // the sites that the vendor shows then
		name  string   // of the order that is answered; "" for an unknown outcome
		posts int
	}{
		"it arrived":                       {[]string{old, namesake, newSite("drm-1", "Kids_TV", "7"), newSite("other", "Kids-TV", "7")}, "drm-1", 1},
		"it did not arrive":                {[]string{old}, "drm-2", 2},
		"one of another policy did":        {[]string{old, namesake}, "drm-2", 2},
		"two arrived":                      {[]string{old, newSite("drm-1", "Kids_TV", "7"), newSite("drm-3", "Kids_TV", "7")}, "", 1},
		"the same name in other letters":   {[]string{old, newSite("drm-1", "kids_tv", "7")}, "drm-2", 2},
		"the old one has become of policy": {[]string{newSite("old", "Kids_TV", "7")}, "drm-2", 2},
	} {
		turns := append(agreed(old), agreed(c.after...)...)
		a, vendor := serve(t, config(), map[string][]answer{getSites: turns, postSites: {cut, ok(newSite("drm-2", "Kids_TV", "7"))}})
		log := mutation.NewMemory()
		_, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7"})
		wantError(t, what, err, unknown.Code, unknown.Reason)
		got, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7"})
		if c.name == "" {
			wantError(t, what+", run again", err, unknown.Code, unknown.Reason)
		} else if err != nil || got.GetName() != "vendors/acme/siteOrders/"+c.name {
			t.Errorf("%s, run again: %v, %v; want %s", what, got, err, c.name)
		}
		vendor.WantMade(postSites, c.posts)
	}
}

// Who settles an order has no secrets: all but the address of the certificate is gone.
func TestALostOrderIsFoundWithoutItsKeys(t *testing.T) {
	turns := append(agreed(), agreed(newSite("drm-1", "Kids_TV", "7"))...)
	a, vendor := serve(t, config(), map[string][]answer{getSites: turns, postSites: {cut}})
	log := mutation.NewMemory()
	_, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", FairplayCertificate: keys()})
	wantError(t, "the order", err, unknown.Code, unknown.Reason)
	kept := &pb.FairPlayKeys{CertificateUri: keys().GetCertificateUri()}
	got, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", FairplayCertificate: kept})
	if err != nil || got.GetName() != "vendors/acme/siteOrders/drm-1" {
		t.Errorf("settled: %v, %v", got, err)
	}
	vendor.WantMade(postSites, 1)
}

func TestAnAnswerWithoutTheSiteIsLookedUp(t *testing.T) {
	for what, c := range map[string]struct {
		after []string
		found bool
	}{
		"the list shows it":      {[]string{newSite("drm-1", "Kids_TV", "0")}, true},
		"the list does not":      {nil, false},
		"the list shows several": {[]string{newSite("drm-1", "Kids_TV", "0"), newSite("drm-2", "Kids_TV", "0")}, false},
	} {
		turns := append(agreed(), agreed(c.after...)...)
		a, vendor := serve(t, config(), map[string][]answer{getSites: turns, postSites: {{Body: `{"success":true}`}}})
		got, err := order(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV"})
		if !c.found {
			wantError(t, what, err, unknown.Code, unknown.Reason)
		} else if err != nil || got.GetName() != "vendors/acme/siteOrders/drm-1" {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		vendor.WantMade(postSites, 1)
	}
}

func TestOrdersThatTheVendorCannotTakeAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	with := func(change func(*pb.FairPlayKeys)) *pb.SiteOrder {
		k := keys()
		change(k)
		return &pb.SiteOrder{DisplayName: "Kids_TV", FairplayCertificate: k}
	}
	const fairPlay = "site_order.fairplay_certificate."
	for what, c := range map[string]struct {
		order *pb.SiteOrder
		field string
	}{
		"no name":                 {&pb.SiteOrder{}, "site_order.display_name"},
		"a short name":            {&pb.SiteOrder{DisplayName: "TV"}, "site_order.display_name"},
		"a long name":             {&pb.SiteOrder{DisplayName: strings.Repeat("한", 21)}, "site_order.display_name"},
		"a policy that is a word": {&pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "BASIC"}, "site_order.policy_id"},
		"no certificate":          {with(func(k *pb.FairPlayKeys) { k.CertificateUri = "" }), fairPlay + "certificate_uri"},
		"another kind of file":    {with(func(k *pb.FairPlayKeys) { k.CertificateUri = "http://h/fps.pem" }), fairPlay + "certificate_uri"},
		"another kind of address": {with(func(k *pb.FairPlayKeys) { k.CertificateUri = "ftp://h/fps.cer" }), fairPlay + "certificate_uri"},
		"no private key":          {with(func(k *pb.FairPlayKeys) { k.PrivateKeyUri = "" }), fairPlay + "private_key_uri"},
		"a private key of a kind": {with(func(k *pb.FairPlayKeys) { k.PrivateKeyUri = "http://h/key.der" }), fairPlay + "private_key_uri"},
		"no application secret":   {with(func(k *pb.FairPlayKeys) { k.ApplicationSecretKey = "" }), fairPlay + "application_secret_key"},
	} {
		_, err := order(t, a, mutation.NewMemory(), c.order)
		wantField(t, what, err, c.field)
	}
	vendor.WantNothing()
}

func TestATrialOfAnOrderShowsNoSecret(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getSites: {sitesOf()}})
	ctx, trial := mutation.WithDryRun(t.Context())
	got, err := a.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Kids_TV", FairplayCertificate: keys()}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the order", got, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "0", State: pb.SiteOrder_PENDING})
	requests := trial.Requests()
	if len(requests) != 1 || !strings.Contains(requests[0], "fps.CER") {
		t.Fatalf("it would send %q", requests)
	}
	for _, s := range secretsOf(keys()) {
		if secret.Clean(requests[0], s) != requests[0] {
			t.Error("the request shows a secret")
		}
	}
	vendor.WantMade(postSites, 0)
}

func secretsOf(k *pb.FairPlayKeys) []secret.Text {
	return []secret.Text{secret.New(k.GetPrivateKeyUri()), secret.New(k.GetKeyPassword()), secret.New(k.GetApplicationSecretKey())}
}

func TestARefusedOrderRepeatsNoSecret(t *testing.T) {
	k := keys()
	said := strings.Join([]string{k.GetPrivateKeyUri(), k.GetKeyPassword(), k.GetApplicationSecretKey()}, " and ")
	for _, status := range []int{200, 400, 500} {
		refused := refusal(status, "2810011")
		refused.Body = strings.Replace(refused.Body, `"no"`, `"not `+said+`"`, 1)
		a, _ := serve(t, config(), map[string][]answer{getSites: {sitesOf()}, postSites: {refused}})
		_, err := order(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV", FairplayCertificate: k})
		if want := unknown; status < 500 {
			want = inputRefused
			wantError(t, "CreateSiteOrder", err, want.Code, want.Reason)
		} else {
			wantError(t, "CreateSiteOrder", err, want.Code, want.Reason)
		}
		if i := slices.IndexFunc(secretsOf(k), func(s secret.Text) bool { return secret.Clean(everything(err), s) != everything(err) }); i >= 0 {
			t.Errorf("HTTP %d: the error shows secret %d", status, i)
		}
	}
}

// While the first page is read, somebody deletes a site of it at the console: the new one slides
// from the second page to the first.
func TestASiteThatSlidesBetweenPagesIsFound(t *testing.T) {
	for _, atOnce := range []int{100, 40} { // the vendor may give fewer than it is asked for
		var held []string
		for i := range atOnce {
			held = append(held, newSite(fmt.Sprintf("s-%d", i), fmt.Sprintf("site_%d", i), "0"))
		}
		slides, posts := false, 0
		a := adapterTo(t, config(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.Method == http.MethodPost {
				posts++
				held = append(held, newSite("new", "Kids_TV", "0"))
				panic(http.ErrAbortHandler)
			}
			page, _ := strconv.Atoi(r.URL.Query().Get("pageNo"))
			from := min((page-1)*atOnce, len(held))
			fmt.Fprintf(w, `{"success":true,"content":[%s]}`, strings.Join(held[from:min(from+atOnce, len(held))], ","))
			if slides && page == 1 {
				held, slides = held[1:], false
			}
		})))
		log := mutation.NewMemory()
		_, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV"})
		wantError(t, "the order", err, unknown.Code, unknown.Reason)
		slides = true
		if got, err := order(t, a, log, &pb.SiteOrder{DisplayName: "Kids_TV"}); err != nil || got.GetName() != "vendors/acme/siteOrders/new" || posts != 1 {
			t.Errorf("%d at once: %v, %v, ordered %d times", atOnce, got, err, posts)
		}
	}
}
