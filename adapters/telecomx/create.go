package telecomx

import (
	"context"
	"crypto/rand"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// CreateDrmAccount is "POST /iptv/drm". A username that the caller leaves out is generated here and
// not by TelecomX, and kept before anything is sent: whether a lost request arrived is read back by
// it.
func (a *Adapter) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	wanted := req.GetDrmAccount()
	fixed, err := mutation.Snapshot(ctx, "username", func(ctx context.Context) (*pb.DrmAccount, error) { return a.freeAccount(ctx, wanted) })
	if err != nil {
		return nil, err
	}
	c := creation{a, fixed.GetCustomer(), fixed.GetUsername(), secret.New(wanted.GetPassword()), req.GetView()}
	return mutation.Do(ctx, mutation.Write[*pb.DrmAccount]{
		Step: "create",
		Send: c.send,
		ReadBack: func(ctx context.Context) (*pb.DrmAccount, bool, error) {
			row, err := a.findAccount(ctx, c.username, c.password)
			// Somebody else's of the same username, created since, has another password.
			if err != nil || row == nil || !c.password.IsZero() && row.Password != "" && row.Password != c.password.Reveal() {
				return nil, false, err
			}
			account, err := a.account(*row, c.customer, c.view)
			return account, err == nil, err
		},
		Preview: func() *pb.DrmAccount {
			account := &pb.DrmAccount{Customer: c.customer}
			if wanted.GetUsername() != "" { // the next run generates another one
				account.Name, account.Username = names.DrmAccount.Name(a.id, c.username), c.username
			}
			if c.view == pb.DrmAccount_FULL {
				account.Password = c.password.Reveal()
			}
			return account
		},
	})
}

// freeAccount is the customer and the username of the account to create, which TelecomX does not
// hold yet.
func (a *Adapter) freeAccount(ctx context.Context, wanted *pb.DrmAccount) (*pb.DrmAccount, error) {
	free := &pb.DrmAccount{Username: wanted.GetUsername()}
	for range 3 { // a generated one is hardly ever taken
		if wanted.GetUsername() == "" {
			free.Username = newUsername()
		}
		held, err := a.findAccount(ctx, free.GetUsername(), secret.New(wanted.GetPassword()))
		switch {
		case err != nil:
			return nil, err
		case held != nil:
			continue
		}
		// asked now, after a call has logged in
		if free.Customer = a.customerOf(wanted.GetCustomer()); free.GetCustomer() == "" {
			return nil, apierror.Invalid("drm_account.customer",
				"must be set: nothing tells the customer of drmhub's own user; name one here, or as customer in this vendor's configuration")
		}
		return free, nil
	}
	return nil, apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "TelecomX has an account %q: choose another username", free.GetUsername())
}

// newUsername is a number of ten digits: the pages' example of a username that viewers can type on
// a remote control.
func newUsername() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(9e9)) // crypto/rand does not fail
	return strconv.FormatInt(1e9+n.Int64(), 10)
}

// creation is an account to be created.
type creation struct {
	adapter            *Adapter
	customer, username string
	password           secret.Text // zero: TelecomX generates one
	view               pb.DrmAccount_View
}

func (c creation) send(ctx context.Context, _ mutation.Attempt) (*pb.DrmAccount, error) {
	body := map[string]string{"customer": c.customer, "username": c.username}
	if !c.password.IsZero() {
		body["password"] = c.password.Reveal()
	}
	row := &accountRow{}
	_, err := c.adapter.write(ctx, upstream.Request{
		Method: http.MethodPost, Path: accountsPath, Body: upstream.JSON(body), Secrets: []secret.Text{c.password},
	}, row)
	if err != nil {
		return nil, c.refused(err)
	}
	if row.Username != "" && !strings.EqualFold(row.Username, c.username) {
		return nil, apierror.OutcomeUnknown("TelecomX answers success, and an account of another username; call again with the same request_id to settle it")
	}
	// it is created all the same: what is known of it has to do
	if row.Username == "" || row.Password == "" && c.view == pb.DrmAccount_FULL {
		if held, err := c.adapter.findAccount(ctx, c.username, c.password); err == nil && held != nil {
			row = held
		}
	}
	if row.Username == "" {
		row.Username = c.username
	}
	if row.Password == "" {
		row.Password = c.password.Reveal()
	}
	account, err := c.adapter.account(*row, c.customer, c.view)
	if err != nil {
		return nil, apierror.OutcomeUnknown("TelecomX answers success, and %v; call again with the same request_id to settle it", err)
	}
	return account, nil
}

// refused names the field that TelecomX refuses.
func (c creation) refused(err error) error {
	e := *apierror.Convert(err)
	said := e.Metadata[apierror.VendorCode]
	switch {
	case e.Reason == pb.ErrorReason_RESOURCE_NOT_FOUND:
		e.Message = "TelecomX holds no customer " + strconv.Quote(c.customer)
	case e.Reason == pb.ErrorReason_VENDOR_INPUT_REFUSED && (said == saysCustomer || said == saysUsername || said == saysPassword):
		e.Violations = []*errdetails.BadRequest_FieldViolation{{Field: "drm_account." + said, Description: "TelecomX refuses it"}}
	default:
		return err
	}
	return &e
}
