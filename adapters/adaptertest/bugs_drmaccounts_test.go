package adaptertest_test

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// showsAccounts is a bug that changes every account of the list.
func showsAccounts(change func(*pb.DrmAccount)) bug {
	return shows(func(res *pb.ListDrmAccountsResponse) {
		for _, a := range res.GetDrmAccounts() {
			change(a)
		}
	})
}

// removesToo is a bug that first removes every device that matches the wanted one.
func removesToo(match func(device, wanted string) bool) bug {
	return before(func(ctx context.Context, v *vendor, req *pb.DeleteDrmAccountDeviceRequest) error {
		all, err := v.Accounts.List(ctx)
		for _, a := range all {
			for _, d := range a.GetDevices() {
				if err == nil && match(d.GetName(), req.GetName()) {
					_, err = v.RemoveDevice(ctx, a.GetName(), d.GetName(), true)
				}
			}
		}
		return err
	})
}

// cut splits the name of a device.
func cut(name string) (account, id string) {
	account, id, _ = strings.Cut(name, "/devices/")
	return account, id
}

var drmAccountBugs = bugs{
	"ListDrmAccounts gives every account exactly once, as the vendor holds it, whatever the page sizes": {
		"does not say whose an account is": showsAccounts(func(a *pb.DrmAccount) { a.Customer = "" }),
		"shows no devices": asks(func(req *pb.ListDrmAccountsRequest) {
			req.View = pb.DrmAccount_BASIC
		}),
	},
	"ListDrmAccounts with another view than FULL shows no passwords and no devices": {
		"shows all to everybody": asks(func(req *pb.ListDrmAccountsRequest) { req.View = pb.DrmAccount_FULL }),
		"forgets how many devices there are": showsAccounts(func(a *pb.DrmAccount) {
			a.DeviceCount = int32(len(a.GetDevices()))
		}),
	},
	"ListDrmAccounts chooses exactly by customer and by part of the username, with regard to case": {
		"ignores the customer": asks(func(req *pb.ListDrmAccountsRequest) { req.GetFilter().Customer = "" }),
		"ignores the username": asks(func(req *pb.ListDrmAccountsRequest) { req.GetFilter().UsernameContains = "" }),
		"has no regard to case": asks(func(req *pb.ListDrmAccountsRequest) {
			req.GetFilter().UsernameContains = strings.ToLower(req.GetFilter().GetUsernameContains())
		}),
	},
	"ListDrmAccounts refuses what is no page token of this request": {
		"binds its tokens to no view":   asks(func(req *pb.ListDrmAccountsRequest) { req.View = pb.DrmAccount_FULL }),
		"binds its tokens to no filter": on("ListDrmAccounts", clearing("filter")),
	},
	"GetDrmAccount with view FULL shows what the vendor holds": {
		"shows no password": asks(func(req *pb.GetDrmAccountRequest) { req.View = pb.DrmAccount_BASIC }),
		"names another vendor's devices": shows(func(res *pb.DrmAccount) {
			for _, d := range res.GetDevices() {
				d.Name = "vendors/emca/drmAccounts/a/devices/" + d.GetDeviceId()
			}
		}),
	},
	"GetDrmAccount with another view shows no password": {
		"shows all to everybody": asks(func(req *pb.GetDrmAccountRequest) { req.View = pb.DrmAccount_FULL }),
	},
	"GetDrmAccount of an unknown account is NOT_FOUND": {"shows an empty account": swallowsErrors},

	"CreateDrmAccount that has succeeded returns its record, which holds no secrets": {
		"needs the password": on("CreateDrmAccount", func(c *call) (proto.Message, error) {
			res, err := c.run()
			if err == nil && res.(*pb.DrmAccount).GetPassword() == "" {
				return nil, errors.New("the record has no password")
			}
			return res, err
		}),
	},
	"CreateDrmAccount is found by GetDrmAccount, and gets a username and a password if none is given": {
		"returns another's name": on("CreateDrmAccount", misnames),
		"forgets the password":   asks(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Password = "" }),
		"forgets the customer":   asks(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Customer = "" }),
		"has one username for all": asks(func(req *pb.CreateDrmAccountRequest) {
			if req.GetDrmAccount().GetUsername() == "" {
				req.DrmAccount.Username = "the.only.viewer"
			}
		}),
	},
	"CreateDrmAccount shows the password to view FULL alone": {
		"shows it to everybody": asks(func(req *pb.CreateDrmAccountRequest) { req.View = pb.DrmAccount_FULL }),
		"shows it to nobody":    asks(func(req *pb.CreateDrmAccountRequest) { req.View = pb.DrmAccount_BASIC }),
	},
	"CreateDrmAccount in a dry run shows no password": {
		"shows it": instead(func(c *call, req *pb.CreateDrmAccountRequest) (proto.Message, error) {
			return quotes(c, req.GetDrmAccount().GetPassword())
		}),
	},
	"CreateDrmAccount with the username of an account is ALREADY_EXISTS, and sends nothing": {
		"takes another one": asks(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Username += "-2" }),

		"returns the one that is there": on("CreateDrmAccount", hidesFailure),
	},
	"DeleteDrmAccountDevice removes one device, and nothing else": {
		"takes the account's other devices too": removesToo(func(device, wanted string) bool {
			has, id := cut(device)
			want, no := cut(wanted)
			return has == want && id != no
		}),
		"only says so":                    on("DeleteDrmAccountDevice", doesNothing),
		"takes any failure for a success": on("DeleteDrmAccountDevice", hidesFailure),
	},
	"DeleteDrmAccountDevice of another account's device is NOT_FOUND, and removes nothing": {
		"looks at the device alone": removesToo(func(device, wanted string) bool {
			_, id := cut(device)
			_, want := cut(wanted)
			return id == want
		}),
	},
	"DeleteDrmAccountDevice of a device that the vendor still binds is FAILED_PRECONDITION": {
		"forces the vendor": asks(func(req *pb.DeleteDrmAccountDeviceRequest) { req.Force = true }),
	},
	"DeleteDrmAccountDevice by force removes a bound device, and says until when its slot is held": {
		"does not force the vendor": asks(func(req *pb.DeleteDrmAccountDeviceRequest) { req.Force = false }),
		"does not tell until when":  shows(func(res *pb.DrmAccountDevice) { res.ReleaseTime = nil }),
	},
}
