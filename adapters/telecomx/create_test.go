package telecomx_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	unknownID = respond(404, `{"error":"id"}`)
	// made is what a creation of Donald answers.
	made = respond(200, `{"username":"donald@duck.com","password":"vgh38gy3uvhebv","created":"2016-01-01T00:00:00.000Z"}`)
)

// newDonald is Donald before he has devices.
func newDonald() *pb.DrmAccount {
	return &pb.DrmAccount{
		Name: donald, Customer: own, Username: "donald@duck.com", Password: "vgh38gy3uvhebv",
		CreateTime: timestamppb.New(time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
}

// sentFields are those of a request's JSON body.
func sentFields(t *testing.T, c wiretest.Request) map[string]string {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(c.Body), &fields); err != nil {
		t.Errorf("%s has a body that is no object of texts: %v", c.Name, err)
	}
	return fields
}

func TestCreatingAnAccountSendsWhatIsDocumented(t *testing.T) {
	for what, c := range map[string]struct {
		wanted *pb.DrmAccount
		sent   map[string]string
	}{
		"all of it": {
			&pb.DrmAccount{Customer: another, Username: "donald@duck.com", Password: "vgh38gy3uvhebv"},
			map[string]string{"customer": another, "username": "donald@duck.com", "password": "vgh38gy3uvhebv"},
		},
		"no password, for the own customer": {
			&pb.DrmAccount{Username: "donald@duck.com"}, map[string]string{"customer": own, "username": "donald@duck.com"},
		},
	} {
		a, vendor := serve(t, config(), map[string][]reply{getDonald: {unknownID}, postAccount: {made}})
		got, err := create(t, a, mutation.NewMemory(), c.wanted)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want := newDonald()
		want.Customer = c.sent["customer"]
		same(t, what, got, want)
		sent := vendor.Only(postAccount)
		wantQuery(t, sent, "the-first-token", "")
		if fields := sentFields(t, sent); !maps.Equal(fields, c.sent) {
			t.Errorf("%s: it sends %d fields, want %d (or others)", what, len(fields), len(c.sent))
		}
	}
}

func TestThePasswordIsForTheFullView(t *testing.T) {
	for _, view := range []pb.DrmAccount_View{pb.DrmAccount_VIEW_UNSPECIFIED, pb.DrmAccount_BASIC} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: {unknownID}, postAccount: {made}})
		wanted := &pb.DrmAccount{Username: "donald@duck.com", Password: "vgh38gy3uvhebv"}
		got, err := a.CreateDrmAccount(as(t, mutation.NewMemory()), &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: wanted, View: view})
		if err != nil {
			t.Fatal(err)
		}
		want := newDonald()
		want.Password = ""
		same(t, view.String(), got, want)
	}
}

func TestAnAnswerThatTellsTooLittleIsCompleted(t *testing.T) {
	known := &pb.DrmAccount{Name: donald, Customer: own, Username: "donald@duck.com"}
	for what, c := range map[string]struct {
		answer, then reply
		password     string // that the caller gave
		want         *pb.DrmAccount
	}{
		"no password, which is then read":         {respond(200, `{"username":"donald@duck.com"}`), made, "", newDonald()},
		"nothing, which is then read":             {respond(200, `{"success":true}`), made, "", newDonald()},
		"nothing, and it cannot be read":          {respond(200, `{}`), cut, "", known},
		"nothing, and the caller has a password":  {respond(200, `{}`), cut, "vgh38gy3uvhebv", &pb.DrmAccount{Name: donald, Customer: own, Username: "donald@duck.com", Password: "vgh38gy3uvhebv"}},
		"the username as the vendor writes it":    {respond(200, `{"username":"Donald@duck.com","password":"x"}`), cut, "", &pb.DrmAccount{Name: "vendors/acme/drmAccounts/Donald@duck.com", Customer: own, Username: "Donald@duck.com", Password: "x"}},
		"devices that the new account cannot use": {respond(200, `{"username":"donald@duck.com","password":"x","devices":[]}`), cut, "", &pb.DrmAccount{Name: donald, Customer: own, Username: "donald@duck.com", Password: "x"}},
	} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: {unknownID, c.then}, postAccount: {c.answer}})
		got, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{Username: "donald@duck.com", Password: c.password})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		same(t, what, got, c.want)
	}
}

