package app_test

import (
	"regexp"
	"testing"
	"time"

	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	drmAccounts = "vendors/telecomx/drmAccounts/"
	// the account of the example in "IPTV : DRM : List"
	donald    = drmAccounts + "donald@duck.com"
	daisy     = drmAccounts + "daisy@duck.com" // whose devices were bound just now
	household = "60d21b4667d0d8992e610c85"     // a customer who may have one account
	business  = telecomx.DefaultCustomerID
)

// withTelecomX adds the vendor "telecomx".
func withTelecomX(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.telecomx = newTelecomX(now)
		h.add(t, "telecomx", "telecomx", h.telecomx.Twin)
	}
}

// newTelecomX is a twin with the documented account and others. Its clock stands at now.
func newTelecomX(now time.Time) *telecomx.Emulator {
	e := telecomx.New(telecomx.Options{Clock: twin.FrozenClock(now)})
	e.PutCustomers(telecomx.Customer{ID: household, Features: []string{telecomx.FeaturePrivate}})
	e.PutAccounts(
		telecomx.Account{
			Username: "donald@duck.com", Password: "vgh38gy3uvhebv", Created: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC),
			Devices: []telecomx.Device{
				{ID: "12345678901234567890AAAA", Type: telecomx.DeviceIOS, Model: "iPhone 6", Name: "Donalds mobile"},
				{ID: "12345678901234567890BBBB", Type: telecomx.DeviceWeb, Model: "Chrome"},
			},
		},
		telecomx.Account{
			Username: "daisy@duck.com", Password: "daisys-password", Created: now,
			Devices: []telecomx.Device{{ID: "12345678901234567890CCCC", Type: telecomx.DeviceAndroid}, {ID: "12345678901234567890DDDD", Type: telecomx.DeviceAndroid}},
		},
		telecomx.Account{Username: "one-and-only", Password: "the-only-password", Customer: household, Created: now},
	)
	return e
}

