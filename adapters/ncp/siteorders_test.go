package ncp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// newSite is a site that the vendor has just begun to create.
func newSite(id, name, policy string) string {
	return fmt.Sprintf(`{"siteId":"%s","siteName":"%s","siteStatus":"CREATING","siteEnabledYn":false,`+
		`"policyId":%s,"siteCreatedTime":1696817889000}`, id, name, policy)
}

// kids are sites called Kids_TV with the policy 7 and these ids.
func kids(ids ...string) (rows []string) {
	for _, id := range ids {
		rows = append(rows, newSite(id, "Kids_TV", "7"))
	}
	return rows
}

// pass are the pages of one pass over the list of sites, with the empty page behind.
func pass(rows ...string) []answer {
	if len(rows) == 0 {
		return []answer{ok("[]")}
	}
	return []answer{ok("[" + strings.Join(rows, ",") + "]"), ok("[]")}
}

func order(t *testing.T, a *ncp.Adapter, log mutation.Log, o *pb.SiteOrder) (*pb.SiteOrder, error) {
	t.Helper()
	req := &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: o}
	return a.CreateSiteOrder(mutation.NewContext(t.Context(), log), req)
}

func keys() *pb.FairPlayKeys {
	return &pb.FairPlayKeys{
		CertificateUri: "https://h/path/fps.CER?version=2", PrivateKeyUri: "http://h/the-private.pem",
		KeyPassword: "the-password", ApplicationSecretKey: "0123456789abcdef0123456789ABCDEF",
	}
}

func secretsOf(k *pb.FairPlayKeys) []secret.Text {
	return []secret.Text{
		secret.New(k.GetPrivateKeyUri()), secret.New(k.GetKeyPassword()), secret.New(k.GetApplicationSecretKey()),
	}
}

func TestAnOrderIsTheSiteThatIsBeingCreated(t *testing.T) {
	const fairPlay = `,"fairPlayCert":{"certFile":"https://h/path/fps.CER?version=2",` +
		`"privateKey":"http://h/the-private.pem","privateEncryptedString":"the-password",` +
		`"secretKey":"0123456789abcdef0123456789ABCDEF"}`
	copied := keys()
	copied.ApplicationSecretKey = "0x01234567-89abcdef 01234567 89ABCDEF\r\n"
	for body, o := range map[string]*pb.SiteOrder{
		`{"siteName":"Kids_TV","policyId":7` + fairPlay + `}`: {PolicyId: "7", FairplayCertificate: keys()},
		`{"siteName":"Kids_TV","policyId":0}`:                 {},
		`{"siteName":"Kids_TV","policyId":8` + fairPlay + `}`: {PolicyId: "8", FairplayCertificate: copied},
	} {
		o.DisplayName = "Kids_TV"
		policy := max(o.GetPolicyId(), "0")
		created := ok(newSite("drm-1", "Kids_TV", policy))
		replies := map[string][]answer{getSites: pass(), postSites: {created}, "GET /api/v1/sites/drm-1": {created}}
		a, vendor := serve(t, config(), replies)
		got, err := order(t, a, mutation.NewMemory(), o)
		if err != nil {
			t.Fatal(err)
		}
		want := &pb.SiteOrder{
			Name: "vendors/acme/siteOrders/drm-1", Site: "vendors/acme/sites/drm-1",
			DisplayName: "Kids_TV", PolicyId: policy, State: pb.SiteOrder_PENDING, VendorStatus: "CREATING",
			CreateTime: timestamppb.New(time.UnixMilli(1696817889000)),
		}
		same(t, "the order", got, want)
		wiretest.SameJSON(t, "the body", vendor.Only(postSites).Body, body)
		found, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: want.GetName()})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "the order, found again", found, want)
	}
}

