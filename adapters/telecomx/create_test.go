package telecomx_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const vghPassword = "vgh38gy3uvhebv"

var (
	unknownID = respond(404, `{"error":"id"}`)
	// made is the response to the creation of Donald.
	made = respond(200,
		`{"username":"donald@duck.com","password":"vgh38gy3uvhebv","created":"2016-01-01T00:00:00.000Z"}`)
)

// newDonald returns Donald before he has devices.
func newDonald() *pb.DrmAccount {
	account := donaldAccount(pb.DrmAccount_FULL)
	account.Customer, account.DeviceCount, account.Devices = own, 0, nil
	return account
}

// wanted returns the account to create.
func wanted(password string) *pb.DrmAccount {
	return &pb.DrmAccount{Username: "donald@duck.com", Password: password}
}

// sentFields returns those of a request's JSON body.
func sentFields(t *testing.T, c wiretest.Request) map[string]string {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(c.Body), &fields); err != nil {
		t.Errorf("%s has a body that is no object of texts: %v", c.Name, err)
	}
	return fields
}

func TestCreatingAnAccountSendsWhatIsDocumented(t *testing.T) {
	all := wanted(vghPassword)
	all.Customer = another
	for what, c := range map[string]struct {
		wanted *pb.DrmAccount
		view   pb.DrmAccount_View
		sent   map[string]string
	}{
		"all of it": {all, pb.DrmAccount_FULL,
			map[string]string{"customer": another, "username": "donald@duck.com", "password": vghPassword}},
		"no password, for the own customer": {wanted(""), pb.DrmAccount_FULL,
			map[string]string{"customer": own, "username": "donald@duck.com"}},
		"for the basic view": {wanted(vghPassword), pb.DrmAccount_BASIC,
			map[string]string{"customer": own, "username": "donald@duck.com", "password": vghPassword}},
		"for the default view": {wanted(vghPassword), pb.DrmAccount_VIEW_UNSPECIFIED,
			map[string]string{"customer": own, "username": "donald@duck.com", "password": vghPassword}},
	} {
		a, vendor := serve(t, config(), replies{getDonald: {unknownID}, postAccount: {made}})
		req := &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: c.wanted, View: c.view}
		got, err := a.CreateDrmAccount(as(t, mutation.NewMemory()), req)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want := newDonald()
		want.Customer = c.sent["customer"]
		if c.view != pb.DrmAccount_FULL {
			want.Password = ""
		}
		same(t, what, got, want)
		sent := vendor.Only(postAccount)
		wantQuery(t, sent, "the-first-token", "")
		if fields := sentFields(t, sent); !maps.Equal(fields, c.sent) {
			t.Errorf("%s: it sends %d fields, want %d (or others)", what, len(fields), len(c.sent))
		}
	}
}

func TestAResponseThatTellsTooLittleIsCompleted(t *testing.T) {
	named := func(username, password string) *pb.DrmAccount {
		name := "vendors/acme/drmAccounts/" + username
		return &pb.DrmAccount{Name: name, Customer: own, Username: username, Password: password}
	}
	const known, other = "donald@duck.com", "Donald@duck.com"
	for what, c := range map[string]struct {
		body     string // without its braces
		then     reply
		password string // that the caller gave
		want     *pb.DrmAccount
	}{
		"no password, which is then read": {`"username":"donald@duck.com"`, made, "", newDonald()},
		"nothing, which is then read":     {`"success":true`, made, "", newDonald()},
		"nothing, and it cannot be read":  {``, cut, "", named(known, "")},
		"nothing, with a password":        {``, cut, vghPassword, named(known, vghPassword)},
		"a username of another case":      {`"username":"Donald@duck.com","password":"x"`, cut, "", named(other, "x")},
		"an empty list of devices": {
			`"username":"donald@duck.com","password":"x","devices":[]`, cut, "", named(known, "x"),
		},
	} {
		a, _ := serve(t, config(), replies{getDonald: {unknownID, c.then}, postAccount: ok("{" + c.body + "}")})
		got, err := create(t, a, mutation.NewMemory(), wanted(c.password))
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		same(t, what, got, c.want)
	}
}

