package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// customers are the vendor's; the first one is the adapter's own.
var customers = []string{"acme", "emca"}

// binding is how long the vendor binds a device to its account.
const binding = 90 * 24 * time.Hour

// Accounts are a customer's DRM accounts, in the order in which they came.
func (v *Vendor) Accounts(ctx context.Context, customer string) ([]*pb.DrmAccount, error) {
	if err := v.read(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var own []*pb.DrmAccount
	for _, a := range v.accounts {
		if a.GetCustomer() == cmp.Or(customer, customers[0]) {
			own = append(own, shown(a))
		}
	}
	return own, nil
}

// Account is the DRM account with this username.
func (v *Vendor) Account(ctx context.Context, username string) (*pb.DrmAccount, error) {
	if err := v.read(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.accountOf(username); a != nil {
		return shown(a), nil
	}
	return nil, &Failure{Code: noSuchThing}
}

// AddAccount creates a DRM account, with a password where it has none.
func (v *Vendor) AddAccount(ctx context.Context, a *pb.DrmAccount) (added *pb.DrmAccount, err error) {
	return added, v.write(ctx, func() error {
		if v.accountOf(a.GetUsername()) != nil {
			return &Failure{Code: taken}
		}
		added = &pb.DrmAccount{
			Customer: cmp.Or(a.GetCustomer(), customers[0]), Username: a.GetUsername(), Password: cmp.Or(a.GetPassword(), rand.Text()), CreateTime: timestamppb.Now(),
		}
		v.accounts = append(v.accounts, proto.CloneOf(added))
		return nil
	})
}

// RemoveDevice removes a device of an account, by force within its binding too. It tells until when
// the device's slot is held.
func (v *Vendor) RemoveDevice(ctx context.Context, username, deviceID string, force bool) (held *timestamppb.Timestamp, err error) {
	return held, v.write(ctx, func() error {
		a := v.accountOf(username)
		i := slices.IndexFunc(a.GetDevices(), func(d *pb.DrmAccountDevice) bool { return d.GetDeviceId() == deviceID })
		if i < 0 {
			return &Failure{Code: noSuchThing}
		}
		if until := a.GetDevices()[i].GetReleaseTime(); until.AsTime().After(time.Now()) {
			if !force {
				return &Failure{Code: stillBound}
			}
			held = until
		}
		a.Devices = slices.Delete(a.Devices, i, i+1)
		return nil
	})
}

// PutDrmAccounts lets the vendor hold these accounts too, whose devices are bound no more.
func (v *Vendor) PutDrmAccounts(accounts ...*pb.DrmAccount) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.accounts = append(v.accounts, clones(accounts)...)
}

// BindDevice binds a device to an account now. The vendor keeps until when as the device's
// release_time, which it shows once the device is removed.
func (v *Vendor) BindDevice(username string, device *pb.DrmAccountDevice) {
	v.mu.Lock()
	defer v.mu.Unlock()
	device = proto.CloneOf(device)
	device.ReleaseTime = timestamppb.New(time.Now().Add(binding))
	a := v.accountOf(username)
	a.Devices = append(a.Devices, device)
}

// accountOf is the account with this username, or nil. The caller holds the lock.
func (v *Vendor) accountOf(username string) *pb.DrmAccount {
	i := slices.IndexFunc(v.accounts, func(a *pb.DrmAccount) bool { return a.GetUsername() == username })
	if i < 0 {
		return nil
	}
	return v.accounts[i]
}

func shown(a *pb.DrmAccount) *pb.DrmAccount {
	a = proto.CloneOf(a)
	for _, d := range a.GetDevices() {
		d.ReleaseTime = nil
	}
	return a
}