func TestAnOrderIsFoundByItsNameAndPolicy(t *testing.T) {
	namesake, other, done := newSite("namesake", "Kids_TV", "8"), newSite("other", "Kids-TV", "7"), ok(`null`)
	for what, c := range map[string]struct {
		reply answer
		after []string // the sites that the vendor shows then
		want  string   // the id of the order; "" for an unknown outcome
		posts int
	}{
		"it arrived":                      {cut, append(kids("old", "drm-1"), namesake), "drm-1", 1},
		"it did not arrive":               {cut, kids("old"), "drm-2", 2},
		"one of another policy did":       {cut, append(kids("old"), namesake), "drm-2", 2},
		"two arrived":                     {cut, kids("old", "drm-1", "drm-3"), "", 1},
		"the same name in other letters":  {cut, append(kids("old"), newSite("drm-1", "kids_tv", "7")), "drm-2", 2},
		"an almost equal name":            {cut, append(kids("old", "drm-1"), other), "drm-1", 1},
		"an answer without the site":      {done, kids("old", "drm-1"), "drm-1", 1},
		"such an answer, and no site":     {done, kids("old"), "", 1},
		"such an answer, and two of them": {done, kids("old", "drm-1", "drm-3"), "", 1},
	} {
		lists := slices.Concat(pass(kids("old")...), pass(kids("old")...), pass(c.after...), pass(c.after...))
		created := ok(kids("drm-2")[0])
		a, vendor := serve(t, config(), map[string][]answer{getSites: lists, postSites: {c.reply, created}})
		log := mutation.NewMemory()
		asked := &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", FairplayCertificate: keys()}
		got, err := order(t, a, log, asked)
		if c.reply.Status == cut.Status {
			want(t, what, err, unknown)
			if c.posts == 1 { // A settling run has no secrets.
				asked.FairplayCertificate = &pb.FairPlayKeys{CertificateUri: keys().GetCertificateUri()}
			}
			got, err = order(t, a, log, asked)
		}
		if c.want == "" {
			want(t, what, err, unknown)
		} else if err != nil || got.GetName() != "vendors/acme/siteOrders/"+c.want {
			t.Errorf("%s: %v, %v; want %s", what, got, err, c.want)
		}
		vendor.WantMade(postSites, c.posts)
	}
}

func TestOrdersThatTheVendorCannotTakeAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	with := func(certificate, key, secret string) *pb.SiteOrder {
		k := &pb.FairPlayKeys{CertificateUri: certificate, PrivateKeyUri: key, ApplicationSecretKey: secret}
		return &pb.SiteOrder{DisplayName: "Kids_TV", FairplayCertificate: k}
	}
	const certificate, key = "fairplay_certificate.certificate_uri", "fairplay_certificate.private_key_uri"
	const secretKey = "fairplay_certificate.application_secret_key"
	for what, c := range map[string]struct {
		order *pb.SiteOrder
		field string
	}{
		"no name":                 {&pb.SiteOrder{}, "display_name"},
		"a short name":            {&pb.SiteOrder{DisplayName: "TV"}, "display_name"},
		"a long name":             {&pb.SiteOrder{DisplayName: strings.Repeat("한", 21)}, "display_name"},
		"a policy that is a word": {&pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "BASIC"}, "policy_id"},
		"no certificate":          {with("", "http://h/k.pem", "0123"), certificate},
		"another kind of file":    {with("http://h/fps.pem", "http://h/k.pem", "0123"), certificate},
		"another kind of address": {with("ftp://h/fps.cer", "http://h/k.pem", "0123"), certificate},
		"no private key":          {with("http://h/fps.cer", "", "0123"), key},
		"another kind of key":     {with("http://h/fps.cer", "http://h/key.der", "0123"), key},
		"no application secret":   {with("http://h/fps.cer", "http://h/k.pem", ""), secretKey},
		"a short one":             {with("http://h/fps.cer", "http://h/k.pem", "0x0123"), secretKey},
	} {
		_, err := order(t, a, mutation.NewMemory(), c.order)
		wantField(t, what, err, "site_order."+c.field)
	}
	vendor.WantNothing()
}