func TestAnAccountThatCannotBeCreated(t *testing.T) {
	account := wanted(vghPassword)
	account.Customer = another
	for body, c := range map[string]struct {
		status  int
		outcome outcome
		field   string
	}{
		`{"error":"customer"} `:         {404, wiretest.NotFound, ""},
		`{"error":"username"}`:          {422, wiretest.InputRefused, "drm_account.username"},
		`password`:                      {422, wiretest.InputRefused, "drm_account.password"},
		`{"message":"customer"}`:        {422, wiretest.InputRefused, "drm_account.customer"},
		`{"error":"username"} `:         {409, exists, ""},
		`{"error":"customer"}`:          {409, wiretest.WrongState, ""},
		`{"error":"access_denied"}`:     {403, wiretest.Forbidden, ""},
		`slowly`:                        {429, wiretest.Throttled, ""},
		`{"error":"internal_error"}`:    {500, wiretest.Unknown, ""},
		`{"username":"daisy@duck.com"}`: {200, wiretest.Unknown, ""},
		`{"username":"donald@duck.com","password":"x","devices":[{}]}`: {200, wiretest.Unknown, ""},
	} {
		a, _ := serve(t, config(), replies{getDonald: {unknownID}, postAccount: {respond(c.status, body)}})
		log := mutation.NewMemory()
		_, err := create(t, a, log, account)
		e := want(t, body, err, c.outcome)
		if c.field != "" {
			wantViolation(t, body, e, c.field)
		}
		state := mutation.Refused
		if c.outcome == wiretest.Unknown {
			state = mutation.Sent
		}
		if got := log.Get("create").State; got != state {
			t.Errorf("%d %s: the step is %v, want %v", c.status, body, got, state)
		}
	}
}

func TestACreationThatIsNotSent(t *testing.T) {
	const upper = `{"username":"DONALD@duck.com"}`
	for what, c := range map[string]struct {
		config  telecomx.Config
		login   string
		account reply
		outcome outcome
	}{
		"a username that is taken":           {config(), loggedIn, respond(200, single), exists},
		"a username of another case":         {config(), loggedIn, respond(200, upper), exists},
		"a machine token":                    {machine(), "", unknownID, invalid},
		"a login that tells no customer":     {config(), `{"token":"the-first-token"}`, unknownID, invalid},
		"a login that tells another thing":   {config(), `{"token":"t","customer":{"_id":"x"}}`, unknownID, invalid},
		"a login that tells an empty string": {config(), `{"token":"t","customer":""}`, unknownID, invalid},
	} {
		a, _ := serve(t, c.config, replies{postLogin: ok(c.login), getDonald: {c.account}}) // and no POST
		_, err := create(t, a, mutation.NewMemory(), wanted(""))
		if e := want(t, what, err, c.outcome); c.outcome == invalid {
			wantViolation(t, what, e, "drm_account.customer")
		}
	}
}

// generated are usernames of ten digits, which viewers can type.
var generated = regexp.MustCompile(`^[1-9][0-9]{9}$`)

// getAny is a read of the account of any generated username.
const getAny = "GET /iptv/drm/GENERATED"

// held is an account of a generated username.
var held = respond(200, `{"password":"generated-there"}`)

// serveAny is serve with a vendor that takes every generated username for GENERATED.
func serveAny(t *testing.T, some replies) (*telecomx.Adapter, *wiretest.Server) {
	t.Helper()
	some[postLogin] = ok(loggedIn)
	vendor := wiretest.NewServer(t, some)
	return adapterTo(t, config(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if username := strings.TrimPrefix(r.URL.Path, "/iptv/drm/"); generated.MatchString(username) {
			r.URL.Path = "/iptv/drm/GENERATED"
			r.Header.Set("Username", username)
		}
		vendor.ServeHTTP(w, r)
	}))), vendor
}

