package app_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino"
	aminotwin "github.com/drmhub/drmhub/adapters/amino/emulator"
	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	telecomx "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// demo is a site of "acme", which is PallyCon.
const demo = "vendors/acme/sites/DEMO"

func newPallyCon() *emulator.Emulator {
	e := emulator.New(emulator.Options{Clock: twin.FrozenClock(time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC))})
	drm := func(status string) []emulator.Product {
		return []emulator.Product{{ServiceCode: emulator.ServiceDRM, StatusCode: status}}
	}
	e.PutSites(
		emulator.Site{SiteID: "DEMO", ServiceName: "Demo", Products: drm(emulator.StateInService)},
		emulator.Site{SiteID: "OFFL", ServiceName: "Off", Products: drm(emulator.StateSuspended)},
	)
	for i := range 120 {
		row := emulator.License{
			CID: "bigbuckbunny", DRMType: "Widevine", UserID: "u@example.com",
			DeviceID: "d/1", DeviceModel: "ChromeCDM-Windows-2", LicenseType: "token", PlatformName: "Windows",
			RegTime: time.Date(2026, 3, 2, 0, 0, i, 0, time.UTC),
		}
		if i%10 == 0 {
			row.Status, row.ErrorCode, row.UserID = emulator.StatusFail, "7011", "refused"
		}
		e.PutLicenses("DEMO", row)
	}
	return e
}

// furnish gives "acme" the rest of what an account holds.
func furnish(_ *testing.T, h *testServer) { fill(h.twin) }

// furnishAnew is furnish, with a vendor that refuses to show a service's change before the first
// one.
func furnishAnew(t *testing.T, h *testServer) {
	furnish(t, h)
	h.twin.ShowNoChange(emulator.NoChangeError)
}

func fill(e *emulator.Emulator) {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 12, 0, 0, 0, time.UTC) }
	e.PutSiteOrders(
		emulator.SiteOrder{Seq: 41, ServiceName: "Shorts", RegTime: day(1)},
		emulator.SiteOrder{
			Seq: 42, ServiceName: "Demo", SiteID: "DEMO", Status: emulator.OrderApproved,
			RegTime: day(2), UpdateTime: day(2),
		},
	)
	e.PutMembers(emulator.Member{MemberSeq: 7, MemberEmail: "anna@example.com", RegTime: day(1)})
	e.PutPackagings("DEMO", emulator.Packaging{CID: "bigbuckbunny", CreatedTime: day(1), UpdateTime: day(2)})
	e.PutIntegration("DEMO", emulator.Integration{
		SiteKey: "c2l0ZWtleQ==", AccessKey: "accesskey", KMSToken: "kmstoken", IV: "0123456789abcdef",
		TokenDuration: 10 * time.Minute,
	})
}

// fairPlayRequest returns a certificate with serial number 42, its encrypted private key, and the
// rest.
func fairPlayRequest(t *testing.T, password string) *pb.RegisterFairPlayCertificateRequest {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert := selfSigned(t, key, x509.Certificate{Subject: pkix.Name{CommonName: "FairPlay Streaming"}})
	//nolint:staticcheck // Apple's instructions make the key in this form.
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key),
		[]byte(password), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	return &pb.RegisterFairPlayCertificateRequest{
		Name: demo, Certificate: cert, PrivateKey: pem.EncodeToMemory(block),
		KeyPassword: password, ApplicationSecretKey: "000102030405060708090a0b0c0d0e0f",
	}
}

// mySite is the site of NAVER Cloud's example in "Disable site".
const mySite = "vendors/ncp/sites/drm-20231101082316-dJDGa"

var deniedByNCP = ncp.New(ncp.Options{}).GatewayFault(ncp.PermissionDenied)

// withNCP adds the vendor "ncp".
func withNCP(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.ncp = newNCP(now)
		h.add(t, "ncp", "ncp", h.ncp.Twin)
	}
}

// newNCP returns a twin with the sites and licenses of the examples. Its clock shows now, which the
// gateway compares with the time of a request.
func newNCP(now time.Time) *ncp.Emulator {
	e := ncp.New(ncp.Options{Clock: twin.FrozenClock(now)})
	e.PutPolicies(ncp.Policy{PolicyID: 7, PolicyName: "Rental"})
	for _, site := range []ncp.Site{ // not in the order of their ids
		{SiteID: "drm-20240101000000-onOnO", SiteName: "switched_on", Enabled: true},
		{SiteID: "drm-20231101082316-dJDGa", SiteName: "myDrmTest", Status: ncp.StatusReady, Enabled: true},
		{SiteID: "drm-20231115142326-nHyNw", SiteName: "watched", Enabled: true},
		{SiteID: "drm-20240102000000-crCrC", SiteName: "creating", Status: ncp.StatusCreating},
	} {
		site.CreatedTime, site.UpdatedTime = time.UnixMilli(1696817889000), time.UnixMilli(1696817889000)
		e.PutSites(site)
	}
	row := ncp.License{
		ContentID: "myFirst-Drm-cnt", DRMType: "Widevine", UserIDMD5: "d41d8cd98f00b204e9800998ecf8427e",
		DeviceID: "23abfd802575758cb3bfdc147e819fc6", DeviceModel: "ChromeCDM-Mac-ARM64-9",
		PlatformName: "PLATFORM_MAC_OS",
	}
	for _, at := range []string{
		"20231120085603", "20231120085625", "20231120085658", "20231120085658", "20231120095732",
	} {
		row.CreatedTime, _ = time.Parse("20060102150405", at)
		e.PutLicenses("drm-20231115142326-nHyNw", row)
	}
	refused := row
	refused.ContentID, refused.UserID, refused.UserIDMD5 = "second", "viewer-1", ""
	refused.LicenseStatus, refused.CreatedTime = ncp.StatusFail, time.Date(2023, 11, 21, 0, 0, 0, 0, time.UTC)
	recent := row
	recent.CreatedTime = now
	e.PutLicenses("drm-20231115142326-nHyNw", refused, recent)
	e.PutLicenses("drm-20240101000000-onOnO", recent)
	return e
}