func TestAnOrderShowsNoSecret(t *testing.T) {
	asked := &pb.SiteOrder{DisplayName: "Kids_TV", FairplayCertificate: keys()}
	hides := func(what, text string) {
		for i, s := range secretsOf(keys()) {
			if secret.Clean(text, s) != text {
				t.Errorf("%s shows secret %d", what, i)
			}
		}
	}
	a, vendor := serve(t, config(), map[string][]answer{getSites: pass()})
	ctx, dryRun := mutation.WithDryRun(t.Context())
	got, err := a.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: asked})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the order", got, &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "0", State: pb.SiteOrder_PENDING})
	if r := dryRun.Requests(); len(r) != 1 || !strings.Contains(r[0], "fps.CER") {
		t.Fatalf("it would send %q", r)
	}
	hides("a dry run", dryRun.Requests()[0])
	vendor.WantMade(postSites, 0)

	k := keys()
	said := fmt.Sprint("not ", k.GetPrivateKeyUri(), " and ", k.GetKeyPassword(), " and ", k.GetApplicationSecretKey())
	for status, outcome := range map[int]outcome{200: inputRefused, 400: inputRefused, 500: unknown} {
		refused := refusal(status, "2810011")
		refused.Body = strings.Replace(refused.Body, `"no"`, `"`+said+`"`, 1)
		a, _ := serve(t, config(), map[string][]answer{getSites: pass(), postSites: {refused}})
		_, err := order(t, a, mutation.NewMemory(), asked)
		want(t, fmt.Sprint("HTTP ", status), err, outcome)
		hides(fmt.Sprint("HTTP ", status), wiretest.Texts(err))
	}
}

// During the first pass, somebody deletes a site of the first page. The new site slides from the
// second page to the first, where this pass does not see it.
func TestASiteThatSlidesBetweenPagesIsFound(t *testing.T) {
	for _, atOnce := range []int{100, 40} { // The vendor may return fewer sites than it is asked for.
		var full []string
		for i := range atOnce {
			full = append(full, newSite(fmt.Sprint("s-", i), fmt.Sprint("site_", i), "7"))
		}
		slid := append(full[1:], kids("new")...)
		lists := slices.Concat(pass(full...), pass(full...), pass(full...), pass(slid...), pass(slid...))
		a, vendor := serve(t, config(), map[string][]answer{getSites: lists, postSites: {cut}})
		log, asked := mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7"}
		_, err := order(t, a, log, asked)
		want(t, "the order", err, unknown)
		if got, err := order(t, a, log, asked); err != nil || got.GetName() != "vendors/acme/siteOrders/new" {
			t.Errorf("%d at once: %v, %v", atOnce, got, err)
		}
		vendor.WantMade(postSites, 1)
	}
}

