package pallycon

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteOrderRow is an element of data in "Get Status of Additional Site Request".
type siteOrderRow struct {
	Seq         int64  `json:"seq"`
	AccountID   string `json:"account_id"`
	SiteID      string `json:"site_id"`
	ServiceName string `json:"service_name"`
	Status      string `json:"status"`
	UpdateTime  string `json:"update_time"`
	RegTime     string `json:"reg_time"`
}

func (r siteOrderRow) identity() (kind, field, id string) { return "site order", "seq", number(r.Seq) }

func (r siteOrderRow) times() []jsonx.Time {
	return []jsonx.Time{{Text: r.RegTime, Path: "reg_time"}, {Text: r.UpdateTime, Path: "update_time"}}
}

const siteOrderPath = "/account/siteId/approve"

// CreateSiteOrder is "Request Additional Service Site", which takes only a name. PallyCon decides
// on it later.
//
// A lost request is read back from the list: if it arrived, the list has a new order of that name.
func (a *Adapter) CreateSiteOrder(
	ctx context.Context, req *pb.CreateSiteOrderRequest,
) (*pb.SiteOrder, error) {
	order := req.GetSiteOrder()
	switch {
	case order.GetDisplayName() == "":
		return nil, apierror.Invalid("site_order.display_name", "must be set: the name of the new site")
	case order.GetPolicyId() != "":
		return nil, apierror.Invalid("site_order.policy_id", "must be empty: PallyCon takes no policy with an order")
	case order.GetFairplayCertificate() != nil:
		return nil, apierror.Invalid("site_order.fairplay_certificate",
			"must not be set: PallyCon takes no certificate with an order; register it for the new site")
	}
	name := order.GetDisplayName()
	ofThisName := func(ctx context.Context) ([]*pb.SiteOrder, error) { return a.siteOrdersOf(ctx, name) }
	before, err := mutation.SnapshotNames(ctx, "before", ofThisName)
	if err != nil {
		return nil, err
	}
	pending := func() *pb.SiteOrder { return &pb.SiteOrder{DisplayName: name, State: pb.SiteOrder_PENDING} }
	return mutation.DoCreate(ctx, mutation.Create[*pb.SiteOrder]{
		Step: "order", Before: before, Preview: pending,
		List: func(ctx context.Context) ([]*pb.SiteOrder, error) { return a.newSiteOrdersOf(ctx, name, before) },
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.SiteOrder, error) {
			post, params := call{siteOrderPath, "UA010310200"}, url.Values{"service_name": {name}}
			response, err := change[*siteOrderRow](ctx, a, http.MethodPost, post, params)
			if err != nil {
				return nil, err
			}
			ordered := pending()
			if response.Data != nil && response.Data.Seq > 0 {
				ordered.Name = a.siteOrderName(response.Data.Seq)
			}
			if ordered.GetName() == "" || slices.Contains(before, ordered.GetName()) {
				return nil, apierror.OutcomeUnknown(
					"Outcome unknown: PallyCon reported success without the seq of a new order" + mutation.RetryAdvice)
			}
			return ordered, nil
		},
	})
}

// ListSiteOrders is "Get Status of Additional Site Request". PallyCon takes one search condition,
// and may match substrings. So it is sent the most selective condition, and the whole filter is
// applied to every row here.
func (a *Adapter) ListSiteOrders(
	ctx context.Context, req *pb.ListSiteOrdersRequest,
) (*pb.ListSiteOrdersResponse, error) {
	params, match, err := a.siteOrderSearch(req.GetFilter())
	if err != nil {
		return nil, err
	}
	list := a.siteOrderList(params, match)
	rows, next, err := list.Page(ctx, req)
	if err != nil {
		return nil, err
	}
	res := &pb.ListSiteOrdersResponse{NextPageToken: next, TotalSize: list.Total()}
	for _, row := range rows {
		res.SiteOrders = append(res.SiteOrders, a.siteOrder(row.Row))
	}
	return res, nil
}

// GetSiteOrder returns one order of the list. PallyCon has no call for one.
func (a *Adapter) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	ids, err := names.SiteOrder.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	found, err := findRow(ctx, a.siteOrderList(url.Values{}, nil), ids[1])
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, apierror.NotFound("PallyCon's account has no site order %q", ids[1])
	}
	return a.siteOrder(*found), nil
}

// newSiteOrdersOf returns the orders of a name that were not there before. It fails if the name of
// one of them was garbled.
func (a *Adapter) newSiteOrdersOf(ctx context.Context, name string, before []string) ([]*pb.SiteOrder, error) {
	orders, err := a.siteOrdersOf(ctx, name)
	if err != nil {
		return nil, err
	}
	orders = mutation.NotIn(before, orders)
	for _, order := range orders {
		if order.GetDisplayName() != name {
			return nil, unreadable("the site order "+order.GetName()+", which may be the wanted one,",
				&jsonx.Misfit{Path: "service_name", Expected: "text without U+FFFD"})
		}
	}
	return orders, nil
}

