package adaptertest

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var drmAccountWritePromises = []Promise{
	{"CreateDrmAccount is found by GetDrmAccount, and gets a username and a password if none is given",
		needs("CreateDrmAccount", "GetDrmAccount"), createdAccountIsFound},
	{"CreateDrmAccount shows the password to view FULL alone", needs("CreateDrmAccount"), passwordOfCreated},
	{"CreateDrmAccount in a dry run shows no password", needs("CreateDrmAccount"), triedWithoutPassword},
	{"CreateDrmAccount with the username of an account is ALREADY_EXISTS, and sends nothing",
		needs("CreateDrmAccount"), accountExists},
	{"DeleteDrmAccountDevice removes one device, and nothing else",
		needs("DeleteDrmAccountDevice", "GetDrmAccount"), deletesOneDevice},
	{"DeleteDrmAccountDevice of another account's device is NOT_FOUND, and removes nothing",
		needs("DeleteDrmAccountDevice", "GetDrmAccount"), deviceOfAnother},
	{"DeleteDrmAccountDevice of a device that the vendor still binds is FAILED_PRECONDITION",
		needs("DeleteDrmAccountDevice", "GetDrmAccount"), boundDeviceStays},
	{"DeleteDrmAccountDevice by force removes a bound device, and says until when its slot is held",
		needs("DeleteDrmAccountDevice", "GetDrmAccount"), forcedDeviceGoes},
}

var drmAccountWrites = []write{
	{
		needs: needs("CreateDrmAccount"),
		prepare: func(t T, h Harness) *attempt {
			putAccounts(t, h, 4)
			return creatingAttempt(h, &pb.DrmAccount{
				Customer: h.DrmAccounts.Customers[0], Username: "new.viewer@duck.com", Password: "opens sesame",
			})
		},
	},
	{
		needs: needs("CreateDrmAccount"),
		as:    " without a username",
		prepare: func(t T, h Harness) *attempt {
			putAccounts(t, h, 4)
			return creatingAttempt(h, &pb.DrmAccount{})
		},
	},
	{
		needs: needs("DeleteDrmAccountDevice"),
		prepare: func(t T, h Harness) *attempt {
			name := withDevices(t, h, 2)[0].GetDevices()[0].GetName()
			return &attempt{deletingDevice(h, name, false), wanting(func(t T, what string, got *pb.DrmAccountDevice) {
				if got.GetName() != name || !strings.HasSuffix(name, got.GetDeviceId()) || got.GetReleaseTime() != nil {
					t.Errorf("%s: the device is %v, want %q, with no slot held", what, got, name)
				}
			})}
		},
		ofNothing: func(t T, h Harness) call {
			ids, err := names.DrmAccount.IDs(withDevices(t, h, 1)[0].GetName())
			if err != nil {
				t.Fatalf("the harness shows an account without a name: %v", err)
			}
			return deletingDevice(h, names.DrmAccountDevice.Name(h.Vendor, ids[1], noDevice), false)
		},
		what: "device",
	},
}

// noDevice is no device's id.
const noDevice = "5effffffffffffffffffffff"

// creatingAttempt creates an account.
func creatingAttempt(h Harness, wanted *pb.DrmAccount) *attempt {
	create := creatingAccount(h, wanted, pb.DrmAccount_FULL)
	return &attempt{h.calling(create), wanting(func(t T, what string, got *pb.DrmAccount) {
		wantCreated(t, what, got, wanted)
	})}
}

// wantCreated demands an account as it was wanted.
func wantCreated(t T, what string, got, wanted *pb.DrmAccount) {
	t.Helper()
	if got.GetName() == "" || got.GetUsername() == "" || !unsetOr(wanted.GetUsername(), got.GetUsername()) ||
		got.GetCustomer() != "" && !unsetOr(wanted.GetCustomer(), got.GetCustomer()) {
		t.Errorf("%s: the account is %v, want a named one with a username of %v",
			what, withoutSecrets(got), withoutSecrets(wanted))
	}
}

