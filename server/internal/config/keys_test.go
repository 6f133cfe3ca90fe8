package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestEveryKeyIsRead(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "drmhub.yaml")
	err := os.WriteFile(file, []byte(`
grpc: {listen: "0.0.0.0:443", tls: &tls {cert: cert.pem, key: key.pem, client_ca: `+dir+`/issuer.pem}}
http: {listen: ":0", tls: *tls, allowed_hosts: [drm.example], allowed_origins: ["https://app.example:8443"]}
ops: {listen: "127.0.0.1:9464"}
auth: {mode: none, allow_remote: true}
store: {dsn: {file: dsn.txt}, keep: 48h, quiet: 5m, digest_key: {file: digest.txt}}
audit: {file: audit.jsonl}
log: {level: debug, format: json}
canary: {interval: 0s}
archive: {enabled: true, dsn: {file: dsn.txt}, interval: 1m, lag: 1h, backfill: 24h, keep: 48h}
vendors:
  - id: a-1
    lane: {reads: 16, writes: 4, queue: 0, max_wait: 0s, requests_per_second: 0.5, timeout: 20s}
    breaker: {failure_rate: 1, min_calls: 5, window: 1m, delay: 10s}
    acme:
      url: "http://a"
      token: {file: token.txt}
      retries: 0
      rate: 2.5
      strict: true
      timeout: 1m30s
      zone: Asia/Seoul
      regions: [KR, "1"]
      proxy: {port: 8}
  - pallycon: {base_url: "http://h", account_id: "acme", account_seq: "77", service_api_key: {env: ACME_TOKEN},
      timeout: 5s, requests_per_second: 0}
    lane: {reads: 1}
    id: pallycon-kr
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(file, kinds())
	if err != nil {
		t.Fatal(err)
	}
	got.Source, got.Content = nil, nil
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	tls := &TLS{Cert: Path(dir + "/cert.pem"), Key: Path(dir + "/key.pem"), ClientCA: Path(dir + "/issuer.pem")}
	digestKey := secret.New(strings.Repeat("s3cr3t", 6))
	account := pallycon.NewConfig()
	account.BaseURL, account.AccountID, account.AccountSeq = "http://h", "acme", "77"
	account.ServiceAPIKey = secret.New("s3cr3t-from-env")
	account.Timeout, account.RequestsPerSecond = new(5*time.Second), new(0.0)
	oneRead := upstream.DefaultLane()
	oneRead.Reads = 1
	want := &Config{
		GRPC: Listener{Listen: "0.0.0.0:443", TLS: tls},
		HTTP: Listener{Listen: ":0", TLS: tls, AllowedHosts: []string{"drm.example"},
			AllowedOrigins: []string{"https://app.example:8443"}},
		Ops:  &Ops{Listen: "127.0.0.1:9464"},
		Auth: Auth{Mode: AuthNone, AllowRemote: true, Leeway: 30 * time.Second, PublicDocs: true},
		Store: Store{
			DSN: NewDSN("postgres://u:s3cr3t@db/d"), DigestKey: &digestKey,
			Keep: 48 * time.Hour, Quiet: 5 * time.Minute,
		},
		Audit: Audit{File: OutFile(dir + "/audit.jsonl")},
		Log:   Log{Level: "debug", Format: "json"},
		Archive: Archive{
			Enabled: true, DSN: NewDSN("postgres://u:s3cr3t@db/d"),
			Interval: time.Minute, Lag: time.Hour, Backfill: 24 * time.Hour, Keep: 48 * time.Hour,
		},
		Vendors: []Vendor{
			{ID: "a-1", Kind: "acme", Settings: &acme{
				URL: "http://a", Token: secret.New("s3cr3t-from-file"), Rate: 2.5, Strict: true,
				Timeout: 90 * time.Second, Zone: seoul, Regions: []string{"KR", "1"}, Proxy: &acmeProxy{Port: 8},
			}, Lane: upstream.Lane{
				Reads: 16, Writes: 4, RequestsPerSecond: 0.5, Timeout: 20 * time.Second,
			}, Breaker: upstream.Breaker{FailureRate: 1, MinCalls: 5, Window: time.Minute, Delay: 10 * time.Second}},
			{
				ID: "pallycon-kr", Kind: "pallycon", Settings: account,
				Lane: oneRead, Breaker: upstream.DefaultBreaker(),
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, part := range []any{got, got.Vendors[0].Settings, got.Vendors[1].Settings, got.Store, got.Store.DSN} {
		if shown := fmt.Sprintf("%+v %#v", part, part); strings.Contains(shown, "s3cr3t") {
			t.Errorf("the configuration prints a secret: %s", shown)
		}
	}
}

func TestEveryKeyOfAuthIsRead(t *testing.T) {
	dir := folder(t)
	source := `
grpc: {tls: {cert: {file: cert.pem}, key: {file: key.pem}, client_ca: issuer.pem}}
auth:
  mode: jwt
  issuer: "https://id.example"
  audience: drmhub
  leeway: 10s
  keys:
    - {kid: k1, alg: HS256, secret: {file: digest.txt}}
    - {kid: k2, alg: RS256, public_key: {file: issuer.pem}}
    - {jwks_url: "https://id.example/jwks.json", refresh: 5m}
    - {jwks_url: "http://127.0.0.1:1/jwks.json"}
  roles: {viewer: ["sites:read"], nobody: []}
  clients:
    - {san: "spiffe://acme/billing", roles: [viewer], vendors: [a]}
    - {san: "urn:acme:billing"}
    - {san: "billing.acme", scopes: ["secrets:read"], vendors: [], sites: ["vendors/a/sites/x%20y"], customers: [c]}
  limits: {rate: 2.5, burst: 5}
  public_docs: false
  oidc: {client_id: c, client_secret: {env: ACME_TOKEN}, redirect_url: "https://drmhub.example/console/callback"}
vendors:
  - id: a
    acme: {url: "http://a", token: {env: ACME_TOKEN}}
`
	got, err := Parse([]byte(source), filepath.Join(dir, "drmhub.yaml"), kinds())
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := os.ReadFile("testdata/issuer.pem")
	if err != nil {
		t.Fatal(err)
	}
	public := PEM(strings.TrimSpace(string(issuer)))
	shared, client := secret.New(strings.Repeat("s3cr3t", 6)), secret.New("s3cr3t-from-env")
	want := Auth{
		Mode: AuthJWT, Issuer: "https://id.example", Audience: "drmhub", Leeway: 10 * time.Second,
		Keys: []Key{
			{KID: "k1", Alg: "HS256", Secret: &shared}, {KID: "k2", Alg: "RS256", PublicKey: &public},
			{JWKSURL: "https://id.example/jwks.json", Refresh: 5 * time.Minute},
			{JWKSURL: "http://127.0.0.1:1/jwks.json", Refresh: 15 * time.Minute},
		},
		Roles: map[string][]string{"viewer": {"sites:read"}, "nobody": {}},
		Clients: []Client{
			{SAN: "spiffe://acme/billing", Roles: []string{"viewer"}, Vendors: []string{"a"}},
			{SAN: "urn:acme:billing"},
			{
				SAN: "billing.acme", Scopes: []string{"secrets:read"}, Vendors: []string{},
				Sites: []string{"vendors/a/sites/x y"}, Customers: []string{"c"},
			},
		},
		Limits: &Limits{Rate: 2.5, Burst: 5},
		OIDC:   &OIDC{ClientID: "c", ClientSecret: &client, RedirectURL: "https://drmhub.example/console/callback"},
	}
	if !reflect.DeepEqual(got.Auth, want) {
		t.Errorf("got  %+v\nwant %+v", got.Auth, want)
	}
	if shown := fmt.Sprintf("%+v %#v", got.Auth, got.Auth); strings.Contains(shown, "s3cr3t") {
		t.Errorf("the configuration prints a secret: %s", shown)
	}
}
