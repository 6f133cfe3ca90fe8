package adaptertest_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	everyDrmAccount  = "ListDrmAccounts gives every account exactly once, as the vendor holds it, whatever the page sizes"
	basicDrmAccounts = "ListDrmAccounts with another view than FULL shows neither passwords nor devices"
	chosenAccounts   = "ListDrmAccounts chooses exactly by customer and by part of the username, with regard to case"
	accountTokens    = "ListDrmAccounts refuses what is no page token of this request"
	createdAccount   = "CreateDrmAccount is found by GetDrmAccount, with a username and a password of its own where none is given"
	createdPassword  = "CreateDrmAccount shows the password to view FULL alone"
	takenUsername    = "CreateDrmAccount with the username of an account is ALREADY_EXISTS, and sends nothing"
	deletedDevice    = "DeleteDrmAccountDevice takes one device away, and nothing else"
	anothersDevice   = "DeleteDrmAccountDevice of another account's device is NOT_FOUND, and takes nothing away"
	forcedDevice     = "DeleteDrmAccountDevice that is forced takes a bound device away, and tells until when its slot is held"
)

// pagingAccounts changes a page of the list.
func pagingAccounts(change func(*pb.ListDrmAccountsRequest, *pb.ListDrmAccountsResponse)) func(*bugged) {
	return showingInstead(change)
}

var drmAccountReadBugs = []bug{
	{everyDrmAccount, "ends after the first page", pagingAccounts(func(_ *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) { res.NextPageToken = "" })},
	{everyDrmAccount, "ignores the page size", requesting(func(req *pb.ListDrmAccountsRequest) { req.PageSize = paging.MaxSize })},
	{everyDrmAccount, "shows an account twice", pagingAccounts(func(req *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) {
		if req.GetPageToken() == "" && len(res.GetDrmAccounts()) > 1 {
			res.DrmAccounts[1] = proto.CloneOf(res.DrmAccounts[0])
		}
	})},
	{everyDrmAccount, "counts the accounts of a page", pagingAccounts(func(_ *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) {
		res.TotalSize = int32(len(res.GetDrmAccounts()))
	})},
	{everyDrmAccount, "does not say whose an account is", pagingAccounts(func(_ *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) {
		for _, a := range res.GetDrmAccounts() {
			a.Customer = ""
		}
	})},
	{everyDrmAccount, "shows no devices", requesting(func(req *pb.ListDrmAccountsRequest) { req.View = pb.DrmAccount_BASIC })},
	{basicDrmAccounts, "shows all to everybody", requesting(func(req *pb.ListDrmAccountsRequest) { req.View = pb.DrmAccount_FULL })},
	{basicDrmAccounts, "forgets how many devices there are", pagingAccounts(func(_ *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) {
		for _, a := range res.GetDrmAccounts() {
			a.DeviceCount = int32(len(a.GetDevices()))
		}
	})},
	{chosenAccounts, "ignores the customer", requesting(func(req *pb.ListDrmAccountsRequest) { req.GetFilter().Customer = "" })},
	{chosenAccounts, "ignores the username", requesting(func(req *pb.ListDrmAccountsRequest) { req.GetFilter().UsernameContains = "" })},
	{chosenAccounts, "has no regard to case", requesting(func(req *pb.ListDrmAccountsRequest) {
		req.GetFilter().UsernameContains = strings.ToLower(req.GetFilter().GetUsernameContains())
	})},
	{"ListDrmAccounts without accounts is empty", "shows an empty account", pagingAccounts(func(_ *pb.ListDrmAccountsRequest, res *pb.ListDrmAccountsResponse) {
		res.DrmAccounts = append(res.DrmAccounts, &pb.DrmAccount{})
	})},
	{accountTokens, "begins again", requesting(func(req *pb.ListDrmAccountsRequest) { req.PageToken = "" })},
	{accountTokens, "binds its tokens to no view", requesting(func(req *pb.ListDrmAccountsRequest) { req.View = pb.DrmAccount_FULL })},
	{accountTokens, "binds its tokens to no filter", requesting(func(req *pb.ListDrmAccountsRequest) { req.Filter = nil })},
	{"GetDrmAccount with view FULL shows what the vendor holds", "shows no password", requesting(func(req *pb.GetDrmAccountRequest) { req.View = pb.DrmAccount_BASIC })},
	{"GetDrmAccount with view FULL shows what the vendor holds", "names another vendor's devices", showingInstead(func(_ *pb.GetDrmAccountRequest, res *pb.DrmAccount) {
		for _, d := range res.GetDevices() {
			d.Name = "vendors/emca/drmAccounts/a/devices/" + d.GetDeviceId()
		}
	})},
	{"GetDrmAccount with another view shows no password", "shows all to everybody", requesting(func(req *pb.GetDrmAccountRequest) { req.View = pb.DrmAccount_FULL })},
	{"GetDrmAccount of an unknown account is NOT_FOUND", "shows an empty account", swallowingErrors},
}