func creatingAccount(h Harness, account *pb.DrmAccount, view pb.DrmAccount_View) proto.Message {
	return &pb.CreateDrmAccountRequest{Parent: vendorName(h), DrmAccount: account, View: view}
}

func deletingDevice(h Harness, name string, force bool) call {
	return h.calling(&pb.DeleteDrmAccountDeviceRequest{Name: name, Force: force})
}

// withDevices adds accounts, and returns those that have n devices or more.
func withDevices(t T, h Harness, n int) []*pb.DrmAccount {
	t.Helper()
	having := choose(putAccounts(t, h, 12), func(a *pb.DrmAccount) bool { return len(a.GetDevices()) >= n })
	if len(having) == 0 {
		t.Fatalf("the harness shows no account with %d devices", n)
	}
	return having
}

func createdAccountIsFound(t T, h Harness) {
	putAccounts(t, h, 4)
	taken := map[string]bool{}
	for _, customer := range append([]string{""}, h.DrmAccounts.Customers...) {
		for _, wanted := range []*pb.DrmAccount{
			{Customer: customer, Username: "of_" + customer + "-customer@duck.com", Password: "opens sesame"},
			{Customer: customer},
			{Customer: customer},
		} {
			created := done[*pb.DrmAccount](t, h, creatingAccount(h, wanted, pb.DrmAccount_FULL))
			wantCreated(t, "CreateDrmAccount", created, wanted)
			if taken[created.GetUsername()] {
				t.Errorf("CreateDrmAccount returns the username %q twice", created.GetUsername())
			}
			taken[created.GetUsername()] = true
			got := getAccount(t, h, created.GetName(), pb.DrmAccount_FULL)
			wantCreated(t, "GetDrmAccount", got, wanted)
			if !sameFields(got, created, "username", "password") || got.GetPassword() == "" ||
				!unsetOr(wanted.GetPassword(), got.GetPassword()) {
				t.Errorf("CreateDrmAccount returns %v, and GetDrmAccount %v (their passwords may differ too)",
					withoutSecrets(created), withoutSecrets(got))
			}
		}
	}
}

func passwordOfCreated(t T, h Harness) {
	for _, view := range append(basicViews, pb.DrmAccount_FULL) {
		created := done[*pb.DrmAccount](t, h, creatingAccount(h, &pb.DrmAccount{}, view))
		if n := len(created.GetPassword()); n > 0 != (view == pb.DrmAccount_FULL) {
			t.Errorf("CreateDrmAccount, view %s, returns a password of %d bytes", view, n)
		}
	}
}

func triedWithoutPassword(t T, h Harness) {
	const password = "opens-sesame-4711"
	ctx, dry := mutation.WithDryRun(t.Context())
	wanted := &pb.DrmAccount{Username: "new.viewer@duck.com", Password: password}
	if _, err := h.calling(creatingAccount(h, wanted, pb.DrmAccount_BASIC))(ctx); err != nil {
		t.Fatalf("CreateDrmAccount, in a dry run: %v", err)
	}
	for _, request := range dry.Requests() {
		if strings.Contains(request, password) {
			t.Errorf("CreateDrmAccount, in a dry run, shows the password in a request of %d bytes", len(request))
		}
	}
}

