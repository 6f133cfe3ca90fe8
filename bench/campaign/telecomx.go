package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func telecomxKinds() []*opKind {
	const vendor = "telecomx"
	return []*opKind{
		newKind(vendor, pb.DrmAccountService_CreateDrmAccount_FullMethodName, planAccount,
			func(o *op, a *pb.DrmAccount) { o.claims[0].key = lastSegment(a.GetName()) }),
		newKind(vendor, pb.DrmAccountService_DeleteDrmAccountDevice_FullMethodName, planDevice,
			func(*op, *pb.DrmAccountDevice) {}),
	}
}

// planAccount creates accounts, each for a customer of its own. Some have no username, some have a
// password, and some share a username, which only one account can have.
func planAccount(b *testbed, o *op) {
	customer := fmt.Sprintf("%024x", 0x100000+o.number)
	b.telecomx.PutCustomers(emulator.Customer{ID: customer, Features: []string{emulator.FeatureBusiness}})
	account := &pb.DrmAccount{Customer: customer, Username: "viewer-" + o.token}
	switch which := o.random.Float64(); {
	case which < 0.3:
		account.Username = ""
	case which < 0.5:
		account.Username = "viewer-" + o.shared(60)
	}
	if o.chance(0.4) {
		account.Password = "password-" + o.token
	}
	o.request = &pb.CreateDrmAccountRequest{Parent: "vendors/telecomx", DrmAccount: account}
	c := claimBy("create", emulator.EffectAccountCreated, "customer", customer)
	c.key = account.GetUsername()
	o.claim(c)
}

// planDevice removes a device of an account that it puts there. Other clients remove some of the
// devices too. Some devices are still bound, and stay unless the request forces the removal.
func planDevice(b *testbed, o *op) {
	number := 0x100000 + o.number
	if o.chance(0.3) {
		number = o.number / 40
	}
	id, username := fmt.Sprintf("%024x", number), fmt.Sprintf("family-%06d", number)
	age := 100 * 24 * time.Hour
	if number%3 == 0 {
		age = time.Hour
	}
	b.once("telecomx "+id, func() {
		device := emulator.Device{ID: id, Type: emulator.DeviceWeb, Name: "Kitchen", Bound: time.Now().Add(-age)}
		b.telecomx.PutAccounts(emulator.Account{Username: username, Devices: []emulator.Device{device}})
	})
	name := "vendors/telecomx/drmAccounts/" + username + "/devices/" + id
	o.request = &pb.DeleteDrmAccountDeviceRequest{Name: name, Force: o.chance(0.5)}
	o.claim(&claim{step: "delete", effect: emulator.EffectDeviceDeleted, key: id})
}

// telecomxWrite returns the RPC that makes a write, or "" for a read. A login counts as a read.
func telecomxWrite(method, path, _ string) string {
	switch {
	case method == "GET" || path == emulator.LoginPath:
		return ""
	case strings.HasPrefix(path, "/iptv/device/"):
		return "DeleteDrmAccountDevice"
	}
	return "CreateDrmAccount"
}
