package telecomx

import (
	"context"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	accountsPath = "/iptv/drm"
	// The pages say: "The number of accounts to return, default 100, min 1, max 500".
	maxLimit = 500
	// maxVendorPagesPerCall bounds how many vendor pages one call reads.
	maxVendorPagesPerCall = 10
)

// An accountPage is the pages' "Response". It may have fewer accounts than limit.
type accountPage struct {
	Offset   *int                   `json:"offset"`
	Total    int                    `json:"total"`
	Accounts jsonx.Rows[accountRow] `json:"accounts"`
	// Success and Error are members of a failure.
	Success jsontext.Value `json:"success"`
	Error   jsontext.Value `json:"error"`

	res *upstream.Response
}

// isList reports whether an answer has one of the documented members of a list. A bare {} has none.
// It does not prove that a list is empty.
func isList(page *answer[accountPage]) bool {
	return page.Value.Accounts != nil ||
		slices.ContainsFunc([]string{"offset", "limit", "total", "accounts"}, func(name string) bool {
			return page.members[name] != nil
		})
}

// A cursor is a position in a list, in the page token.
type cursor struct {
	Offset int `json:"o"`
	paging.Seen
}

// ListDrmAccounts calls "GET /iptv/drm". TelecomX does not say whether its search of usernames
// ignores case, so drmhub matches every row again.
func (a *Adapter) ListDrmAccounts(
	ctx context.Context, req *pb.ListDrmAccountsRequest,
) (*pb.ListDrmAccountsResponse, error) {
	var at cursor
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, err
	}
	if at.Offset < 0 {
		return nil, apierror.Invalid("page_token", "is not valid for this request; start again without page_token")
	}
	list := accountList{adapter: a, filter: req.GetFilter(), view: req.GetView()}
	start := at.Offset
	rows, more, err := list.read(ctx, &at, paging.Size(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	res := &pb.ListDrmAccountsResponse{DrmAccounts: rows}
	switch {
	case req.GetFilter().GetUsernameContains() == "":
		res.TotalSize = int32(min(list.total, math.MaxInt32))
	case start == 0 && !more: // TelecomX's total counts the rows of its own search
		res.TotalSize = int32(len(rows))
	}
	if more {
		res.NextPageToken, err = paging.Token(req, at)
	}
	return res, err
}

// An accountList reads the accounts that match a filter.
type accountList struct {
	adapter *Adapter
	filter  *pb.DrmAccountFilter
	view    pb.DrmAccount_View
	total   int // according to TelecomX
}

// read returns up to want accounts from a position on, which it moves. It reports whether more may
// follow. It reads a bounded number of the vendor's pages.
func (l *accountList) read(ctx context.Context, at *cursor, want int) (taken []*pb.DrmAccount, more bool, err error) {
	limit := min(want, maxLimit)
	for range maxVendorPagesPerCall {
		page, added, err := l.page(ctx, at, limit)
		switch {
		case errors.Is(err, errNoCustomer):
			return taken, false, nil
		case err != nil:
			return nil, false, err
		case len(added) == 0:
			return taken, false, nil
		}
		taken, more, err = l.take(taken, page, added, at, want)
		if more || err != nil {
			return taken, more, err
		}
		if page.Total > 0 && at.Offset >= page.Total {
			return taken, false, nil
		}
		if len(taken) == want {
			break
		}
		if limit = maxLimit; l.filter.GetUsernameContains() == "" {
			limit = min(want-len(taken), maxLimit)
		}
	}
	return taken, true, nil
}

// take adds the rows of a page that match, up to want accounts, and moves the position past them.
// It reports whether there is a row that matches beside these.
func (l *accountList) take(
	taken []*pb.DrmAccount, page *accountPage, added []jsonx.Row[accountRow], at *cursor, want int,
) (_ []*pb.DrmAccount, more bool, err error) {
	customer := l.adapter.customerOf(l.filter.GetCustomer()) // a login shows drmhub's own customer
	for _, row := range added {
		// A row without a username may be one that matches.
		u := row.Value.Username
		matches := u == "" || strings.Contains(u, l.filter.GetUsernameContains())
		if matches && len(taken) == want {
			return taken, true, nil
		}
		if matches {
			account, unreadable := l.adapter.checked(row, customer, l.view)
			if unreadable != nil {
				return nil, false, page.res.Complete(unreadable)
			}
			taken = append(taken, account)
		}
		at.Offset++
		at.Add(u)
	}
	return taken, false, nil
}

// page reads a page of the vendor, and returns the accounts in it that are new. A page before the
// last one may be short, but not empty. A page that repeats earlier accounts alone is the end:
// TelecomX may ignore the offset, or show the last page again.
func (l *accountList) page(
	ctx context.Context, at *cursor, limit int,
) (page *accountPage, added []jsonx.Row[accountRow], err error) {
	offset := at.Offset
	params := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	if s := l.filter.GetUsernameContains(); s != "" {
		params.Set("filter", s)
	}
	if s := l.adapter.customerParam(l.filter.GetCustomer()); s != "" {
		params.Set("customer", s)
	}
	if l.view == pb.DrmAccount_FULL {
		params.Set("full", "true")
	}
	page, err = l.adapter.accountPage(ctx, params)
	if err != nil {
		return nil, nil, l.refused(err)
	}
	l.total = page.Total
	shown := page.Accounts
	added = paging.New(&at.Seen, shown, username)
	restarts := len(shown) <= offset && paging.Restarts(&at.Seen, shown, username)
	switch {
	case len(shown) == 0 && offset < page.Total:
		return nil, nil, page.res.Complete(contradiction("a page before the last account is empty"))
	case restarts && offset < page.Total && limit < maxLimit:
		return l.page(ctx, at, maxLimit) // TelecomX ignores the offset: its largest page shows more
	case restarts:
		return page, nil, nil // earlier pages had all of it
	case len(added) > 0 && page.Offset != nil && *page.Offset > offset:
		return nil, nil, page.res.Complete(contradiction("a page begins at another offset than requested"))
	}
	return page, added, nil
}

func username(row jsonx.Row[accountRow]) string { return row.Value.Username }

// errNoCustomer says that TelecomX has no customer of the filter's id, so no account matches.
var errNoCustomer = errors.New("telecomx: no such customer")

// refused returns the error of a refused list. It blames the filter if TelecomX refuses a condition
// of it.
func (l *accountList) refused(err error) error {
	e := *apierror.Convert(err)
	fields := map[string]string{"customer": "filter.customer", "filter": "filter.username_contains"}
	field := fields[e.Metadata[apierror.VendorCode]]
	switch {
	case field == "filter.customer" && l.filter.GetCustomer() == "": // the configured customer was sent
		return err
	case field == "filter.customer" && e.Metadata[apierror.VendorHTTPStatus] == "404":
		return errNoCustomer
	case field != "" && e.Reason == pb.ErrorReason_VENDOR_INPUT_REFUSED:
		e.Violations = refusedField(field)
		return &e
	}
	return err
}

func refusedField(field string) []*errdetails.BadRequest_FieldViolation {
	return []*errdetails.BadRequest_FieldViolation{{Field: field, Description: "TelecomX refuses it"}}
}

// accountPage requests a page. The path names no resource, so a 404 is due to the configuration.
func (a *Adapter) accountPage(ctx context.Context, params url.Values) (*accountPage, error) {
	page := &answer[accountPage]{}
	res, err := a.read(ctx, upstream.Request{Path: accountsPath, Query: params}, saysCustomer, page)
	switch {
	case err == nil && (page.refused || !isList(page)):
		return nil, page.unfit(res, "list of accounts")
	case err == nil:
		page.Value.res = res
		return &page.Value, nil
	}
	e := *apierror.Convert(err)
	if e.Code != codes.NotFound {
		return nil, err
	}
	e.Code, e.Reason = codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED
	e.Message = "TelecomX has no such list of accounts: check base_url and customer in this vendor's configuration"
	return nil, &e
}

// customerParam returns the customer parameter of a call, or "". TelecomX then uses the user's own
// customer.
func (a *Adapter) customerParam(named string) string {
	if named != "" {
		return named
	}
	return a.config.Customer
}

// customerOf returns the customer of a call. It is "" if no login has shown the user's own
// customer.
func (a *Adapter) customerOf(named string) string {
	if param := a.customerParam(named); param != "" {
		return param
	}
	own, _ := a.session.user()
	return own
}

// GetDrmAccount calls "GET /iptv/drm/ACCOUNT_ID".
func (a *Adapter) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	ids, err := names.DrmAccount.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	row, err := a.findAccount(ctx, ids[1])
	switch {
	case err != nil:
		return nil, err
	case row == nil || row.Value.Username != ids[1]: // TelecomX may ignore case
		return nil, noAccount(ids[1])
	}
	account, unreadable := a.checked(row.Row, "", pb.DrmAccount_FULL)
	if unreadable != nil {
		return nil, row.res.Complete(unreadable)
	}
	if req.GetView() != pb.DrmAccount_FULL {
		account.Password = "" // any view of a single account has its devices
	}
	return account, nil
}

// A single is the response with one account.
type single struct {
	jsonx.Row[accountRow]
	res *upstream.Response
}

// findAccount returns the account that TelecomX finds by this username, or nil. It removes these
// secrets from its errors. Only the word for an unknown id proves that there is no account.
func (a *Adapter) findAccount(ctx context.Context, username string, secrets ...secret.Text) (*single, error) {
	if username == "." || username == ".." { // not possible in a path, and too short for TelecomX
		return nil, nil
	}
	found := &answer[jsonx.Row[accountRow]]{}
	req := upstream.Request{Path: accountsPath + upstream.Path(username), Secrets: secrets}
	res, err := a.read(ctx, req, saysID, found)
	row := &found.Value
	switch {
	case err != nil && apierror.Convert(err).Code == codes.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case found.refused || row.Value.Username == "":
		return nil, found.unfit(res, "account with a username")
	case !strings.EqualFold(row.Value.Username, username):
		return nil, res.Complete(contradiction("the response has another account than requested"))
	}
	return &single{*row, res}, nil
}

func noAccount(username string) error {
	return apierror.NotFound("TelecomX has no account %q", username)
}