func TestAnAccountThatCannotBeCreated(t *testing.T) {
	wanted := &pb.DrmAccount{Customer: another, Username: "donald@duck.com", Password: "vgh38gy3uvhebv"}
	for what, c := range map[string]struct {
		reply  reply
		code   codes.Code
		reason pb.ErrorReason
		field  string
	}{
		"404 customer":      {respond(404, `{"error":"customer"}`), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, ""},
		"422 username":      {respond(422, `{"error":"username"}`), codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "drm_account.username"},
		"422 password":      {respond(422, `password`), codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "drm_account.password"},
		"422 customer":      {respond(422, `{"message":"customer"}`), codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED, "drm_account.customer"},
		"409 username":      {respond(409, `{"error":"username"}`), codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, ""},
		"409 customer":      {respond(409, `{"error":"customer"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, ""},
		"403 access_denied": {respond(403, `{"error":"access_denied"}`), codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED, ""},
		"429":               {respond(429, `slowly`), codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, ""},
		"500":               {respond(500, `{"error":"internal_error"}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
		"another account":   {respond(200, `{"username":"daisy@duck.com"}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
		"no device's id":    {respond(200, `{"username":"donald@duck.com","password":"x","devices":[{}]}`), codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, ""},
	} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: {unknownID}, postAccount: {c.reply}})
		log := mutation.NewMemory()
		_, err := create(t, a, log, wanted)
		e := wantError(t, what, err, c.code, c.reason)
		if c.field != "" {
			wantViolation(t, what, e, c.field)
		}
		if want := map[bool]mutation.State{false: mutation.Refused, true: mutation.Sent}[c.code == codes.Unknown]; log.Get("create").State != want {
			t.Errorf("%s: the step is %v, want %v", what, log.Get("create").State, want)
		}
	}
}

func TestAUsernameThatIsTakenIsNotSent(t *testing.T) {
	for _, held := range []string{single, `{"username":"DONALD@duck.com"}`} {
		a, _ := serve(t, config(), map[string][]reply{getDonald: ok(held)}) // and no POST
		_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{Username: "donald@duck.com"})
		wantError(t, held, err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	}
}

func TestAnAccountOfNobodyIsNotSent(t *testing.T) {
	for what, c := range map[string]struct {
		config telecomx.Config
		login  string
	}{
		"a machine token":                    {machine(), ""},
		"a login that tells no customer":     {config(), `{"token":"the-first-token"}`},
		"a login that tells another thing":   {config(), `{"token":"the-first-token","customer":{"_id":"` + own + `"}}`},
		"a login that tells an empty string": {config(), `{"token":"the-first-token","customer":""}`},
	} {
		a, _ := serve(t, c.config, map[string][]reply{postLogin: ok(c.login), getDonald: {unknownID}})
		_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{Username: "donald@duck.com"})
		wantViolation(t, what, wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID), "drm_account.customer")
	}
}

// generated are usernames of ten digits, which viewers can type.
var generated = regexp.MustCompile(`^[1-9][0-9]{9}$`)

// serveAnyAccount is serve with a vendor that holds no account but those whose creation it answered
// so.
func serveAnyAccount(t *testing.T, posts ...reply) (*telecomx.Adapter, *anyAccount) {
	t.Helper()
	replies := map[string][]reply{postLogin: ok(loggedIn), postAccount: posts}
	vendor := &anyAccount{Server: wiretest.NewServer(t, replies)}
	return adapterTo(t, config(), vendor.transport()), vendor
}

func TestAGeneratedUsernameIsFixedBeforeItIsSent(t *testing.T) {
	for what, c := range map[string]struct {
		posts []reply
		sends int
	}{
		"it arrived, and the answer was lost": {[]reply{cut}, 1},
		"it did not arrive":                   {[]reply{respond(503, ""), respond(200, "{}")}, 2},
	} {
		a, vendor := serveAnyAccount(t, c.posts...)
		log := mutation.NewMemory()
		_, err := create(t, a, log, &pb.DrmAccount{})
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		got, err := create(t, a, log, &pb.DrmAccount{})
		sent := vendor.Made(postAccount)
		if err != nil || len(sent) != c.sends {
			t.Fatalf("%s: sent %d times, want %d; %v", what, len(sent), c.sends, err)
		}
		for _, s := range sent {
			if u := sentFields(t, s)["username"]; u != got.GetUsername() || !generated.MatchString(u) {
				t.Errorf("%s: the username %q is sent, and %q answered", what, u, got.GetUsername())
			}
		}
		if got.GetPassword() != "generated-there" || got.GetName() != "vendors/acme/drmAccounts/"+got.GetUsername() {
			t.Errorf("%s: the account is %v", what, got.GetName())
		}
	}
}

func TestAGeneratedUsernameThatIsTakenIsNotUsed(t *testing.T) {
	a, vendor := serveAnyAccount(t, respond(200, "{}"))
	vendor.taken = 2
	if _, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{}); err != nil {
		t.Fatal(err)
	}
	vendor.taken = 100
	_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
	wantError(t, "all are taken", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	vendor.Only(postAccount)
}

func TestALostAccountIsTheOneWithItsPassword(t *testing.T) {
	wanted := &pb.DrmAccount{Username: "donald@duck.com", Password: "vgh38gy3uvhebv"}
	elses := strings.Replace(single, "vgh38gy3uvhebv", "somebody-else's", 1)
	log := mutation.NewMemory()
	a, vendor := serve(t, config(), map[string][]reply{getDonald: {unknownID, respond(200, elses)}, postAccount: {cut, respond(409, `{"error":"username"}`)}})
	_, err := create(t, a, log, wanted)
	wantError(t, "cut", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	_, err = create(t, a, log, wanted)
	wantError(t, "somebody else was faster", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	if n := len(vendor.Made(postAccount)); n != 2 {
		t.Errorf("it was sent %d times, want twice", n)
	}

	// A run without the password, which is stored nowhere, finds the account all the same.
	log = mutation.NewMemory()
	a, vendor = serve(t, config(), map[string][]reply{getDonald: {unknownID, respond(200, single)}, postAccount: {cut}})
	_, err = create(t, a, log, wanted)
	wantError(t, "cut", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	stripped := proto.CloneOf(wanted)
	stripped.Password = ""
	got, err := create(t, a, log, stripped)
	if err != nil || got.GetName() != donald || got.GetDeviceCount() != 2 {
		t.Errorf("run again without its password: %v, %v", got.GetName(), err)
	}
	vendor.Only(postAccount)
}

func TestATrialOfACreationTellsWhatCanBeTold(t *testing.T) {
	for what, c := range map[string]struct{ wanted, want *pb.DrmAccount }{
		"with a username": {
			&pb.DrmAccount{Username: "donald@duck.com", Password: "vgh38gy3uvhebv"},
			&pb.DrmAccount{Name: donald, Customer: own, Username: "donald@duck.com", Password: "vgh38gy3uvhebv"},
		},
		"without": {&pb.DrmAccount{}, &pb.DrmAccount{Customer: own}},
	} {
		a, vendor := serveAnyAccount(t)
		ctx, trial := mutation.WithDryRun(t.Context())
		got, err := a.CreateDrmAccount(ctx, &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: c.wanted, View: pb.DrmAccount_FULL})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, got, c.want)
		if requests := trial.Requests(); len(requests) != 1 || !strings.Contains(requests[0], "/iptv/drm?token=[redacted]'") || strings.Contains(requests[0], "vgh38") {
			t.Errorf("%s: it would send %d requests, want one without its secrets", what, len(requests))
		}
		if n := len(vendor.Made(postAccount)); n != 0 {
			t.Errorf("%s: %d accounts were created", what, n)
		}
	}
}