const (
	// donald is the account of TelecomX's example in "IPTV : DRM : List".
	donald    = "vendors/telecomx/drmAccounts/donald@duck.com"
	household = "60d21b4667d0d8992e610c85" // a customer who may have one account
	business  = telecomx.DefaultCustomerID
)

var deniedByTelecomX = telecomx.New(telecomx.Options{}).Refusal(403, "access_denied")

// withTelecomX adds the vendor "telecomx".
func withTelecomX(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.telecomx = newTelecomX(now)
		h.add(t, "telecomx", "telecomx", h.telecomx.Twin)
	}
}

// newTelecomX returns a twin with the documented account and others. Its clock shows now. The
// devices of Daisy were bound just now.
func newTelecomX(now time.Time) *telecomx.Emulator {
	e := telecomx.New(telecomx.Options{Clock: twin.FrozenClock(now)})
	e.PutCustomers(telecomx.Customer{ID: household, Features: []string{telecomx.FeaturePrivate}})
	e.PutAccounts(
		telecomx.Account{
			Username: "donald@duck.com", Password: "vgh38gy3uvhebv",
			Created: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC),
			Devices: []telecomx.Device{
				{ID: "12345678901234567890AAAA", Type: telecomx.DeviceIOS, Model: "iPhone 6", Name: "Donalds mobile"},
				{ID: "12345678901234567890BBBB", Type: telecomx.DeviceWeb, Model: "Chrome"},
			},
		},
		telecomx.Account{
			Username: "daisy@duck.com", Password: "daisys-password", Created: now,
			Devices: []telecomx.Device{
				{ID: "12345678901234567890CCCC", Type: telecomx.DeviceAndroid},
				{ID: "12345678901234567890DDDD", Type: telecomx.DeviceAndroid},
			},
		},
		telecomx.Account{Username: "one-and-only", Password: "the-only-password", Customer: household, Created: now},
	)
	return e
}

const (
	aminoVendor = "vendors/amino"
	movies      = aminoVendor + "/products/movies"
	sports      = aminoVendor + "/products/sports"
	owned       = aminoVendor + "/productLicenses"
)

var throttledByAmino = aminotwin.Refusal(429, "", "")

// withAmino adds the vendor "amino", which updates products.
func withAmino(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.amino = newAmino(now)
		h.add(t, "amino", "amino", h.amino.Twin).(*amino.Config).ProductUpdates = true
	}
}

// newAmino returns a twin with two products and four licenses. Its clock shows now.
func newAmino(now time.Time) *aminotwin.Emulator {
	e := aminotwin.New(aminotwin.Options{
		Clock: twin.FrozenClock(now), Assumptions: aminotwin.Assumptions{ProductUpdates: true},
	})
	movies := aminotwin.Product{ID: "movies", Name: "Movies", Buyable: true, Visible: true}
	sports := aminotwin.Product{ID: "sports", Name: "Sports", Buyable: true, Recurring: true}
	movies.PriceAmount, movies.PriceCurrency = 999, "EUR"
	sports.PriceAmount, sports.PriceCurrency = 1499, "EUR"
	e.PutProducts(movies, sports)
	for _, l := range []aminotwin.License{
		{ID: "L1", UserID: "ann", ProductID: "movies", OrderID: "o-1"},
		{ID: "L2", UserID: "ann", ProductID: "sports", OrderID: "o-2", Status: aminotwin.StatusSuspendedAdmin},
		{ID: "L3", UserID: "bob", ProductID: "movies", OrderID: "o-3", StopDate: now.Add(-time.Hour)},
		{ID: "L4", UserID: "eve", ProductID: "sports", OrderID: "o-4"},
	} {
		l.StartDate = now.Add(-24 * time.Hour)
		e.PutLicenses(l)
	}
	return e
}

// twoOfEach adds the missing kinds, and a second account of every kind.
func twoOfEach(t *testing.T, h *testServer) {
	now := time.Now()
	for _, option := range []func(*testing.T, *testServer){furnish, withNCP(now), withTelecomX(now), withAmino(now)} {
		option(t, h)
	}
	second := newPallyCon()
	fill(second)
	h.add(t, "b-pallycon", "pallycon", second.Twin)
	h.add(t, "b-ncp", "ncp", newNCP(now).Twin)
	h.add(t, "b-telecomx", "telecomx", newTelecomX(now).Twin)
	h.add(t, "b-amino", "amino", newAmino(now).Twin)
}
