package usage_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
	"github.com/drmhub/drmhub/server/internal/usage"
)

const site = "vendors/v/sites/s"

// seoul and the others are the zones of tests.
var seoul, chicago = location("Asia/Seoul"), location("America/Los_Angeles")

func location(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func at(text string) int64 {
	t, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

// october holds rows as "time user device outcome", with "-" for none. Their months are in UTC.
const october = `
2026-09-30T16:00 early d1 ok
2026-09-30T23:00 alice d1 ok
2026-10-01T00:00 alice d1 ok
2026-10-02T10:00 bob   d2 ok
2026-10-02T10:00 bob   d2 ok
2026-10-03T10:00 carol d3 fail
2026-10-03T11:00 bob   d2 fail
2026-10-20T10:00 -     d2 ok
2026-10-31T14:00 alice d1 ok
2026-10-31T15:30 dave  d4 ok
2026-11-01T00:00 erin  d5 ok
2026-11-01T06:00 frank d5 ok`

const refusedWithoutUser = `
2026-10-05T10:00 alice d1 ok
2026-10-06T10:00 -     d1 fail
2026-10-25T10:00 bob   d2 ok`

const lateWithoutUser = `
2026-10-05T10:00 alice d1 ok
2026-10-25T10:00 -     d1 ok`

// ledger returns a ledger of these rows, with final spans.
func ledger(t *testing.T, rows string, zone *time.Location, rule adapters.Counting, state archive.State,
	spans ...archive.Span,
) usage.Ledger {
	t.Helper()
	m := archivetest.NewMemory()
	if err := m.SetZone(t.Context(), site, zone); err != nil {
		t.Fatal(err)
	}
	r := archive.Replacement{Site: site, Span: archive.Span{From: at("2026-09-01T00:00"), To: at("2026-12-01T00:00")}}
	for line := range strings.Lines(strings.TrimSpace(rows)) {
		words := strings.Fields(strings.ReplaceAll(line, " -", " \x00"))
		for i, w := range words {
			words[i] = strings.Trim(w, "\x00")
		}
		row := archive.Row{Site: site, Second: at(words[0]), User: words[1], Device: words[2]}
		row.Status = pb.License_SUCCESS
		if words[3] == "fail" {
			row.Status = pb.License_FAILURE
		}
		r.Rows = append(r.Rows, row)
	}
	if _, err := m.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := m.SetState(t.Context(), site, state); err != nil {
		t.Fatal(err)
	}
	s, err := m.Site(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	s.Spans = spans
	return usage.NewLedger(m, s, &adapters.History{TimeZone: zone, Counting: rule})
}

var whole = archive.Span{From: at("2026-09-01T00:00"), To: at("2026-12-01T00:00")}

// TestExplain compares claims about October 2026 with the archive's 6 licenses, 3 users and 3
// devices.
func TestExplain(t *testing.T) {
	drift := archive.State{Drift: []archive.Drift{{
		Span: archive.Span{From: at("2026-10-02T00:00"), To: at("2026-10-03T00:00")}, Archived: 2, Vendor: 1,
	}}}
	twice := archive.State{Drift: append([]archive.Drift{{
		Span: archive.Span{From: at("2026-10-02T10:00"), To: at("2026-10-02T11:00")}, Archived: 2, Vendor: 1,
	}}, drift.Drift...)}
	gap := []archive.Span{{From: whole.From, To: at("2026-10-20T00:00")}, {From: at("2026-10-21T00:00"), To: whole.To}}
	for name, c := range map[string]struct {
		rule  adapters.Counting
		state archive.State
		spans []archive.Span
		zone  *time.Location
		rows  string // october, if it is empty
		claim string // "licenses users devices [date]", with "-" for what is not claimed
		// want has a line for each reason: its figures, and the rows in dispute of each figure that
		// is claimed.
		want string
	}{
		"equal":            {claim: "6 3 3"},
		"equal, in part":   {claim: "- 3 -"},
		"with the refused": {claim: "8 4 4", want: "FAILURES_COUNTED -2 -1 -1: 2 1 1"},
		"without the refused": {rule: adapters.Counting{Failures: true}, claim: "6 3 3",
			want: "FAILURES_COUNTED 2 1 1: 2 1 1",
		},
		"licenses with the refused": {claim: "8 3 3", want: "FAILURES_COUNTED -2 0 0: 2 0 0"},
		"one line with the refused": {claim: "- - 4", want: "FAILURES_COUNTED 0 0 -1: - - 1"},
		"a user without an id":      {claim: "6 4 3", want: "USERS_WITHOUT_ID 0 -1 0: 0 1 0"},
		"no user without an id": {rule: adapters.Counting{MissingUser: true}, claim: "6 3 3",
			want: "USERS_WITHOUT_ID 0 1 0: 0 1 0",
		},
		"in Seoul": {claim: "7 3 2", want: "OTHER_TIME_ZONE -1 0 1: 3 0 1"},
		"in Seoul, with the refused": {claim: "9 4 3",
			want: "FAILURES_COUNTED -2 -1 -1: 2 1 1\nOTHER_TIME_ZONE -1 0 1: 3 0 1",
		},
		"as in Seoul, beside a gap": {spans: gap, claim: "7 3 2",
			want: "INCOMPLETE_COVERAGE -1 0 0: 1 0 0\nUNEXPLAINED 0 0 1: 0 0 0",
		},
		"in UTC":      {zone: seoul, claim: "6 3 3", want: "OTHER_TIME_ZONE 1 0 -1: 3 0 1"},
		"up to a day": {claim: "4 2 2 2026-10-20", want: "VENDOR_FIGURE_EARLIER 2 1 1: 2 1 1"},
		"up to a day, and more": {claim: "9 2 2 2026-10-20",
			want: "VENDOR_FIGURE_EARLIER 2 1 1: 2 1 1\nUNEXPLAINED -5 0 0: 0 0 0",
		},
		"up to a day, in Seoul": {claim: "5 3 2 2026-10-02",
			want: "VENDOR_FIGURE_EARLIER 3 1 1: 3 1 1\nOTHER_TIME_ZONE -2 -1 0: 2 1 0",
		},
		"up to a day, as the whole month in Seoul": {claim: "7 3 2 2026-10-20",
			want: "VENDOR_FIGURE_EARLIER 2 1 1: 2 1 1\nUSERS_WITHOUT_ID 0 -1 0: 0 1 0\n" +
				"UNEXPLAINED -3 0 0: 0 0 0",
		},
		"up to a day, with a refused request without a user": {
			rows: refusedWithoutUser, rule: adapters.Counting{MissingUser: true}, claim: "1 1 1 2026-10-20",
			want: "VENDOR_FIGURE_EARLIER 1 1 1: 1 1 1",
		},
		"up to a day before the only license without a user": {
			rows: lateWithoutUser, rule: adapters.Counting{MissingUser: true}, claim: "1 1 1 2026-10-20",
			want: "VENDOR_FIGURE_EARLIER 1 1 0: 1 1 0",
		},
		"up to a day before the only license without a user, and a user more": {
			rows: lateWithoutUser, claim: "1 2 1 2026-10-20",
			want: "VENDOR_FIGURE_EARLIER 1 0 0: 1 0 0\nUNEXPLAINED 0 -1 0: 0 0 0",
		},
		"up to the last": {claim: "6 3 3 2026-10-31"},
		"drift":          {state: drift, claim: "5 3 3", want: "DRIFT 1 0 0: 2 0 0"},
		"drift of a day and of an hour in it": {state: twice, claim: "4 3 3",
			want: "DRIFT 1 0 0: 2 0 0\nUNEXPLAINED 1 0 0: 0 0 0",
		},
		"a gap":              {spans: gap, claim: "26 13 23", want: "INCOMPLETE_COVERAGE -20 -10 -20: 1 1 1"},
		"less, beside a gap": {spans: gap, claim: "2 2 2", want: "UNEXPLAINED 4 1 1: 0 0 0"},
		"nothing archived": {spans: []archive.Span{}, claim: "26 3 3",
			want: "INCOMPLETE_COVERAGE -20 0 0: 6 0 0",
		},
		"no reason": {claim: "26 3 1", want: "UNEXPLAINED -20 0 2: 0 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			zone, spans := c.zone, c.spans
			if zone == nil {
				zone = time.UTC
			}
			if spans == nil {
				spans = []archive.Span{whole}
			}
			l := ledger(t, cmp.Or(c.rows, october), zone, c.rule, c.state, spans...)
			count, err := l.Month(t.Context(), 202610)
			if err != nil {
				t.Fatal(err)
			}
			claim := usage.Claim{}
			for i, word := range strings.Fields(c.claim) {
				if i == 3 {
					claim.Date = word
				} else if word != "-" {
					claim.Has[i] = true
					_, _ = fmt.Sscan(word, &claim.Figures[i])
				}
			}
			why, err := l.Explain(t.Context(), count, claim, time.Unix(whole.To, 0))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range why {
				f := x.Figures
				line := fmt.Sprintf("%s %d %d %d:", x.Reason, f[0], f[1], f[2])
				for figure, has := range claim.Has {
					n, rows, err := l.Disputed(t.Context(), figure, []usage.Explanation{x}, 1)
					if err != nil || len(rows) != int(min(n, 1)) {
						t.Errorf("%d of %d rows, %v", len(rows), n, err)
					}
					if line += fmt.Sprint(" ", n); !has {
						line = line[:strings.LastIndex(line, " ")] + " -"
					}
				}
				got = append(got, line)
				if !strings.HasSuffix(x.Message, ".") {
					t.Errorf("the message %q is no sentence", x.Message)
				}
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
		})
	}
}

func TestMonths(t *testing.T) {
	for _, c := range []struct {
		month     usage.Month
		zone      *time.Location
		from, to  string // in UTC
		now, last string
	}{
		{202610, time.UTC, "2026-10-01T00:00", "2026-11-01T00:00", "2026-11-29T22:00", "2026-10-31"},
		{202612, time.UTC, "2026-12-01T00:00", "2027-01-01T00:00", "2026-12-31T23:59", "2026-12-31"},
		{202611, seoul, "2026-10-31T15:00", "2026-11-30T15:00", "2026-11-29T22:00", "2026-11-30"},
		{202611, seoul, "2026-10-31T15:00", "2026-11-30T15:00", "2026-10-31T15:00", "2026-11-01"},
		{202611, seoul, "2026-10-31T15:00", "2026-11-30T15:00", "2026-10-31T14:59", ""},
		{202611, chicago, "2026-11-01T07:00", "2026-12-01T08:00", "2026-11-01T06:00", ""},
		{200803, location("Africa/Cairo"), "2008-02-29T22:00", "2008-03-31T22:00", "2009-01-01T00:00", "2008-03-31"},
		// Midnight does not exist on the first of this month.
		{198204, location("Asia/Baghdad"), "1982-03-31T21:00", "1982-04-30T21:00", "2009-01-01T00:00", "1982-04-30"},
		{198205, location("Asia/Baghdad"), "1982-04-30T21:00", "1982-05-31T20:00", "2009-01-01T00:00", "1982-05-31"},
	} {
		want := archive.Span{From: at(c.from), To: at(c.to)}
		if got := c.month.Span(c.zone); got != want {
			t.Errorf("%s in %s is [%s, %s)", c.month, c.zone, time.Unix(got.From, 0).UTC(), time.Unix(got.To, 0).UTC())
		}
		if got := c.month.LastDay(time.Unix(at(c.now), 0), c.zone); got != c.last {
			t.Errorf("the last day of %s is %q, want %q", c.month, got, c.last)
		}
	}
}

func TestReadCSV(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"all columns": {"site,metric,quantity,unit_price,currency\nDEMO,LICENSES,15,0.0125,USD\n",
			"2 vendors/v/sites/DEMO LICENSES 15 0.0125 USD"},
		"as a spreadsheet writes it": {
			"\ufeffCurrency;Unit Price;QUANTITY;Metric;Site;note\r\nEUR;2;0;mau;\"a;b\";\"x\r\ny\"\r\n" +
				";;7;devices;vendors/v/sites/a%2Fb;\r\n",
			"2 vendors/v/sites/a;b USERS 0 2 EUR, 4 vendors/v/sites/a%2Fb DEVICES 7  "},
		"an id with a slash":   {"site,metric,quantity\na/b%,MAD,1", "2 vendors/v/sites/a%2Fb%25 DEVICES 1  "},
		"thousands":            {"site,metric,quantity\ns,MAL,\"1,500\"", "line 2, column 3 (quantity)"},
		"thousands with dots":  {"site;metric;quantity\ns;MAL;1.500", "line 2, column 3 (quantity)"},
		"a sign":               {"site,metric,quantity\ns,MAL,+5", "line 2, column 3 (quantity)"},
		"too many":             {"site,metric,quantity\ns,MAL,2147483648", "line 2, column 3 (quantity)"},
		"nothing in a cell":    {"site,metric,quantity\ns,MAL,", "line 2, column 3 (quantity)"},
		"a decimal comma":      {"site;metric;quantity;unit_price\ns;MAL;1;0,5", "line 2, column 4 (unitprice)"},
		"a currency's sign":    {"site,metric,quantity,currency\ns,MAL,1,$", "line 2, column 4 (currency)"},
		"another metric":       {"site,metric,quantity\ns,MAL,1\n\ns,DAU,1", "line 4, column 2 (metric)"},
		"another vendor":       {"site,metric,quantity\nvendors/w/sites/s,MAL,1", "line 2, column 1 (site)"},
		"all sites":            {"site,metric,quantity\n-,MAL,1", "line 2, column 1 (site)"},
		"no such name":         {"site,metric,quantity\nvendors/v/s,MAL,1", "line 2, column 1 (site)"},
		"a cell too many":      {"site,metric,quantity\ns,MAL,1,2", "line 2"},
		"a quote":              {"site,metric,quantity\ns,\"MAL,1", "line 2"},
		"a column is missing":  {"site,metric\ns,MAL", "line 1: has no column quantity"},
		"a column comes twice": {"site,metric,quantity,Quantity\ns,MAL,1,1", "line 1: has the column"},
		"names alone":          {"site,metric,quantity\n", "has no line"},
		"nothing":              {"\ufeff", "holds nothing"},
		"too many lines": {
			"site,metric,quantity\n" + strings.Repeat("s,MAL,1\n", 1001), "has more than 1000 lines",
		},
	} {
		lines, at, err := usage.ReadCSV("v", c.text)
		var all []string
		for i, l := range lines {
			all = append(all, fmt.Sprintf("%d %s %s %d %s %s", at[i],
				l.GetSite(), l.GetMetric(), l.GetQuantity(), l.GetUnitPrice(), l.GetCurrency()))
		}
		got := strings.Join(all, ", ")
		if err != nil {
			got = err.Error()[:min(len(c.want), len(err.Error()))]
		}
		if got != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("site,metric,quantity,unit_price,currency\nDEMO,LICENSES,15,0.0125,USD\n")
	f.Add("\ufeffsite;metric;quantity\n\"a\";MAL;1")
	f.Fuzz(func(t *testing.T, text string) {
		lines, at, err := usage.ReadCSV("v", text)
		if err == nil && (len(lines) == 0 || len(lines) != len(at)) {
			t.Errorf("%q: %d lines at %v", text, len(lines), at)
		}
	})
}

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		quantity    int64
		price, want string
	}{
		{80, "0.0125", "1"},
		{-1, "0.0125", "-0.0125"},
		{3, "0.1", "0.3"},
		{0, "5", "0"},
		{0, "0.000", "0"},
		{10, "1", "10"},
		{-2147483648, "999999999999.999999999", "-2147483647999999999997.852516352"},
		{7, "00.50", "3.5"},
	} {
		if got := usage.Amount(c.quantity, c.price); got != c.want {
			t.Errorf("%d × %s = %s, want %s", c.quantity, c.price, got, c.want)
		}
	}
}
