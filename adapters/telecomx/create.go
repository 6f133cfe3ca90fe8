package telecomx

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// CreateDrmAccount calls "POST /iptv/drm". If the caller sets no username, drmhub generates one and
// records it before it sends anything. A lost request is read back by its username.
func (a *Adapter) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	wanted := req.GetDrmAccount()
	fixed, err := mutation.Snapshot(ctx, "username", func(ctx context.Context) (*pb.DrmAccount, error) {
		return a.freeAccount(ctx, wanted)
	})
	if err != nil {
		return nil, err
	}
	c := creation{a, fixed.GetCustomer(), fixed.GetUsername(), secret.New(wanted.GetPassword()), req.GetView()}
	return mutation.Do(ctx, mutation.Write[*pb.DrmAccount]{
		Step: "create", Send: c.send, ReadBack: c.readBack,
		Preview: func() *pb.DrmAccount {
			account := &pb.DrmAccount{Customer: c.customer}
			if wanted.GetUsername() != "" { // the real call generates another one
				account.Name, account.Username = names.DrmAccount.Name(a.id, c.username), c.username
			}
			if c.view == pb.DrmAccount_FULL {
				account.Password = c.password.Reveal()
			}
			return account
		},
	})
}

// freeAccount returns the customer and the username of the account to create. It fails if TelecomX
// has an account of this username.
func (a *Adapter) freeAccount(ctx context.Context, wanted *pb.DrmAccount) (*pb.DrmAccount, error) {
	free := &pb.DrmAccount{Username: wanted.GetUsername()}
	for range 3 { // a generated username is rarely taken
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
		// findAccount has logged in, which shows the user's own customer
		if free.Customer = a.customerOf(wanted.GetCustomer()); free.GetCustomer() == "" {
			return nil, apierror.Invalid("drm_account.customer",
				"must be set, here or as customer in this vendor's configuration: drmhub's own customer is unknown")
		}
		return free, nil
	}
	return nil, apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
		"TelecomX has an account %q: choose another username", free.GetUsername())
}

// newUsername returns a number of ten digits, which viewers can type on a remote control. The pages
// give such a username as an example.
func newUsername() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(9e9)) // crypto/rand does not fail
	return strconv.FormatInt(1e9+n.Int64(), 10)
}

// A creation is an account to create.
type creation struct {
	adapter            *Adapter
	customer, username string
	password           secret.Text // if zero, TelecomX generates one
	view               pb.DrmAccount_View
}

func (c creation) send(ctx context.Context, attempt mutation.Attempt) (*pb.DrmAccount, error) {
	body := map[string]string{"customer": c.customer, "username": c.username}
	if !c.password.IsZero() {
		body["password"] = c.password.Reveal()
	}
	made := &answer[jsonx.Row[accountRow]]{}
	var shown *pb.DrmAccount
	took := func(ctx context.Context) (took bool, err error) {
		shown, took, err = c.readBack(ctx)
		return took, err
	}
	w := &writing{words: creationRefused, resent: attempt.Resend, took: took}
	res, err := c.adapter.write(ctx, upstream.Request{
		Method: http.MethodPost, Path: accountsPath, Body: upstream.JSON(body), Secrets: []secret.Text{c.password},
	}, w, made)
	row := made.Value.Value
	switch {
	case errors.Is(err, errTook):
		return shown, nil
	case err != nil:
		return nil, c.refused(err, w.resent)
	case made.refused:
		return nil, c.refused(made.refusal(res, creationRefused), w.resent)
	case row.Username != "" && !strings.EqualFold(row.Username, c.username):
		return nil, res.Complete(apierror.OutcomeUnknown("Outcome unknown: TelecomX reported success with another " +
			"username. Retry with the same request_id."))
	}
	// If the account was created but cannot be read, the response has what is known of it.
	if row.Username == "" || row.Password == "" && c.view == pb.DrmAccount_FULL {
		if held, err := c.find(ctx); err == nil && held != nil {
			row = held.Value
		}
	}
	if row.Username == "" {
		return nil, res.Complete(apierror.OutcomeUnknown("Outcome unknown: TelecomX reported success without the " +
			"account, and does not show it" + mutation.RetryAdvice))
	}
	if row.Password == "" {
		row.Password = c.password.Reveal()
	}
	account, misfit := c.adapter.account(row, c.customer, c.view)
	if misfit != nil {
		return nil, res.Complete(apierror.OutcomeUnknown("Outcome unknown: TelecomX reported success with a response "+
			"that drmhub cannot use: %v. Retry with the same request_id.", misfit))
	}
	return account, nil
}

// find returns the account if it is at TelecomX, or nil. An account with another password is not
// this one: somebody else created it under the same username.
func (c creation) find(ctx context.Context) (*single, error) {
	held, err := c.adapter.findAccount(ctx, c.username, c.password)
	if err != nil || held == nil {
		return nil, err
	}
	if held.Misfit != nil {
		return nil, held.res.Complete(unreadable(held.Row, held.Misfit))
	}
	password := held.Value.Password
	if !c.password.IsZero() && password != "" && password != c.password.Reveal() {
		return nil, nil
	}
	return held, nil
}

// readBack reports whether the account is at TelecomX.
func (c creation) readBack(ctx context.Context) (*pb.DrmAccount, bool, error) {
	held, err := c.find(ctx)
	if err != nil || held == nil {
		return nil, false, err
	}
	account, misfit := c.adapter.account(held.Value, c.customer, c.view)
	if misfit != nil {
		return nil, false, held.res.Complete(unreadable(held.Row, misfit))
	}
	return account, true, nil
}

// refused returns the error of a refused creation, with the field that TelecomX refuses. Where the
// call was sent before, the effect of the earlier one may have come late: then the account is read
// back.
func (c creation) refused(err error, resent bool) error {
	e := *apierror.Convert(err)
	said := e.Metadata[apierror.VendorCode]
	isField := said == saysCustomer || said == saysUsername || said == saysPassword
	switch {
	case e.Reason == pb.ErrorReason_RESOURCE_NOT_FOUND:
		e.Message = "TelecomX has no customer " + strconv.Quote(c.customer)
	case e.Reason == pb.ErrorReason_VENDOR_INPUT_REFUSED && isField:
		e.Violations = refusedField("drm_account." + said)
	case e.Reason == pb.ErrorReason_VENDOR_REJECTED && said == saysUsername:
		e.Code, e.Reason, e.Unproven = codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, true
		e.Message = "TelecomX refuses the username: an account may have it. Choose another username"
	case e.Reason == pb.ErrorReason_VENDOR_ALREADY_EXISTS, e.Reason == pb.ErrorReason_VENDOR_STATE:
		e.Unproven = e.Unproven || resent
	default:
		return err
	}
	return &e
}