// needsSecrets cannot go on where its record has no password.
func needsSecrets(ctx context.Context, _ *pb.CreateDrmAccountRequest, _ *bugged, call callOf) (proto.Message, error) {
	res, err := call(ctx)
	if err == nil && res.(*pb.DrmAccount).GetPassword() == "" {
		return nil, errors.New("the record has no password")
	}
	return res, err
}

func triesWithThePassword(ctx context.Context, req *pb.CreateDrmAccountRequest, _ *bugged, call callOf) (proto.Message, error) {
	if trial := mutation.DryRunFrom(ctx); trial != nil {
		_ = trial.Plan("curl --data password=" + req.GetDrmAccount().GetPassword())
	}
	return call(ctx)
}

// eachDevice removes every device that match chooses before the call is made.
func eachDevice(match func(username string, d *pb.DrmAccountDevice, wanted []string) bool) func(*bugged) {
	return around(func(ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest, b *bugged, call callOf) (proto.Message, error) {
		wanted, err := names.DrmAccountDevice.IDs(req.GetName())
		if err != nil {
			return nil, err
		}
		all, err := b.vendor.Accounts.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			for _, d := range a.GetDevices() {
				if !match(a.GetUsername(), d, wanted) {
					continue
				}
				err := bypassesLog(ctx, func(ctx context.Context) error {
					_, err := b.vendor.RemoveDevice(ctx, a.GetName(), d.GetName(), true)
					return err
				})
				if err != nil {
					return nil, err
				}
			}
		}
		return call(ctx)
	})
}

var drmAccountWriteBugs = []bug{
	{"CreateDrmAccount that has succeeded is answered from its record, which keeps no secrets", "needs the password", around(needsSecrets)},
	{createdAccount, "answers another's name", showingInstead(func(_ *pb.CreateDrmAccountRequest, res *pb.DrmAccount) { res.Name += "0" })},
	{createdAccount, "forgets the password", requesting(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Password = "" })},
	{createdAccount, "forgets the customer", requesting(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Customer = "" })},
	{createdAccount, "has one username for all", requesting(func(req *pb.CreateDrmAccountRequest) {
		if req.GetDrmAccount().GetUsername() == "" {
			req.DrmAccount.Username = "the.only.viewer"
		}
	})},
	{createdPassword, "shows it to everybody", requesting(func(req *pb.CreateDrmAccountRequest) { req.View = pb.DrmAccount_FULL })},
	{createdPassword, "shows it to nobody", requesting(func(req *pb.CreateDrmAccountRequest) { req.View = pb.DrmAccount_BASIC })},
	{"CreateDrmAccount that is tried shows no password", "shows it", around(triesWithThePassword)},
	{takenUsername, "takes another one", requesting(func(req *pb.CreateDrmAccountRequest) { req.GetDrmAccount().Username += "-2" })},
	{takenUsername, "answers the one that is there", around(hidesFailure[*pb.CreateDrmAccountRequest])},
	{deletedDevice, "takes the account's other devices too", eachDevice(func(username string, d *pb.DrmAccountDevice, wanted []string) bool {
		return username == wanted[1] && d.GetDeviceId() != wanted[2]
	})},
	{deletedDevice, "only says so", around(doesNothing[*pb.DeleteDrmAccountDeviceRequest])},
	{deletedDevice, "takes any failure for a success", around(hidesFailure[*pb.DeleteDrmAccountDeviceRequest])},
	{anothersDevice, "looks at the device alone", eachDevice(func(_ string, d *pb.DrmAccountDevice, wanted []string) bool { return d.GetDeviceId() == wanted[2] })},
	{"DeleteDrmAccountDevice of a device that the vendor still binds is FAILED_PRECONDITION", "forces the vendor", requesting(func(req *pb.DeleteDrmAccountDeviceRequest) { req.Force = true })},
	{forcedDevice, "does not force the vendor", requesting(func(req *pb.DeleteDrmAccountDeviceRequest) { req.Force = false })},
	{forcedDevice, "does not tell until when", showingInstead(func(_ *pb.DeleteDrmAccountDeviceRequest, res *pb.DrmAccountDevice) { res.ReleaseTime = nil })},
}

var drmAccountBugs = slices.Concat(drmAccountReadBugs, drmAccountWriteBugs)
