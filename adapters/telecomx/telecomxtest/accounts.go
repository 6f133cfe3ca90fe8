package telecomxtest

import (
	"regexp"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The mapping from the contract to the vendor's words is written from the vendor's pages. It does
// not use the adapter's tables.

// username is the pages' "username ≥ 6 of a-zA-Z0-9._-@".
var username = regexp.MustCompile(`^[a-zA-Z0-9._@-]{6,}$`)

// withAccounts returns the harness with its part for accounts and devices.
func withAccounts(h adaptertest.Harness, vendorSide *emulator.Emulator) adaptertest.Harness {
	h.DrmAccounts = &adaptertest.DrmAccounts{Customers: customers}
	h.DrmAccounts.Put = func(accounts ...*pb.DrmAccount) {
		for _, a := range accounts {
			held := emulator.Account{
				Customer: a.GetCustomer(), Username: a.GetUsername(), Password: a.GetPassword(),
				Created: a.GetCreateTime().AsTime(),
			}
			for _, d := range a.GetDevices() { // bound when the account was created
				held.Devices = append(held.Devices, vendorDevice(d))
			}
			vendorSide.PutAccounts(held)
		}
	}
	h.DrmAccounts.Show = func(a *pb.DrmAccount) *pb.DrmAccount {
		if !username.MatchString(a.GetUsername()) {
			return nil
		}
		return a
	}
	h.DrmAccounts.BindDevice = func(username string, d *pb.DrmAccountDevice) {
		if _, err := vendorSide.BindDevice(username, vendorDevice(d)); err != nil {
			panic(err)
		}
	}
	return h
}

func vendorDevice(d *pb.DrmAccountDevice) emulator.Device {
	return emulator.Device{
		ID: d.GetDeviceId(), Type: d.GetType().String(), Name: d.GetDisplayName(), Model: d.GetModel(),
	}
}
