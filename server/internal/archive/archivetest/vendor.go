package archivetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// A Vendor streams licenses of a vendor that lives in this process: histories that grow while they
// are read, show rows late, forget old ones, and can fail or end early. It shows a row that appears
// during a reading to some readings and not to others, as the contract allows.
type Vendor struct {
	// Now is the vendor's clock. Rows have its time.
	Now func() time.Time
	// Sites are the resource names of the sites, and Source returns their rows.
	Sites  []string
	Source Source
	// Retention is how long a row is shown. 0 means 400 days.
	Retention time.Duration
	// Page is the number of rows of a message. 0 means 1000.
	Page int
	// Fault is asked at each reading. It may be nil, and may return nil.
	Fault func(*pb.StreamLicensesRequest) *Fault
}

// A Source returns the rows of a site in a range, in any order.
type Source func(site string, span archive.Span) []Shown

// A Shown is a row, and the seconds in which the vendor shows it. To 0 means that it stays.
type Shown struct {
	archive.Row
	From, To int64
}

func (s Shown) at(second int64) bool { return s.From <= second && (s.To == 0 || second < s.To) }

// A Fault ends a reading after some rows: with an error, or without one as if no more rows were
// there.
type Fault struct {
	Rows int
	Err  error
}

// StreamLicenses shows the rows of a site, the newest first. Of the filter, it takes the times.
func (v *Vendor) StreamLicenses(
	req *pb.StreamLicensesRequest, stream grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	if !slices.Contains(v.Sites, req.GetParent()) {
		return apierror.NotFound("the vendor has no site %s; nothing was read", req.GetParent())
	}
	var fault *Fault
	if v.Fault != nil {
		fault = v.Fault(req)
	}
	r := reading{
		Vendor: v, began: v.Now().Unix(), span: spanOf(req.GetFilter()), site: req.GetParent(),
		stream: stream, fault: fault,
	}
	if token := req.GetPageToken(); token != "" {
		if _, err := fmt.Sscanf(token, "%d/%d/%d", &r.began, &r.after.second, &r.after.number); err != nil {
			return apierror.Invalid("page_token", "must be the next_page_token of a message")
		}
	}
	return r.run()
}

// spanOf returns the whole seconds of a filter.
func spanOf(f *pb.LicenseFilter) archive.Span {
	span := archive.Span{From: archive.MinSecond, To: archive.MaxSecond + 1}
	if f.GetStartTime() != nil {
		span.From = max(span.From, ceil(f.GetStartTime()))
	}
	if f.GetEndTime() != nil {
		span.To = min(span.To, ceil(f.GetEndTime()))
	}
	return span
}

func ceil(t *timestamppb.Timestamp) int64 {
	if t.GetNanos() > 0 {
		return t.GetSeconds() + 1
	}
	return t.GetSeconds()
}

// A reading is one call. after is the place of the last row sent.
type reading struct {
	*Vendor
	began  int64
	span   archive.Span
	site   string
	stream grpc.ServerStreamingServer[pb.StreamLicensesResponse]
	fault  *Fault
	sent   int
	after  struct{ second, number int64 }
	page   []*pb.License
}

// run goes back through time in steps, since the whole history may be long.
func (r *reading) run() error {
	to := min(r.span.To, r.began+3600)
	if r.after.second > 0 {
		to = min(to, r.after.second+1)
	}
	oldest := max(r.span.From, r.began-r.kept())
	for step := int64(3600); to > oldest && !r.over(); step = min(2*step, 86400) {
		from := max(oldest, to-step)
		if err := r.part(archive.Span{From: from, To: to}); err != nil {
			return err
		}
		to = from
	}
	if r.over() && r.fault.Err != nil {
		return r.fault.Err
	}
	return r.stream.Send(&pb.StreamLicensesResponse{Licenses: r.page})
}

// kept is how many seconds the vendor shows a row.
func (r *reading) kept() int64 { return int64(cmp.Or(r.Retention, 400*24*time.Hour) / time.Second) }

// over reports whether the reading ends here because of a fault.
func (r *reading) over() bool { return r.fault != nil && r.sent >= r.fault.Rows }

