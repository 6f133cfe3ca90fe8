package syncer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

// TestResponsesThatAreCut lets the vendor end its list early, as if it had no more rows.
func TestResponsesThatAreCut(t *testing.T) {
	for _, rows := range []int{0, 1, 2, 7, 30} {
		b := newBench(t)
		b.every(60, start-10*hour, start+days)
		b.pass.Chunk = 20
		b.must(0)
		b.must(600)
		before, final := b.stored(), b.site().Spans
		b.fault = &archivetest.Fault{Rows: rows}
		for range 5 {
			_, err := b.after(600)
			if err == nil && rows < 30 {
				t.Errorf("after %d rows: no error", rows)
			}
			if got := b.stored(); !slices.Equal(got[:len(before)-20], before[:len(before)-20]) {
				t.Errorf("after %d rows: rows are gone", rows)
			}
		}
		if s := b.site(); s.State.Failure == nil && rows < 30 || s.Spans[0].From != final[0].From {
			t.Errorf("after %d rows: %+v", rows, s)
		}
		b.fault = nil
		b.must(600)
		b.must(600)
		if got, want := len(b.stored()), int(10*60+(b.now-start)/60+1); got != want {
			t.Errorf("after %d rows: %d rows are stored, want %d", rows, got, want)
		}
		if s := b.site(); s.State.Failure != nil || len(s.Spans) != 1 {
			t.Errorf("after %d rows: %+v", rows, s)
		}
	}
}

// TestAFirstResponseThatIsCut cuts the responses of the first pass, where nothing final lies below.
func TestAFirstResponseThatIsCut(t *testing.T) {
	for _, rows := range []int{0, 1, 5, 40} {
		b := newBench(t)
		b.every(60, start-10*hour, start+days)
		b.fault = &archivetest.Fault{Rows: rows}
		_, _ = b.after(0)
		b.fault = nil
		for range 8 {
			b.pass.Eager = true
			b.must(300)
		}
		if got, want := len(b.stored()), int(10*60+(b.now-start)/60+1); got != want {
			t.Errorf("after %d rows: %d rows are stored, want %d", rows, got, want)
		}
	}
}

func TestAVendorThatForgets(t *testing.T) {
	for _, known := range []time.Duration{0, 3 * 24 * time.Hour} {
		b := newBench(t)
		b.vendor.Retention, b.pass.History.Retention = 3*24*time.Hour, known
		b.every(hour, start-5*days+1800, start+30*days)
		b.must(0)
		b.must(0)
		if s := b.site(); s.State.Oldest == 0 || s.Spans[0].From < start-3*days || s.Spans[0].From > start-3*days+hour {
			t.Errorf("%+v", s)
		}
		rows := len(b.stored())
		for range 20 {
			b.must(6 * hour)
		}
		if s := b.site(); len(b.stored()) != rows+20*6 || len(s.Spans) != 1 {
			t.Errorf("%d rows, want %d more than %d; %v", len(b.stored()), 20*6, rows, s.Spans)
		}
		// drmhub is down for longer than the vendor keeps a row: what was lost is a hole.
		b.now += 8 * days
		for range 6 {
			_, _ = b.after(300)
		}
		s := b.site()
		if len(s.Spans) != 2 || s.State.Oldest < b.now-3*days-hour {
			t.Errorf("%v, oldest %d days ago", s.Spans, (b.now-s.State.Oldest)/days)
		}
		if got := settings.Remaining(s, time.Unix(b.now, 0)); got != 0 {
			t.Errorf("%v remain, of which the vendor shows nothing", got)
		}
	}
}

func TestAnEmptySite(t *testing.T) {
	b := newBench(t)
	for range 5 {
		b.must(300)
	}
	if s := b.site(); len(s.Spans) != 1 || s.Spans[0].To < b.now-head-900 || s.State.Failure != nil {
		t.Errorf("%+v", s)
	}
	b.add(b.now-60, 0, "first")
	b.must(300)
	b.must(1200)
	b.must(0)
	b.want("first")
	b.covers([2]int64{b.now - b.site().Spans[0].From, head})
}

func TestTheHeadIsNotBelievedAtOnce(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-100*days, start-hour)
	b.every(1, start-600, start)
	b.must(0)
	b.history.Remove(func(r archive.Row) bool { return r.Second >= start-600 })
	rows := len(b.stored())
	if _, err := b.after(60); err == nil || !strings.Contains(err.Error(), "cut response") {
		t.Error(err)
	}
	if len(b.stored()) != rows || b.site().State.Refused != 1 {
		t.Error("rows are gone, or the refusal is not noted")
	}
	if s := b.must(60); len(b.stored()) != rows-600 || s.State.Refused != 0 || s.State.Failure != nil {
		t.Errorf("%d rows of %d: %+v", len(b.stored()), rows, s.State)
	}
}

// A script is a vendor that sends what a test wants.
type script []*pb.StreamLicensesResponse

func (s script) StreamLicenses(
	_ *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	for _, m := range s {
		if err := to.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func TestResponsesThatCannotBe(t *testing.T) {
	row := func(at int64) *pb.License { return archivetest.License(archive.Row{Site: site, Second: at}) }
	for name, c := range map[string]struct {
		vendor adapters.LicenseStreamer
		want   string
	}{
		"no time":      {script{{Licenses: []*pb.License{{ContentId: "c"}}}}, "without a time"},
		"before 2010":  {script{{Licenses: []*pb.License{row(archive.MinSecond - 1)}}}, "2009-12-31"},
		"after 2078":   {script{{Licenses: []*pb.License{row(archive.MaxSecond + 1)}}}, "after"},
		"no end":       {script{{Licenses: []*pb.License{row(start)}, NextPageToken: "x"}}, "breaks off"},
		"no message":   {script{}, "breaks off"},
		"not in order": {script{{Licenses: []*pb.License{row(start - hour), row(start)}}}, "not newest first"},
	} {
		b := newBench(t)
		b.pass.Vendor = c.vendor
		_, err := b.after(0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if e := apierror.Convert(err); e.Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID {
			t.Errorf("%s: %v", name, e.Reason)
		}
		if f := b.site().State.Failure; f == nil || f.Message != apierror.Convert(err).Message {
			t.Errorf("%s: the archive shows %+v", name, f)
		}
		if n := len(b.site().Spans); n != 0 {
			t.Errorf("%s: something is final", name)
		}
	}
}

func TestAPassThatMayNotWriteWritesNothing(t *testing.T) {
	b := newBench(t)
	b.every(hour, start-days, start)
	lost := errors.New("lost")
	b.pass.Hold = func(context.Context) error { return lost }
	if _, err := b.after(0); !errors.Is(err, lost) || len(b.stored()) != 0 {
		t.Errorf("%v, %d rows", err, len(b.stored()))
	}
}