// telecomxCases are ordinary cases and the most important errors of every RPC that TelecomX has.
func telecomxCases() []rpcCase {
	list := func(view pb.DrmAccount_View, filter *pb.DrmAccountFilter) call {
		return rpc(&pb.ListDrmAccountsRequest{Parent: "vendors/telecomx", View: view, Filter: filter})
	}
	get := func(name string, view pb.DrmAccount_View) call {
		return rpc(&pb.GetDrmAccountRequest{Name: name, View: view})
	}
	create := func(view pb.DrmAccount_View, a *pb.DrmAccount) call {
		return rpc(&pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", View: view, DrmAccount: a})
	}
	remove := func(name string, force bool) call {
		return rpc(&pb.DeleteDrmAccountDeviceRequest{Name: name, Force: force})
	}
	denied := telecomx.New(telecomx.Options{}).Refusal(403, "access_denied")

	return []rpcCase{
		ok("ListDrmAccounts: BASIC", `"deviceCount":2,"devices":[],"name":"`+donald+`","password":""`,
			list(0, nil)),
		ok("ListDrmAccounts: FULL", `"displayName":"Donalds mobile","model":"iPhone 6"`,
			list(pb.DrmAccount_FULL, nil)),
		ok("ListDrmAccounts: FULL, with passwords", `"password":"vgh38gy3uvhebv"`, list(pb.DrmAccount_FULL, nil)),
		ok("ListDrmAccounts: of a customer", `"customer":"`+household+`"`,
			list(0, &pb.DrmAccountFilter{Customer: household})),
		ok("ListDrmAccounts: of no customer", `"drmAccounts":[]`,
			list(0, &pb.DrmAccountFilter{Customer: "ffffffffffffffffffffffff"})),
		ok("ListDrmAccounts: by part of the username", `"totalSize":1`,
			list(0, &pb.DrmAccountFilter{UsernameContains: "donald"})),
		ok("ListDrmAccounts: with regard to case", `"drmAccounts":[]`,
			list(0, &pb.DrmAccountFilter{UsernameContains: "Donald"})),
		fails("ListDrmAccounts: not allowed", pb.ErrorReason_VENDOR_PERMISSION_DENIED, "",
			list(0, nil)).during(denied),

		ok("GetDrmAccount", `"createTime":"2016-01-01T00:00:00Z"`, get(donald, 0)),
		ok("GetDrmAccount: FULL", `"password":"vgh38gy3uvhebv"`, get(donald, pb.DrmAccount_FULL)),
		missing("GetDrmAccount: none", "nobody", get(drmAccounts+"nobody", 0)),

		ok("CreateDrmAccount", `"password":"","username":"goofy@duck.com"`,
			create(0, &pb.DrmAccount{Username: "goofy@duck.com"})),
		ok("CreateDrmAccount: the caller's password", `"password":"mickeys-password"`,
			create(pb.DrmAccount_FULL, &pb.DrmAccount{Username: "mickey", Password: "mickeys-password"})),
		missing("CreateDrmAccount: of no customer", "",
			create(0, &pb.DrmAccount{Username: "pluto1", Customer: "ffffffffffffffffffffffff"})),
		fails("CreateDrmAccount: taken", pb.ErrorReason_VENDOR_ALREADY_EXISTS, "",
			create(0, &pb.DrmAccount{Username: "donald@duck.com"})),
		fails("CreateDrmAccount: a second one", pb.ErrorReason_VENDOR_STATE, "",
			create(0, &pb.DrmAccount{Customer: household})),
		invalid("CreateDrmAccount: too short a username", "drm_account.username",
			create(0, &pb.DrmAccount{Username: "goofy"})),

		ok("DeleteDrmAccountDevice", `"releaseTime":null`, remove(donald+"/devices/12345678901234567890AAAA", false)),
		fails("DeleteDrmAccountDevice: bound", pb.ErrorReason_VENDOR_STATE, "force",
			remove(daisy+"/devices/12345678901234567890CCCC", false)),
		ok("DeleteDrmAccountDevice: by force", `"releaseTime":"20`,
			remove(daisy+"/devices/12345678901234567890CCCC", true)),
		missing("DeleteDrmAccountDevice: another account's", "",
			remove(donald+"/devices/12345678901234567890DDDD", true)),
	}
}

func TestTelecomXOverBothFaces(t *testing.T) {
	now := time.Now()
	overGRPC, overREST := start(t, withTelecomX(now)), start(t, withTelecomX(now))
	for _, c := range telecomxCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
}

// TestAGeneratedPasswordIsToldOnce creates an account of which drmhub picks the username, and
// TelecomX the password.
func TestAGeneratedPasswordIsToldOnce(t *testing.T) {
	h := start(t, withTelecomX(time.Now()))
	accounts := pb.NewDrmAccountServiceClient(h.conn)
	req := &pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", DrmAccount: &pb.DrmAccount{Customer: business}, View: pb.DrmAccount_FULL, RequestId: "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11"}
	made, err := accounts.CreateDrmAccount(t.Context(), req)
	if err != nil || !regexp.MustCompile(`^[0-9]{10}$`).MatchString(made.GetUsername()) || len(made.GetPassword()) < 6 {
		t.Fatalf("%v, %v", made, err)
	}
	code, header, answer := h.rest(t, "POST /v1/vendors/telecomx/drmAccounts?view=FULL", `{"customer":"`+business+`"}`, "Idempotency-Key", req.GetRequestId())
	password := made.GetPassword()
	made.Password = ""
	if same(t, answer, made); code != 200 || len(header["Drmhub-Mutation"]) != 1 {
		t.Errorf("the same request_id again: %d, %s", code, answer)
	}
	held, err := accounts.GetDrmAccount(t.Context(), &pb.GetDrmAccountRequest{Name: made.GetName(), View: pb.DrmAccount_FULL})
	if err != nil || held.GetPassword() != password {
		t.Errorf("GetDrmAccount answers another password, %v", err)
	}
	if n := h.effects(); n != 1 {
		t.Errorf("%d accounts were created", n)
	}
}
