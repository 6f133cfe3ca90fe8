package archivetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// The vendor has rows of the codes a to e at the seconds 1 to 5, with two equal ones at 3. The row
// of 4 appears at 6.
func TestVendorShows(t *testing.T) {
	const site, base = "vendors/a/sites/1", 1_790_000_000
	var h History
	for i, code := range []string{"a", "b", "c", "c", "d", "e"} {
		second := int64(base + []int{1, 2, 3, 3, 4, 5}[i])
		from := second
		if code == "d" {
			from = base + 6
		}
		h.Add(from, archive.Row{Site: site, Second: second, Code: code})
	}
	h.Remove(func(r archive.Row) bool { return r.Code == "e" })
	down := errors.New("down")
	for name, c := range map[string]struct {
		at        int64
		from, to  int64
		fault     *Fault
		retention time.Duration
		want      string
		fails     bool
	}{
		"all":                     {at: 10, want: "dccba"},
		"what has appeared":       {at: 5, want: "ccba"},
		"a range":                 {at: 10, from: 2, to: 4, want: "ccb"},
		"what it still keeps":     {at: 10, retention: 7 * time.Second, want: "dcc"},
		"a part, as if it is all": {at: 10, fault: &Fault{Rows: 2}, want: "dc"},
		"nothing":                 {at: 10, fault: &Fault{}, want: ""},
		"a part, and then fails":  {at: 10, fault: &Fault{Rows: 3, Err: down}, want: "dc", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			v := Vendor{
				Now: func() time.Time { return time.Unix(base+c.at, 0) }, Sites: []string{site}, Source: h.Source,
				Retention: c.retention, Page: 2, Fault: func(*pb.StreamLicensesRequest) *Fault { return c.fault },
			}
			req := &pb.StreamLicensesRequest{Parent: site, Filter: &pb.LicenseFilter{}}
			if c.to > 0 {
				req.Filter.StartTime = &timestamppb.Timestamp{Seconds: base + c.from}
				req.Filter.EndTime = &timestamppb.Timestamp{Seconds: base + c.to}
			}
			got, err := readVendor(t, &v, req)
			if got != c.want || c.fails != errors.Is(err, down) {
				t.Errorf("the vendor shows %q, %v, want %q", got, err, c.want)
			}
			if c.fault == nil {
				tokens(t, &v, req, c.want)
			}
		})
	}
}

func readVendor(t *testing.T, v *Vendor, req *pb.StreamLicensesRequest) (codes string, err error) {
	s := &Stream{Ctx: t.Context()}
	err = v.StreamLicenses(req, s)
	for _, l := range s.Rows {
		codes += l.GetErrorCode()
	}
	return codes, err
}

// tokens reads on after each message. The parts must be the whole.
func tokens(t *testing.T, v *Vendor, req *pb.StreamLicensesRequest, want string) {
	t.Helper()
	for _, token := range messages(t, v, req) {
		req.PageToken = token.after
		rest, err := readVendor(t, v, req)
		if err != nil || token.rows+rest != want {
			t.Errorf("%q, and %q after the token, %v: want %q", token.rows, rest, err, want)
		}
	}
}

type message struct{ rows, after string }

// messages returns what was shown up to each message with a token.
func messages(t *testing.T, v *Vendor, req *pb.StreamLicensesRequest) (out []message) {
	s := &Stream{Ctx: t.Context()}
	_ = v.StreamLicenses(req, s)
	codes := ""
	for i, l := range s.Rows {
		codes += l.GetErrorCode()
		if i < len(s.Tokens) && s.Tokens[i] != "" {
			out = append(out, message{codes, s.Tokens[i]})
		}
	}
	return slices.Clip(out)
}