// siteOrdersOf returns all orders of a name, and those whose name was garbled and may be this one.
// It fails if a row that cannot be read may be one of them.
func (a *Adapter) siteOrdersOf(ctx context.Context, name string) ([]*pb.SiteOrder, error) {
	list := a.siteOrderList(url.Values{}, func(row listed[siteOrderRow]) (bool, error) {
		shown := row.Row.ServiceName
		return row.meets(condition{name, shown}) || jsonx.MayBe(shown, name), nil
	})
	list.Check = func(row listed[siteOrderRow]) error {
		if row.Row.Seq > 0 && row.Row.ServiceName == name {
			return nil // The rest of the row does not matter.
		}
		return row.unreadable
	}
	rows, err := list.All(ctx)
	if err != nil {
		return nil, err
	}
	orders := make([]*pb.SiteOrder, len(rows))
	for i, row := range rows {
		orders[i] = a.siteOrder(row.Row)
	}
	return orders, nil
}

func (a *Adapter) siteOrderList(
	params url.Values, match func(listed[siteOrderRow]) (bool, error),
) *listing.Numbered[listed[siteOrderRow]] {
	return numbered(a, call{siteOrderPath, "UA010310100"}, params, match)
}

// siteOrderSearch returns the vendor's search for a filter, and a function that applies the filter
// to a row. The function is nil if every row is wanted.
func (a *Adapter) siteOrderSearch(
	f *pb.SiteOrderFilter,
) (params url.Values, match func(listed[siteOrderRow]) (bool, error), err error) {
	params = url.Values{}
	if f.GetStartDate()+f.GetEndDate()+f.GetVendorStatus()+f.GetAccountId()+f.GetSiteId() == "" {
		return params, nil, nil
	}
	for _, d := range []struct{ field, date string }{{"start_date", f.GetStartDate()}, {"end_date", f.GetEndDate()}} {
		if d.date != "" && !isDay(d.date) {
			return nil, nil, apierror.Invalid("filter."+d.field, "must be a valid date, YYYY-MM-DD")
		}
	}
	a.setPeriod(params, f.GetStartDate(), f.GetEndDate())
	if s := f.GetVendorStatus(); s != "" {
		params.Set("req_status", s)
	}
	switch {
	case f.GetSiteId() != "":
		params.Set("search_type", "site_id")
		params.Set("search_keyword", f.GetSiteId())
	case f.GetAccountId() != "":
		params.Set("search_type", "account_id")
		params.Set("search_keyword", f.GetAccountId())
	}
	return params, func(row listed[siteOrderRow]) (bool, error) { return matchSiteOrder(f, row) }, nil
}

// matchSiteOrder applies a filter to a row.
func matchSiteOrder(f *pb.SiteOrderFilter, l listed[siteOrderRow]) (bool, error) {
	row := l.Row
	if !l.meets(condition{f.GetSiteId(), row.SiteID}, condition{f.GetAccountId(), row.AccountID},
		condition{f.GetVendorStatus(), row.Status}) {
		return false, nil
	}
	isReadable := l.unreadable == nil // Otherwise the row is refused.
	if f.GetStartDate()+f.GetEndDate() == "" || !isReadable {
		return true, nil
	}
	// Both the filter's days and reg_time are in the vendor's zone.
	ordered, ok := jsonx.ParseTime(row.RegTime, time.UTC)
	if !ok || ordered.IsZero() {
		return false, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon's order %d cannot be filtered by date: its reg_time is no time", row.Seq)
	}
	day := ordered.Format(dayFormat)
	return f.GetStartDate() <= day && (f.GetEndDate() == "" || day <= f.GetEndDate()), nil
}

func (a *Adapter) siteOrder(row siteOrderRow) *pb.SiteOrder {
	order := &pb.SiteOrder{
		Name:         a.siteOrderName(row.Seq),
		DisplayName:  row.ServiceName,
		AccountId:    row.AccountID,
		State:        siteOrderState(row.Status),
		VendorStatus: row.Status,
		CreateTime:   a.localTime(row.RegTime),
		UpdateTime:   a.localTime(row.UpdateTime),
	}
	if row.SiteID != "" {
		order.Site = a.siteName(row.SiteID)
	}
	return order
}

func (a *Adapter) siteOrderName(seq int64) string {
	return names.SiteOrder.Name(a.id, strconv.FormatInt(seq, 10))
}

// siteOrderStates are states by the beginnings of words. The guide names no value of the status.
var siteOrderStates = map[string]pb.SiteOrder_State{
	"request": pb.SiteOrder_PENDING, "wait": pb.SiteOrder_PENDING, "pending": pb.SiteOrder_PENDING,
	"approv": pb.SiteOrder_APPROVED,
	"reject": pb.SiteOrder_REJECTED, "deny": pb.SiteOrder_REJECTED,
	"denied": pb.SiteOrder_REJECTED, "cancel": pb.SiteOrder_REJECTED,
}

// siteOrderState returns the one state that a status has words of. It is unspecified if the words
// are of several states, such as "approval requested", or if there is a "not".
func siteOrderState(status string) pb.SiteOrder_State {
	var found pb.SiteOrder_State
	noLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	for _, word := range strings.FieldsFunc(strings.ToLower(status), noLetter) {
		if word == "not" {
			return pb.SiteOrder_STATE_UNSPECIFIED
		}
		for begins, state := range siteOrderStates {
			switch {
			case !strings.HasPrefix(word, begins):
			case found == pb.SiteOrder_STATE_UNSPECIFIED:
				found = state
			case found != state:
				return pb.SiteOrder_STATE_UNSPECIFIED
			}
		}
	}
	return found
}

// localTime reads a time in the vendor's zone. It returns nil for an unreadable time: an order that
// was made must not look like a failure.
func (a *Adapter) localTime(s string) *timestamppb.Timestamp {
	t, ok := jsonx.ParseTime(s, a.config.TimeZone)
	if !ok || t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
