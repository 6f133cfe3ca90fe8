package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/bench/internal/program"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// secondFormat is the form of the vendor's times.
const secondFormat = "20060102150405"

// A bareVendor calls the vendor with what the standard library has.
type bareVendor struct {
	url  string
	http http.Client

	mu    sync.Mutex
	token string
	ends  time.Time
}

type vendorSite struct {
	SiteID      string `json:"site_id"`
	ServiceName string `json:"service_name"`
	ProductList []struct {
		ServiceCode string `json:"service_code"`
		StatusCode  string `json:"status_code"`
	} `json:"product_list"`
}

type vendorLicense struct {
	CID          string `json:"cid"`
	Status       string `json:"status"`
	ErrorCode    string `json:"error_code"`
	DRMType      string `json:"drm_type"`
	UserID       string `json:"user_id"`
	DeviceID     string `json:"device_id"`
	DeviceModel  string `json:"device_model"`
	LicenseType  string `json:"license_type"`
	PlatformName string `json:"platform_name"`
	RegTime      string `json:"reg_time"`
}

// serveBare is the bare parts. It prints its addresses, and serves until ctx ends.
func serveBare(ctx context.Context, vendorURL string, out io.Writer) error {
	// The default of two idle connections would open a connection for nearly every call of 32
	// callers.
	v := &bareVendor{url: vendorURL, http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	var listen net.ListenConfig
	overGRPC, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	overREST, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	pb.RegisterSiteServiceServer(s, bareSites{vendor: v})
	pb.RegisterLicenseServiceServer(s, bareLicenses{vendor: v})
	web := &http.Server{Handler: bareREST(v), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() {
		s.Stop()
		_ = web.Close()
	})
	go func() { _ = web.Serve(overREST) }() // Its end shows in failed calls.
	fmt.Fprintln(out, program.Ready(overGRPC.Addr().String(), overREST.Addr().String()))
	return s.Serve(overGRPC)
}

// sites makes the vendor's call for all sites.
func (v *bareVendor) sites(ctx context.Context) ([]vendorSite, error) {
	return ask[vendorSite](ctx, v, "/api/v2/account/siteId?api_code=UC011004100")
}

// licenses makes the vendor's call for a site's licenses.
func (v *bareVendor) licenses(ctx context.Context, site string) ([]vendorLicense, error) {
	query := url.Values{
		"site_id": {site}, "page_unit": {"1000"}, "page_index": {"1"}, "api_code": {"UA003001100"},
	}
	return ask[vendorLicense](ctx, v, "/api/v2/drm/license?"+query.Encode())
}

// ask makes a call to the vendor, and returns its rows.
func ask[Row any](ctx context.Context, v *bareVendor, target string) ([]Row, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+target, http.NoBody)
	if err != nil {
		return nil, err
	}
	token, err := v.signed()
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := v.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		ErrorCode string `json:"error_code"`
		Data      []Row  `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, res.Body) // The connection can then be used again.
	if res.StatusCode != http.StatusOK || answer.ErrorCode != "0000" {
		return nil, errors.New("the vendor refused: HTTP " + res.Status + ", " + answer.ErrorCode)
	}
	return answer.Data, nil
}

// signed returns the token of the vendor's guide, and makes a new one every ten minutes.
func (v *bareVendor) signed() (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Until(v.ends) > time.Minute {
		return v.token, nil
	}
	ends := time.Now().Add(10 * time.Minute)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "PallyConAPI", "aud": "INKA", "iss": "PallyCon", "account_id": emulator.DefaultAccountID,
		"account_seq": emulator.DefaultAccountSeq, "exp": ends.Unix(),
	}).SignedString([]byte(emulator.DefaultServiceAPIKey))
	if err != nil {
		return "", err
	}
	v.token, v.ends = token, ends
	return token, nil
}