// part shows the rows of a part of the range.
func (r *reading) part(span archive.Span) error {
	rows := r.Source(r.site, span)
	slices.SortStableFunc(rows, func(a, b Shown) int { return cmp.Compare(b.Second, a.Second) })
	place := int64(0) // among the rows of the second
	for i, row := range rows {
		place++
		if i == 0 || rows[i-1].Second != row.Second {
			place = 0
		}
		if r.over() {
			return nil
		}
		if r.after.second == row.Second && place <= r.after.number || !r.visible(row, place) {
			continue
		}
		if err := r.show(row, place); err != nil {
			return err
		}
	}
	return nil
}

// visible reports whether the reading shows a row. It shows all rows that were there when it began,
// and half of those that appear while it runs.
func (r *reading) visible(row Shown, place int64) bool {
	now := r.Now().Unix()
	if row.Second < now-r.kept() {
		return false
	}
	return row.at(r.began) || row.at(now) && mix(uint64(row.Second+place+r.began))%2 == 0
}

func (r *reading) show(row Shown, place int64) error {
	r.page = append(r.page, License(row.Row))
	r.sent++
	r.after.second, r.after.number = row.Second, place
	if len(r.page) < cmp.Or(r.Page, 1000) {
		return r.stream.Context().Err()
	}
	token := fmt.Sprintf("%d/%d/%d", r.began, row.Second, place)
	page := r.page
	r.page = nil
	return r.stream.Send(&pb.StreamLicensesResponse{Licenses: page, NextPageToken: token})
}

// License returns a row as a vendor's adapter shows it.
func License(r archive.Row) *pb.License {
	return &pb.License{
		Site: r.Site, ContentId: r.Content, DrmType: r.DRM, VendorDrmType: r.VendorDRM, Status: r.Status,
		ErrorCode: r.Code, UserId: r.User, UserIdMd5: r.UserMD5, DeviceId: r.Device, DeviceModel: r.Model,
		Platform: r.Platform, IntegrationType: r.Integration, VendorStatus: r.VendorStatus,
		CreateTime: &timestamppb.Timestamp{Seconds: r.Second},
	}
}

// Late returns a world as a source. One in twenty rows appears late, by less than lateness seconds.
func Late(w *World, lateness int64) Source {
	var mu sync.Mutex
	hours := map[[2]int64][]Shown{}
	hour := func(site, hour int64) []Shown {
		mu.Lock()
		defer mu.Unlock()
		rows, ok := hours[[2]int64{site, hour}]
		if !ok {
			for i, row := range w.Hour(int(site), hour) {
				shown := Shown{Row: row, From: row.Second}
				if h := mix(uint64(row.Second)*1000003 + uint64(i)); h%20 == 0 {
					shown.From += int64(h>>32) % lateness
				}
				rows = append(rows, shown)
			}
			hours[[2]int64{site, hour}] = rows
		}
		return rows
	}
	return func(site string, span archive.Span) (out []Shown) {
		for h := max(span.From, w.From) / 3600; h*3600 < min(span.To, w.End); h++ {
			for _, row := range hour(int64(slices.Index(w.Sites, site)), h) {
				if within(span, row.Second) {
					out = append(out, row)
				}
			}
		}
		return out
	}
}

// A History is a source whose rows a test sets.
type History struct {
	mu   sync.Mutex
	rows []Shown
}

// Add adds rows that the vendor shows from a second on.
func (h *History) Add(from int64, rows ...archive.Row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range rows {
		h.rows = append(h.rows, Shown{Row: r, From: from})
	}
}

// Remove takes the rows away that remove chooses.
func (h *History) Remove(remove func(archive.Row) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = slices.DeleteFunc(h.rows, func(s Shown) bool { return remove(s.Row) })
}

// Source is the history as a source.
func (h *History) Source(site string, span archive.Span) (out []Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.rows {
		if s.Site == site && within(span, s.Second) {
			out = append(out, s)
		}
	}
	return out
}

// Stream collects what a reading sends.
type Stream struct {
	grpc.ServerStream
	Ctx  context.Context //nolint:containedctx // That of the call.
	Rows []*pb.License
	// Tokens are the tokens of the messages, each at the place of the message's last row.
	Tokens []string
}

// Context returns that of the call.
func (s *Stream) Context() context.Context { return s.Ctx }

// Send keeps a message.
func (s *Stream) Send(m *pb.StreamLicensesResponse) error {
	s.Rows = append(s.Rows, m.GetLicenses()...)
	s.Tokens = append(s.Tokens, make([]string, len(m.GetLicenses()))...)
	if n := len(s.Tokens); n > 0 {
		s.Tokens[n-1] = m.GetNextPageToken()
	}
	return nil
}
