package syncer

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// rowOf returns a license as a row.
func rowOf(site string, l *pb.License) (archive.Row, error) {
	if l.GetCreateTime() == nil {
		return archive.Row{}, errList("the vendor shows a license of content %q without a time: "+
			"nothing of this response is stored", l.GetContentId())
	}
	at := l.GetCreateTime().GetSeconds()
	if at < archive.MinSecond || at > archive.MaxSecond {
		return archive.Row{}, errList("the vendor shows a license of content %q at %s, before %s or after %s: "+
			"nothing of this response is stored",
			l.GetContentId(), clock(at), clock(archive.MinSecond), clock(archive.MaxSecond))
	}
	row := archive.Row{
		Site: site, Second: at, User: l.GetUserId(), UserMD5: l.GetUserIdMd5(),
		DRM: l.GetDrmType(), Status: l.GetStatus(), Content: l.GetContentId(), Device: l.GetDeviceId(),
		Code: l.GetErrorCode(), Model: l.GetDeviceModel(), Platform: l.GetPlatform(),
		Integration: l.GetIntegrationType(), VendorDRM: l.GetVendorDrmType(), VendorStatus: l.GetVendorStatus(),
	}
	if row.User != "" {
		row.UserMD5 = ""
	}
	return row, nil
}

// bare returns what is compared of a row. A viewer may have been erased, so the viewer is left out.
func bare(row archive.Row) archive.Row {
	row.Key, row.User, row.UserMD5 = 0, "", ""
	return row
}

// minus returns the rows that are not among others, each as often as it is missing there.
func minus(rows, others []archive.Row) (left []archive.Row) {
	count := map[archive.Row]int{}
	for _, row := range others {
		count[bare(row)]++
	}
	for _, row := range rows {
		if b := bare(row); count[b] > 0 {
			count[b]--
		} else {
			left = append(left, row)
		}
	}
	return left
}

// same reports whether both are the same rows, in any order.
func same(a, b []archive.Row) bool { return len(a) == len(b) && len(minus(a, b)) == 0 }

// within returns the rows of a span.
func within(rows []archive.Row, s archive.Span) (some []archive.Row) {
	for _, row := range rows {
		if row.Second >= s.From && row.Second < s.To {
			some = append(some, row)
		}
	}
	return some
}

// errStopped ends a stream whose further rows are not needed.
var errStopped = errors.New("the rest is not needed")

// stream reads the vendor's list, newest first, until take wants no more. ended reports whether the
// list was read to its end. A list that breaks off without its end is an error.
func (p *Pass) stream(
	ctx context.Context, filter *pb.LicenseFilter,
	take func(context.Context, []archive.Row) (stop bool, err error),
) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := &inbox{ctx: ctx}
	var stopped bool
	in.take = func(m *pb.StreamLicensesResponse) error {
		rows := make([]archive.Row, len(m.GetLicenses()))
		for i, l := range m.GetLicenses() {
			if rows[i], err = rowOf(p.Site, l); err != nil {
				return err
			}
		}
		if stopped, err = take(ctx, rows); err != nil {
			return err
		}
		ended = m.GetNextPageToken() == "" && !stopped
		if stopped {
			cancel()
			return errStopped
		}
		return nil
	}
	failed := p.Vendor.StreamLicenses(&pb.StreamLicensesRequest{Parent: p.Site, Filter: filter}, in)
	switch {
	case err != nil:
		return false, err
	case stopped:
		return false, nil
	case failed != nil:
		return false, failed
	case !ended:
		return false, errList("the vendor's list breaks off: what was complete before is kept")
	}
	return true, nil
}

// An inbox is the end of a stream inside this process.
type inbox struct {
	grpc.ServerStream
	ctx  context.Context
	take func(*pb.StreamLicensesResponse) error
}

// Context returns the context of the stream.
func (in *inbox) Context() context.Context { return in.ctx }

// Send takes a message.
func (in *inbox) Send(m *pb.StreamLicensesResponse) error { return in.take(m) }

// SetHeader ignores headers, which nobody reads.
func (in *inbox) SetHeader(metadata.MD) error { return nil }

// SendHeader ignores headers, too.
func (in *inbox) SendHeader(metadata.MD) error { return nil }

// SetTrailer ignores trailers, too.
func (in *inbox) SetTrailer(metadata.MD) {}
