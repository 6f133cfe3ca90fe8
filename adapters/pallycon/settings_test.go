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

// twinConfig is the account of a twin that was given none.
func twinConfig() pallycon.Config { return pallycontest.Config() }

// TestEverySettingKeepsTheContract runs the suite with the readings of the guide that are not the
// defaults, which the catalog's own test has. All but the time zone: the suite's days are those of
// UTC.
func TestEverySettingKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		assumed emulator.Assumptions
		set     func(*pallycon.Config)
	}{
		"another reading of everything": {
			emulator.Assumptions{
				ZeroBasedPages: true, CountIsPage: true, ToExclusive: true, ExactSearch: true, OnlyEncoding: emulator.EncodingForm,
				SuccessMessage: "Success.", UnauthorizedBody: `{"error":"unauthorized"}`, ForbiddenBody: "<html>forbidden</html>",
			},
			func(c *pallycon.Config) {
				c.PageIndexBase, c.ToInclusive, c.ParameterEncoding = 0, false, pallycon.EncodeForm
			},
		},
		"the count of one page, and parameters in the query": {
			emulator.Assumptions{CountIsPage: true, OnlyEncoding: emulator.EncodingQuery},
			func(c *pallycon.Config) { c.ParameterEncoding = pallycon.EncodeQuery },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := pallycontest.Config()
			c.set(&config)
			adaptertest.Run(t, func(t *testing.T) adaptertest.Harness { return pallycontest.HarnessOf(t, c.assumed, config) })
		})
	}
}

func TestTimesChooseExactlyInEveryZone(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{time.UTC, seoul, time.FixedZone("west", -11*3600), time.FixedZone("odd", 5*3600+45*60)} {
		for _, exclusive := range []bool{false, true} {
			vendor := emulator.New(emulator.Options{Assumptions: emulator.Assumptions{Zone: zone, ToExclusive: exclusive}})
			vendor.PutSites(emulator.Site{SiteID: "DEMO"})
			midnight := time.Date(2024, 3, 1, 0, 0, 0, 0, zone)
			var held []time.Time
			for _, d := range []time.Duration{-24 * time.Hour, -time.Second, 0, time.Second, 24*time.Hour - time.Second, 24 * time.Hour} {
				held = append(held, midnight.Add(d))
				vendor.PutLicenses("DEMO", emulator.License{CID: "c", DRMType: "NCG", RegTime: midnight.Add(d)})
			}
			c := twinConfig()
			c.TimeZone, c.ToInclusive = zone, !exclusive
			a := adapterTo(t, c, twin.Transport(vendor))
			var edges []time.Time
			for _, h := range held {
				edges = append(edges, h.Add(-time.Millisecond), h, h.Add(time.Millisecond))
			}
			for i, start := range edges {
				for _, end := range edges[i+1:] {
					want := 0
					for _, h := range held {
						if !h.Before(start) && h.Before(end) {
							want++
						}
					}
					res, err := list(t, a, &pb.LicenseFilter{StartTime: timestamppb.New(start), EndTime: timestamppb.New(end)})
					if got := len(res.GetLicenses()); err != nil || got != want {
						t.Errorf("%s, from %s to %s: %d rows, want %d; %v", fmt.Sprint(zone, exclusive), start.Format(time.RFC3339Nano), end.Format(time.RFC3339Nano), got, want, err)
					}
				}
			}
		}
	}
}