func TestAListThatMayHideSitesProvesNothing(t *testing.T) {
	asked := &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7"}
	nameless := ok(`[{"siteId":"old"},{"siteName":"Kids_TV"}]`)
	for what, list := range map[string][]answer{
		"a full page again": {fullPage()}, "a page below the total": {total(3, sitesOf("A", "B"))}, "no id": {nameless},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSites: list})
		_, err := order(t, a, mutation.NewMemory(), asked)
		want(t, what, err, unreadable)
		vendor.WantMade(postSites, 0)
	}
	old := kids("old")
	for what, list := range map[string][]answer{
		"a full page again":     {fullPage()},
		"a page below total":    {total(3, ok("["+old[0]+"]"))},
		"a new site, no id":     {nameless},
		"a new site, no name":   pass(append(old, `{"siteId":"drm-1","policyId":7}`)...),
		"a new site, no policy": pass(append(old, `{"siteId":"drm-1","siteName":"Kids_TV","policyId":""}`)...),
		"a garbled name":        pass(append(old, newSite("drm-1", `Kids_\ud83d`, "7"))...),
		"a page that fails":     {answer{Status: 404, Body: "default backend - 404"}},
		"an empty object":       {ok("{}")},
	} {
		lists := slices.Concat(pass(old...), pass(old...), list, list, list, list)
		a, vendor := serve(t, config(), map[string][]answer{getSites: lists, postSites: {cut}})
		log := mutation.NewMemory()
		for range 2 {
			_, err := order(t, a, log, asked)
			want(t, what, err, unknown)
		}
		vendor.WantMade(postSites, 1)
	}
	// What cannot be read of sites that are known, or of others, does not matter.
	bad := `{"siteId":"old","siteName":{"a":1},"siteCreatedTime":"soon"}`
	other := `{"siteId":"other","siteName":"Night","policyId":[7],"siteCreatedTime":"soon"}`
	lists := slices.Concat(pass(bad), pass(bad), pass(bad, other, kids("drm-1")[0]), pass(bad, other, kids("drm-1")[0]))
	a, _ := serve(t, config(), map[string][]answer{getSites: lists, postSites: {cut}})
	log := mutation.NewMemory()
	_, err := order(t, a, log, asked)
	want(t, "the order", err, unknown)
	if got, err := order(t, a, log, asked); err != nil || got.GetName() != "vendors/acme/siteOrders/drm-1" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAnOrderIsWhatItsResponseShows(t *testing.T) {
	asAsked := &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", State: pb.SiteOrder_PENDING}
	shown := &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7", State: pb.SiteOrder_APPROVED, VendorStatus: "READY"}
	ready := ok(strings.Replace(kids("drm-1")[0], "CREATING", "READY", 1))
	gone, front := refusal(404, "281003"), answer{Status: 404, Body: "default backend - 404"}
	for what, c := range map[string]struct {
		reply, read answer
		want        *pb.SiteOrder // nil: the outcome is unknown
	}{
		"an id":                     {ok(`{"siteId":"drm-1"}`), ready, shown},
		"an id, not shown yet":      {ok(`{"siteId":"drm-1"}`), gone, asAsked},
		"an id, and a front's 404":  {ok(`{"siteId":"drm-1"}`), front, asAsked},
		"an id, and loose types":    {ok(`{"siteId":"drm-1","siteName":"Kids_TV","policyId":"7.0"}`), ready, shown},
		"what cannot be read":       {ok(`{"siteId":"drm-1","siteEnabledYn":"perhaps"}`), ready, shown},
		"another name":              {ok(newSite("drm-1", "Night_TV", "7")), ready, nil},
		"another policy":            {ok(newSite("drm-1", "Kids_TV", "8")), ready, nil},
		"a site of before":          {ok(kids("old")[0]), ready, nil},
		"an id of another site":     {ok(`{"siteId":"drm-1"}`), ok(newSite("drm-1", "Night_TV", "7")), nil},
		"a list":                    {ok("[" + kids("drm-1")[0] + "]"), ready, nil},
		"an empty object":           {ok(`{}`), ready, nil},
		"a success of nothing":      {wiretest.OK(`{"success":true}`), ready, nil},
		"a success in another form": {wiretest.OK(`{"status":"ok"}`), ready, nil},
		"another success":           {wiretest.OK(`{}`), ready, nil},
	} {
		lists := slices.Concat(pass(kids("old")...), pass(kids("old")...))
		lists = append(lists, ok("["+kids("old")[0]+"]"))
		replies := map[string][]answer{getSites: lists, postSites: {c.reply}, "GET /api/v1/sites/drm-1": {c.read}}
		a, _ := serve(t, config(), replies)
		got, err := order(t, a, mutation.NewMemory(), &pb.SiteOrder{DisplayName: "Kids_TV", PolicyId: "7"})
		if c.want == nil {
			want(t, what, err, unknown)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		c.want.Name, c.want.Site = "vendors/acme/siteOrders/drm-1", "vendors/acme/sites/drm-1"
		got.CreateTime = nil
		same(t, what, got, c.want)
	}
}
