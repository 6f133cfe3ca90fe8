package app_test

import (
	"regexp"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

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
func withTelecomX(now time.Time) func(*testing.T, *hub) {
	return func(t *testing.T, h *hub) {
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
func telecomxCases() []case_ {
	list := func(query string, view pb.DrmAccount_View, filter *pb.DrmAccountFilter) call {
		return operation(pb.DrmAccountService_ListDrmAccounts_FullMethodName, &pb.ListDrmAccountsRequest{Parent: "vendors/telecomx", View: view, Filter: filter}, "GET /v1/vendors/telecomx/drmAccounts"+query, "")
	}
	get := func(name, query string, view pb.DrmAccount_View) call {
		return operation(pb.DrmAccountService_GetDrmAccount_FullMethodName, &pb.GetDrmAccountRequest{Name: name, View: view}, "GET /v1/"+name+query, "")
	}
	create := func(query string, view pb.DrmAccount_View, a *pb.DrmAccount, body string) call {
		return operation(pb.DrmAccountService_CreateDrmAccount_FullMethodName, &pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", View: view, DrmAccount: a}, "POST /v1/vendors/telecomx/drmAccounts"+query, body)
	}
	remove := func(name, query string, force bool) call {
		return operation(pb.DrmAccountService_DeleteDrmAccountDevice_FullMethodName, &pb.DeleteDrmAccountDeviceRequest{Name: name, Force: force}, "DELETE /v1/"+name+query, "")
	}
	denied := telecomx.New(telecomx.Options{}).Refusal(403, "access_denied")

	return []case_{
		{name: "ListDrmAccounts: BASIC", http: 200, holds: `"deviceCount":2,"devices":[],"name":"` + donald + `","password":""`, call: list("", 0, nil)},
		{name: "ListDrmAccounts: FULL", http: 200, holds: `"displayName":"Donalds mobile","model":"iPhone 6"`, call: list("?view=FULL", pb.DrmAccount_FULL, nil)},
		{name: "ListDrmAccounts: FULL, with passwords", http: 200, holds: `"password":"vgh38gy3uvhebv"`, call: list("?view=FULL", pb.DrmAccount_FULL, nil)},
		{name: "ListDrmAccounts: of a customer", http: 200, holds: `"customer":"` + household + `"`, call: list("?filter.customer="+household, 0, &pb.DrmAccountFilter{Customer: household})},
		{name: "ListDrmAccounts: of no customer", http: 200, holds: `"drmAccounts":[]`, call: list("?filter.customer=ffffffffffffffffffffffff", 0, &pb.DrmAccountFilter{Customer: "ffffffffffffffffffffffff"})},
		{name: "ListDrmAccounts: by part of the username", http: 200, holds: `"totalSize":1`, call: list("?filter.usernameContains=donald", 0, &pb.DrmAccountFilter{UsernameContains: "donald"})},
		{name: "ListDrmAccounts: with regard to case", http: 200, holds: `"drmAccounts":[]`, call: list("?filter.usernameContains=Donald", 0, &pb.DrmAccountFilter{UsernameContains: "Donald"})},
		{name: "ListDrmAccounts: not allowed", fault: &denied, code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_PERMISSION_DENIED, call: list("", 0, nil)},

		{name: "GetDrmAccount", http: 200, holds: `"createTime":"2016-01-01T00:00:00Z"`, call: get(donald, "", 0)},
		{name: "GetDrmAccount: FULL", http: 200, holds: `"password":"vgh38gy3uvhebv"`, call: get(donald, "?view=FULL", pb.DrmAccount_FULL)},
		{name: "GetDrmAccount: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: "nobody", call: get(drmAccounts+"nobody", "", 0)},

		{name: "CreateDrmAccount", http: 200, holds: `"password":"","username":"goofy@duck.com"`, call: create("", 0, &pb.DrmAccount{Username: "goofy@duck.com"}, `{"username":"goofy@duck.com"}`)},
		{name: "CreateDrmAccount: the caller's password", http: 200, holds: `"password":"mickeys-password"`, call: create("?view=FULL", pb.DrmAccount_FULL, &pb.DrmAccount{Username: "mickey", Password: "mickeys-password"}, `{"username":"mickey","password":"mickeys-password"}`)},
		{name: "CreateDrmAccount: of no customer", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: create("", 0, &pb.DrmAccount{Username: "pluto1", Customer: "ffffffffffffffffffffffff"}, `{"username":"pluto1","customer":"ffffffffffffffffffffffff"}`)},
		{name: "CreateDrmAccount: taken", code: codes.AlreadyExists, http: 409, reason: pb.ErrorReason_VENDOR_ALREADY_EXISTS, call: create("", 0, &pb.DrmAccount{Username: "donald@duck.com"}, `{"username":"donald@duck.com"}`)},
		{name: "CreateDrmAccount: a second one", code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_STATE, call: create("", 0, &pb.DrmAccount{Customer: household}, `{"customer":"`+household+`"}`)},
		{name: "CreateDrmAccount: too short a username", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "drm_account.username", call: create("", 0, &pb.DrmAccount{Username: "goofy"}, `{"username":"goofy"}`)},

		{name: "DeleteDrmAccountDevice", http: 200, holds: `"releaseTime":null`, call: remove(donald+"/devices/12345678901234567890AAAA", "", false)},
		{name: "DeleteDrmAccountDevice: bound", code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_STATE, holds: "force", call: remove(daisy+"/devices/12345678901234567890CCCC", "", false)},
		{name: "DeleteDrmAccountDevice: by force", http: 200, holds: `"releaseTime":"20`, call: remove(daisy+"/devices/12345678901234567890CCCC", "?force=true", true)},
		{name: "DeleteDrmAccountDevice: another account's", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: remove(donald+"/devices/12345678901234567890DDDD", "?force=true", true)},
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
