package pallycon_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon/pallycontest"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// twinConfig returns a configuration for a twin with the default account.
func twinConfig() pallycon.Config { return pallycontest.Config() }

// TestEverySettingKeepsTheContract runs the suite with other readings of the guide than the
// defaults. The catalog's test runs it with the defaults. The time zone stays, because the suite's
// days are in UTC.
func TestEverySettingKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		assumed emulator.Assumptions
		set     func(*pallycon.Config)
	}{
		"another reading of everything": {
			emulator.Assumptions{
				ZeroBasedPages: true, CountIsPage: true, ToExclusive: true, ExactSearch: true,
				OnlyEncoding: emulator.EncodingForm, SuccessMessage: "Success.",
				UnauthorizedBody: `{"error":"unauthorized"}`, ForbiddenBody: "<html>forbidden</html>",
				ChangeBesideCode: true, NoChange: emulator.NoChangeText,
			},
			func(c *pallycon.Config) {
				c.PageIndexBase, c.ToInclusive, c.ParameterEncoding = 0, false, pallycon.EncodeForm
			},
		},
		"the count of one page, and parameters in the query": {
			emulator.Assumptions{
				CountIsPage: true, OnlyEncoding: emulator.EncodingQuery, NoChange: emulator.NoChangeList,
			},
			func(c *pallycon.Config) { c.ParameterEncoding = pallycon.EncodeQuery },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := pallycontest.Config()
			c.set(&config)
			adaptertest.Run(t, func(t *testing.T) adaptertest.Harness {
				return pallycontest.HarnessOf(t, c.assumed, config)
			})
		})
	}
}

func TestTimesChooseExactlyInEveryZone(t *testing.T) {
	for _, hours := range []float64{0, 9, -11, 5.75} {
		for _, exclusive := range []bool{false, true} {
			zone := time.FixedZone("zone", int(hours*3600))
			t.Run(fmt.Sprintf("%v hours, exclusive %t", hours, exclusive), func(t *testing.T) {
				wantExactTimes(t, zone, exclusive)
			})
		}
	}
}

// wantExactTimes lists what was issued between any two instants around the midnights of a zone.
func wantExactTimes(t *testing.T, zone *time.Location, exclusive bool) {
	t.Helper()
	const day = 24 * time.Hour
	midnight := time.Date(2024, 3, 1, 0, 0, 0, 0, zone)
	assumed := emulator.Assumptions{Zone: zone, ToExclusive: exclusive}
	vendor := emulator.New(emulator.Options{Assumptions: assumed})
	vendor.PutSites(emulator.Site{SiteID: "DEMO"})
	var held, edges []time.Time
	for _, d := range []time.Duration{-day, -time.Second, 0, time.Second, day - time.Second, day} {
		at := midnight.Add(d)
		held, edges = append(held, at), append(edges, at.Add(-time.Millisecond), at, at.Add(time.Millisecond))
		vendor.PutLicenses("DEMO", emulator.License{CID: "c", DRMType: "NCG", RegTime: at})
	}
	c := twinConfig()
	c.TimeZone, c.ToInclusive = zone, !exclusive
	a := adapterTo(t, c, twin.Transport(vendor))
	for i, start := range edges {
		for _, end := range edges[i+1:] {
			filter := &pb.LicenseFilter{StartTime: timestamppb.New(start), EndTime: timestamppb.New(end)}
			res, err := list(t, a, filter)
			got, want := len(res.GetLicenses()), countBetween(held, start, end)
			if err != nil || got != want {
				t.Errorf("%v: %d rows, want %d; %v", filter, got, want, err)
			}
		}
	}
}

// countBetween counts the instants from start on and before end.
func countBetween(all []time.Time, start, end time.Time) (n int) {
	for _, at := range all {
		if !at.Before(start) && at.Before(end) {
			n++
		}
	}
	return n
}
