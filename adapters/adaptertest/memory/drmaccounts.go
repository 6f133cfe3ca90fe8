package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListDrmAccounts returns a page of a customer's accounts.
func (a *Adapter) ListDrmAccounts(
	ctx context.Context, req *pb.ListDrmAccountsRequest,
) (*pb.ListDrmAccountsResponse, error) {
	customer, part := cmp.Or(req.GetFilter().GetCustomer(), customers[0]), req.GetFilter().GetUsernameContains()
	accounts, next, total, err := page(ctx, req, a.vendor.Accounts.Where(func(a *pb.DrmAccount) bool {
		return a.GetCustomer() == customer && strings.Contains(a.GetUsername(), part)
	}))
	for _, account := range accounts {
		show(account, req.GetView())
	}
	return &pb.ListDrmAccountsResponse{DrmAccounts: accounts, NextPageToken: next, TotalSize: total}, err
}

// show leaves in an account what a view shows: the password and the devices in view FULL only.
func show(account *pb.DrmAccount, view pb.DrmAccount_View) *pb.DrmAccount {
	account.DeviceCount = int32(len(account.GetDevices()))
	if view != pb.DrmAccount_FULL {
		account.Password, account.Devices = "", nil
	}
	return account
}

// GetDrmAccount returns an account in a view.
func (a *Adapter) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	account, err := a.vendor.Accounts.Get(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return show(account, req.GetView()), nil
}

// CreateDrmAccount makes a username if the request has none, so that the account can be found
// again. The vendor makes passwords.
func (a *Adapter) CreateDrmAccount(
	ctx context.Context, req *pb.CreateDrmAccountRequest,
) (*pb.DrmAccount, error) {
	named, err := mutation.Snapshot(ctx, "username", func(context.Context) (*pb.DrmAccount, error) {
		made := "drmhub-" + strings.ToLower(rand.Text())
		return &pb.DrmAccount{Username: cmp.Or(req.GetDrmAccount().GetUsername(), made)}, nil
	})
	if err != nil {
		return nil, err
	}
	wanted := proto.CloneOf(req.GetDrmAccount())
	wanted.Name, wanted.Username = "", named.GetUsername()
	created, err := createUnique(ctx, a.vendor.Accounts, wanted, func(a *pb.DrmAccount) bool {
		return a.GetUsername() == wanted.GetUsername()
	})
	if err != nil {
		return nil, err
	}
	return show(created, req.GetView()), nil
}

// DeleteDrmAccountDevice removes a device.
func (a *Adapter) DeleteDrmAccountDevice(
	ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest,
) (*pb.DrmAccountDevice, error) {
	ids, err := names.DrmAccountDevice.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	account := names.DrmAccount.Name(ids[0], ids[1])
	find := func(ctx context.Context) (*pb.DrmAccountDevice, error) {
		held, err := a.vendor.Accounts.Get(ctx, account)
		if err != nil {
			return nil, err
		}
		for _, d := range held.GetDevices() {
			if d.GetName() == req.GetName() {
				return d, nil
			}
		}
		return nil, apierror.NotFound("the account %q has no device %q", account, ids[2])
	}
	device, err := mutation.Snapshot(ctx, "device", find)
	if err != nil {
		return nil, err
	}
	return remove(ctx, "remove", device, find, func(ctx context.Context) (err error) {
		device.ReleaseTime, err = a.vendor.RemoveDevice(ctx, account, req.GetName(), req.GetForce())
		return err
	})
}