func accountExists(t T, h Harness) {
	for _, held := range putAccounts(t, h, 4) {
		for _, customer := range append([]string{""}, h.DrmAccounts.Customers...) {
			wanted := &pb.DrmAccount{Customer: customer, Username: held.GetUsername()}
			_, err := h.calling(creatingAccount(h, wanted, pb.DrmAccount_FULL)).in(t.Context(), newSteps())
			WantError(t, "of an account that exists", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
		}
	}
	wantWrites(t, "CreateDrmAccount of accounts", h, 0)
}

// wantDevices demands that accounts have these devices, and are as they were.
func wantDevices(t T, h Harness, what string, accounts []*pb.DrmAccount) {
	t.Helper()
	for _, want := range accounts {
		got := getAccount(t, h, want.GetName(), pb.DrmAccount_FULL)
		sameRows(t, what+": devices of "+want.GetUsername(), got.GetDevices(), want.GetDevices())
		if int(got.GetDeviceCount()) != len(want.GetDevices()) || got.GetPassword() != want.GetPassword() {
			t.Errorf("%s: the account %q has a device_count of %d, want %d (or another password)",
				what, want.GetUsername(), got.GetDeviceCount(), len(want.GetDevices()))
		}
	}
}

func deletesOneDevice(t T, h Harness) {
	accounts := withDevices(t, h, 1)
	for _, a := range accounts[:2] {
		name := a.GetDevices()[0].GetName()
		answer, err := deletingDevice(h, name, false).in(t.Context(), newSteps())
		if err != nil || !proto.Equal(answer, a.GetDevices()[0]) {
			t.Errorf("DeleteDrmAccountDevice returns %v, %v, want %v", answer, err, a.GetDevices()[0])
		}
		a.Devices = slices.Delete(a.Devices, 0, 1)
		wantDevices(t, h, "after DeleteDrmAccountDevice", accounts)
		_, err = deletingDevice(h, name, false).in(t.Context(), newSteps())
		WantError(t, "DeleteDrmAccountDevice of what is gone", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	wantWrites(t, "DeleteDrmAccountDevice of two devices", h, 2)
}

func deviceOfAnother(t T, h Harness) {
	accounts := withDevices(t, h, 1)
	id := accounts[0].GetDevices()[0].GetDeviceId()
	for _, username := range []string{accounts[1].GetUsername(), "nobody@duck.com"} {
		name := names.DrmAccountDevice.Name(h.Vendor, username, id)
		_, err := deletingDevice(h, name, false).in(t.Context(), newSteps())
		WantError(t, "DeleteDrmAccountDevice", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	wantWrites(t, "DeleteDrmAccountDevice", h, 0)
	wantDevices(t, h, "after DeleteDrmAccountDevice of another account's", accounts)
}

// bindDevice binds a device to an account, and returns its name. The name is empty if the vendor
// releases every device on request.
func bindDevice(t T, h Harness) (account *pb.DrmAccount, name string) {
	t.Helper()
	if h.DrmAccounts.BindDevice == nil {
		t.Logf("not checked: the vendor releases every device on request")
		return nil, ""
	}
	account = withDevices(t, h, 1)[0]
	bound := device(h, account.GetUsername(), "5e00000000000000000000bb", 0)
	h.DrmAccounts.BindDevice(account.GetUsername(), bound)
	return account, bound.GetName()
}

func boundDeviceStays(t T, h Harness) {
	account, name := bindDevice(t, h)
	if name == "" {
		return
	}
	before := getAccount(t, h, account.GetName(), pb.DrmAccount_FULL)
	_, err := deletingDevice(h, name, false).in(t.Context(), newSteps())
	WantError(t, "DeleteDrmAccountDevice of a bound device", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	wantWrites(t, "DeleteDrmAccountDevice of a bound device", h, 0)
	wantDevices(t, h, "after DeleteDrmAccountDevice of a bound device", []*pb.DrmAccount{before})
}

func forcedDeviceGoes(t T, h Harness) {
	account, name := bindDevice(t, h)
	if name == "" {
		return
	}
	got := done[*pb.DrmAccountDevice](t, h, &pb.DeleteDrmAccountDeviceRequest{Name: name, Force: true})
	if got.GetName() != name || !got.GetReleaseTime().AsTime().After(time.Now()) {
		t.Errorf("DeleteDrmAccountDevice that is forced returns %v, want %q with a release_time to come", got, name)
	}
	wantDevices(t, h, "after DeleteDrmAccountDevice that is forced", []*pb.DrmAccount{account})
}
