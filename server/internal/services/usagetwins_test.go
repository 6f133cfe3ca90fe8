package services_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp"
	ncptwin "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pallycontwin "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A requested is a license request, for both twins.
type requested struct {
	at           time.Time
	user, device string
	refused      bool
}

// requests returns many requests around the begin of each of these months, and some in between.
func requests(months ...time.Time) (all []requested) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, begin := range months {
		for range 300 {
			r := requested{
				at:   begin.Add(time.Duration(random.IntN(40*3600)-20*3600) * time.Second),
				user: fmt.Sprint("user", random.IntN(25)), device: fmt.Sprint("device", random.IntN(40)),
				refused: random.IntN(5) == 0,
			}
			if random.IntN(9) == 0 {
				r.user = "LICENSETOKEN"
			}
			if r.at.Before(time.Now().Add(-time.Minute)) {
				all = append(all, r, r) // Equal rows are real.
			}
		}
	}
	return all
}

// twins returns accounts at both vendors with a license history, whose twins hold these requests
// and whose months are those of a zone.
func twins(t *testing.T, zone *time.Location, rows []requested) []vendors.Vendor {
	t.Helper()
	pc := pallycontwin.New(pallycontwin.Options{Assumptions: pallycontwin.Assumptions{Zone: zone}})
	pc.PutSites(pallycontwin.Site{SiteID: "DEMO"})
	nv := ncptwin.New(ncptwin.Options{Assumptions: ncptwin.Assumptions{Zone: zone}})
	nv.PutSites(ncptwin.Site{SiteID: "demo", SiteName: "demo", Enabled: true})
	for _, r := range rows {
		p := pallycontwin.License{UserID: r.user, DeviceID: r.device, RegTime: r.at, CID: "c", DRMType: "Widevine"}
		n := ncptwin.License{UserID: r.user, DeviceID: r.device, CreatedTime: r.at, ContentID: "abc"}
		n.DRMType = "Widevine"
		if r.refused {
			p.Status, p.ErrorCode, n.LicenseStatus = pallycontwin.StatusFail, "7011", ncptwin.StatusFail
		}
		pc.PutLicenses("DEMO", p)
		nv.PutLicenses("demo", n)
	}
	pcConfig, nvConfig := pallycon.NewConfig(), ncp.NewConfig()
	pcConfig.BaseURL, pcConfig.TimeZone = "http://pallycon.invalid", zone
	pcConfig.AccountID, pcConfig.AccountSeq = pallycontwin.DefaultAccountID, pallycontwin.DefaultAccountSeq
	pcConfig.ServiceAPIKey = secret.New(pallycontwin.DefaultServiceAPIKey)
	nvConfig.BaseURL, nvConfig.TimeZone = "http://ncp.invalid", zone
	nvConfig.AccessKey = secret.New(ncptwin.DefaultAccessKey)
	nvConfig.SecretKey = secret.New(ncptwin.DefaultSecretKey)
	pcAdapter, err := pallycon.New("pc", *pcConfig, upstream.Connection{Transport: twin.Transport(pc)})
	if err != nil {
		t.Fatal(err)
	}
	nvAdapter, err := ncp.New("nv", *nvConfig, upstream.Connection{Transport: twin.Transport(nv)})
	if err != nil {
		t.Fatal(err)
	}
	return []vendors.Vendor{
		{ID: "pc", Kind: "pallycon", Adapter: pcAdapter}, {ID: "nv", Kind: "ncp", Adapter: nvAdapter},
	}
}

// keep reads the license history of a site into an archive.
func keep(t *testing.T, engine archive.Engine, zone *time.Location, all []vendors.Vendor, site string) {
	t.Helper()
	conn, _ := serve(t, all...)
	stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{Parent: site})
	if err != nil {
		t.Fatal(err)
	}
	r := archive.Replacement{
		Site: site, Span: archive.Span{From: archive.MinSecond, To: time.Now().Unix()}, Final: true,
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range m.GetLicenses() {
			r.Rows = append(r.Rows, archive.Row{
				Site: site, Second: l.GetCreateTime().GetSeconds(), User: l.GetUserId(), UserMD5: l.GetUserIdMd5(),
				Device: l.GetDeviceId(), Status: l.GetStatus(), Code: l.GetErrorCode(),
			})
		}
	}
	if err := engine.SetZone(t.Context(), site, zone); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