func TestAGeneratedUsernameIsFixedBeforeItIsSent(t *testing.T) {
	for what, c := range map[string]struct {
		reads, posts []reply
	}{
		"it arrived, and the response was lost": {[]reply{unknownID, held}, []reply{cut}},
		"it did not arrive": {
			[]reply{unknownID, unknownID, held}, []reply{respond(503, ""), respond(200, "{}")},
		},
	} {
		sends := len(c.posts)
		a, vendor := serveAny(t, replies{getAny: c.reads, postAccount: c.posts})
		log := mutation.NewMemory()
		_, err := create(t, a, log, &pb.DrmAccount{})
		want(t, what, err, wiretest.Unknown)
		got, err := create(t, a, log, &pb.DrmAccount{})
		username, name := got.GetUsername(), "vendors/acme/drmAccounts/"+got.GetUsername()
		isGenerated := got.GetPassword() == "generated-there" && generated.MatchString(username)
		if err != nil || got.GetName() != name || !isGenerated {
			t.Fatalf("%s: the account is %v, %v", what, got.GetName(), err)
		}
		vendor.WantMade(postAccount, sends)
		for _, s := range vendor.Made(postAccount) {
			if u := sentFields(t, s)["username"]; u != username {
				t.Errorf("%s: the username %q is sent, and %q returned", what, u, username)
			}
		}
		for _, s := range vendor.Made(getAny) {
			if u := s.Header.Get("Username"); u != username {
				t.Errorf("%s: the username %q is read, and %q returned", what, u, username)
			}
		}
	}
}

func TestAGeneratedUsernameThatIsTakenIsNotUsed(t *testing.T) {
	a, vendor := serveAny(t, replies{getAny: {held, held, unknownID, held}, postAccount: ok("{}")})
	if _, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{}); err != nil {
		t.Fatal(err)
	}
	_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
	want(t, "all are taken", err, exists)
	vendor.WantMade(postAccount, 1)
}

func TestALostAccountIsTheOneWithItsPassword(t *testing.T) {
	elses := respond(200, strings.Replace(single, vghPassword, "somebody-else's", 1))
	log := mutation.NewMemory()
	a, vendor := serve(t, config(), replies{
		getDonald: {unknownID, elses}, postAccount: {cut, respond(409, `{"error":"username"}`)},
	})
	_, err := create(t, a, log, wanted(vghPassword))
	want(t, "cut", err, wiretest.Unknown)
	_, err = create(t, a, log, wanted(vghPassword))
	want(t, "somebody else was faster", err, exists)
	vendor.WantMade(postAccount, 2)

	// A run without the password, which is stored nowhere, finds the account all the same.
	log = mutation.NewMemory()
	a, vendor = serve(t, config(), replies{getDonald: {unknownID, respond(200, single)}, postAccount: {cut}})
	_, err = create(t, a, log, wanted(vghPassword))
	want(t, "cut", err, wiretest.Unknown)
	got, err := create(t, a, log, wanted(""))
	if err != nil || got.GetName() != donald || got.GetDeviceCount() != 2 {
		t.Errorf("run again without its password: %v, %v", got.GetName(), err)
	}
	vendor.WantMade(postAccount, 1)
}

func TestADryRunOfACreation(t *testing.T) {
	full := newDonald()
	full.CreateTime = nil
	for what, c := range map[string]struct{ wanted, want *pb.DrmAccount }{
		"with a username": {wanted(vghPassword), full},
		"without":         {&pb.DrmAccount{}, &pb.DrmAccount{Customer: own}},
	} {
		a, vendor := serveAny(t, replies{getAny: {unknownID}, getDonald: {unknownID}})
		ctx, dryRun := mutation.WithDryRun(t.Context())
		req := &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: c.wanted, View: pb.DrmAccount_FULL}
		got, err := a.CreateDrmAccount(ctx, req)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, c.want)
		planned := strings.Join(dryRun.Requests(), "\n")
		if strings.Count(planned, "/iptv/drm?token=[redacted]'") != 1 || strings.Contains(planned, vghPassword[:5]) {
			t.Errorf("%s: it would send %d requests, want one without its secrets", what, len(dryRun.Requests()))
		}
		vendor.WantMade(postAccount, 0)
	}
}
