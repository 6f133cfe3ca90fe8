package memory

import (
	"context"
	"crypto/rand"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	_ adapters.DrmAccountLister        = (*Adapter)(nil)
	_ adapters.DrmAccountGetter        = (*Adapter)(nil)
	_ adapters.DrmAccountCreator       = (*Adapter)(nil)
	_ adapters.DrmAccountDeviceDeleter = (*Adapter)(nil)
)

// ListDrmAccounts answers a customer's accounts, a page at a time.
func (a *Adapter) ListDrmAccounts(ctx context.Context, req *pb.ListDrmAccountsRequest) (*pb.ListDrmAccountsResponse, error) {
	held, err := a.vendor.Accounts(ctx, req.GetFilter().GetCustomer())
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	var accounts []*pb.DrmAccount
	for _, account := range held {
		if strings.Contains(account.GetUsername(), req.GetFilter().GetUsernameContains()) {
			accounts = append(accounts, a.account(account, req.GetView()))
		}
	}
	page, next, err := paging.Slice(req, accounts)
	return &pb.ListDrmAccountsResponse{DrmAccounts: page, NextPageToken: next, TotalSize: int32(len(accounts))}, err
}

// GetDrmAccount shows the password and the devices to view FULL alone.
func (a *Adapter) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	ids, err := names.DrmAccount.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	return a.findAccount(ctx, ids[1], req.GetView())
}

// CreateDrmAccount gives the account a username where it has none, so that it can be found again;
// the vendor makes passwords.
func (a *Adapter) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	wanted := req.GetDrmAccount()
	free, err := mutation.Snapshot(ctx, "username", func(ctx context.Context) (*pb.DrmAccount, error) {
		username := wanted.GetUsername()
		if username == "" {
			username = "drmhub-" + strings.ToLower(rand.Text())
		}
		switch _, err := a.findAccount(ctx, username, pb.DrmAccount_BASIC); {
		case err == nil:
			return nil, apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "the vendor holds an account %q", username)
		case !isNotFound(err):
			return nil, err
		}
		return &pb.DrmAccount{Username: username}, nil
	})
	if err != nil {
		return nil, err
	}
	wanted = proto.CloneOf(wanted)
	wanted.Username = free.GetUsername()
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.DrmAccount, error) {
		created, err := a.vendor.AddAccount(ctx, wanted)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.account(created, req.GetView()), nil
	}
	check := func(ctx context.Context) (*pb.DrmAccount, bool, error) {
		created, err := a.findAccount(ctx, wanted.GetUsername(), req.GetView())
		if isNotFound(err) {
			return nil, false, nil
		}
		return created, err == nil, err
	}
	expect := func() *pb.DrmAccount {
		return a.account(&pb.DrmAccount{Customer: wanted.GetCustomer(), Username: wanted.GetUsername()}, req.GetView())
	}
	return mutation.Do(ctx, mutation.Write[*pb.DrmAccount]{Step: "create", Send: send, ReadBack: check, Preview: expect})
}

// DeleteDrmAccountDevice removes a device, which this vendor forgets at once.
func (a *Adapter) DeleteDrmAccountDevice(ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest) (*pb.DrmAccountDevice, error) {
	ids, err := names.DrmAccountDevice.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	find := func(ctx context.Context) (*pb.DrmAccountDevice, error) {
		account, err := a.findAccount(ctx, ids[1], pb.DrmAccount_FULL)
		if err != nil {
			return nil, err
		}
		for _, d := range account.GetDevices() {
			if d.GetDeviceId() == ids[2] {
				return d, nil
			}
		}
		return nil, apierror.NotFound("the account %q has no device %q", ids[1], ids[2])
	}
	device, err := mutation.Snapshot(ctx, "device", find)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.DrmAccountDevice, error) {
		device.ReleaseTime, err = a.vendor.RemoveDevice(ctx, ids[1], ids[2], req.GetForce())
		return device, a.explainWrite(ctx, err)
	}
	check := func(ctx context.Context) (*pb.DrmAccountDevice, bool, error) {
		_, err := find(ctx)
		if isNotFound(err) {
			return device, true, nil
		}
		return nil, false, err
	}
	expect := func() *pb.DrmAccountDevice { return device }
	return mutation.Do(ctx, mutation.Write[*pb.DrmAccountDevice]{Step: "remove", Send: send, ReadBack: check, Preview: expect})
}

func (a *Adapter) findAccount(ctx context.Context, username string, view pb.DrmAccount_View) (*pb.DrmAccount, error) {
	held, err := a.vendor.Account(ctx, username)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	return a.account(held, view), nil
}

// account is an account of the vendor's as a view shows it.
func (a *Adapter) account(held *pb.DrmAccount, view pb.DrmAccount_View) *pb.DrmAccount {
	held.Name, held.DeviceCount = names.DrmAccount.Name(a.id, held.GetUsername()), int32(len(held.GetDevices()))
	for _, d := range held.GetDevices() {
		d.Name = names.DrmAccountDevice.Name(a.id, held.GetUsername(), d.GetDeviceId())
	}
	if view != pb.DrmAccount_FULL {
		held.Password, held.Devices = "", nil
	}
	return held
}

func isNotFound(err error) bool { return err != nil && apierror.Convert(err).Code == codes.NotFound }
