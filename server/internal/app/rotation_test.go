package app_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A rotating vendor gets other credentials. From then on, it refuses those of before.
type rotating struct {
	*twin.Twin
	denial  string      // the body of a refusal
	lose    atomic.Bool // rotate during the next write, whose response is lost
	refuses atomic.Bool
	rotate  func() // changes the password for logins
}

func (v *rotating) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch login := r.URL.Path == "/auth/login"; {
	case login:
		answer := httptest.NewRecorder()
		if v.Twin.ServeHTTP(answer, r); answer.Code == http.StatusOK {
			v.refuses.Store(false)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	case v.refuses.Load():
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(v.denial))
	case r.Method != http.MethodGet && v.lose.CompareAndSwap(true, false):
		v.Twin.ServeHTTP(httptest.NewRecorder(), r)
		v.refuses.Store(true)
		v.rotate()
		panic(http.ErrAbortHandler)
	default:
		v.Twin.ServeHTTP(w, r)
	}
}

// TestARotationNeverTellsAWrongOutcome rotates the credentials of vendors during a write. drmhub
// reads the new ones only later. Meanwhile the outcome of the write is unknown, and other changes
// are refused without effect. Afterwards, the same calls end well, and each change was made once.
func TestARotationNeverTellsAWrongOutcome(t *testing.T) {
	t.Setenv("TEST_NCP_ACCESS", ncp.DefaultAccessKey)
	t.Setenv("TEST_NCP_SECRET", ncp.DefaultSecretKey)
	t.Setenv("TEST_TELECOMX", "the-password")
	user := func(password string) telecomx.User {
		return telecomx.User{Username: "ops", Password: password, Customer: telecomx.DefaultCustomerID,
			AccessLevel: telecomx.LevelAdmin}
	}
	first, second, third := newPallyCon(), newNCP(time.Now()), newTelecomX(time.Now())
	fill(first)
	first.PutIntegration("OFFL", emulator.Integration{SiteKey: "c2l0ZWtleQ==", TokenDuration: time.Minute})
	third.PutUsers(user("the-password"))
	vendors := map[string]*rotating{
		"acme": {Twin: first.Twin, rotate: func() {}},
		"ncp": {Twin: second.Twin, rotate: func() {},
			denial: `{"error":{"errorCode":"200","message":"Authentication Failed"}}`},
		"telecomx": {Twin: third.Twin, rotate: func() { third.PutUsers(user("the-next-password")) },
			denial: "access_denied"},
	}
	urls := map[string]string{}
	for id, v := range vendors {
		server := httptest.NewServer(v)
		t.Cleanup(server.Close)
		urls[id] = server.URL
	}
	f := startFiled(t, vendors["acme"], 0, "vendors:\n", `vendors:
  - {id: ncp, ncp: {base_url: "`+urls["ncp"]+`", timeout: 20s,
      access_key: {env: TEST_NCP_ACCESS}, secret_key: {env: TEST_NCP_SECRET}}}
  - {id: telecomx, telecomx: {base_url: "`+urls["telecomx"]+`", username: ops, password: {env: TEST_TELECOMX}}}
`)
	calls := map[string][2]call{
		"acme":     {integrate("DEMO"), integrate("OFFL")},
		"ncp":      {disableSite(mySite, ""), disableSite("vendors/ncp/sites/drm-20231115142326-nHyNw", "")},
		"telecomx": {createAccount("rotated-1"), createAccount("rotated-2")},
	}
	made := func(id string) int { return len(vendors[id].Ledger().Effects()) }
	want := func(when, id string, c call, reason string, effects int) {
		t.Helper()
		_, _, err := f.either(t, c, false)
		got := "OK"
		if err != nil {
			got = apierror.Convert(err).Reason.String()
		}
		if got != reason || made(id) != effects {
			t.Errorf("%s, %s: %s (%v), %d changes; want %s, %d", when, id, got, err, made(id), reason, effects)
		}
	}
	for id, v := range vendors {
		one, two := calls[id][0].with("request_id", uuid.NewString()), calls[id][1].with("request_id", uuid.NewString())
		calls[id] = [2]call{one, two}
		v.lose.Store(true)
		want("the response is lost", id, one, "OUTCOME_UNKNOWN", 1)
		want("the same call again", id, one, "OUTCOME_UNKNOWN", 1)
		want("another change", id, two, "VENDOR_CREDENTIALS_REJECTED", 1)
	}
	t.Setenv("TEST_TELECOMX", "the-next-password")
	for _, id := range []string{"acme", "ncp"} { // The twins cannot change their keys.
		vendors[id].refuses.Store(false)
	}
	if err := f.reload(t, "20s", "19s"); err != nil {
		t.Fatal(err)
	}
	for id := range vendors {
		want("the same call with new credentials", id, calls[id][0], "OK", 1)
		want("the other change with new credentials", id, calls[id][1], "OK", 2)
	}
}

func integrate(site string) call {
	return rpc(&pb.UpdateIntegrationRequest{
		Integration: &pb.Integration{
			Name: "vendors/acme/sites/" + site + "/integration", TokenDuration: durationpb.New(90 * time.Second),
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"token_duration"}},
	})
}

func createAccount(username string) call {
	return rpc(&pb.CreateDrmAccountRequest{
		Parent:     "vendors/telecomx",
		DrmAccount: &pb.DrmAccount{Username: username, Customer: telecomx.DefaultCustomerID},
	})
}
