package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// acme is a vendor's configuration with a field of every type that a vendor may use.
type acme struct {
	URL     string         `yaml:"url" required:"true" range:"1.."`
	Token   secret.Text    `yaml:"token" required:"true"`
	Retries int            `yaml:"retries" range:"0.."`
	Rate    float64        `yaml:"rate"`
	Strict  bool           `yaml:"strict"`
	Timeout time.Duration  `yaml:"timeout"`
	Zone    *time.Location `yaml:"zone"`
	Regions []string       `yaml:"regions"`
	Quota   *float64       `yaml:"quota"`
	Proxy   *acmeProxy     `yaml:"proxy"`
	Tries   *float64       `yaml:"tries"`
	Cache   string         // no key
}

type acmeProxy struct {
	Port int `yaml:"port"`
}

func (a *acme) Check(report func(key, problem string)) {
	if a.URL == "" {
		report("url", "is missing")
	}
	if a.Token.IsZero() {
		report("token", "is missing")
	}
	if a.Retries < 0 {
		report("retries", "must not be negative")
	}
}

func kinds() Kinds {
	return Kinds{
		"acme":     func() any { return &acme{Retries: 3, Zone: time.UTC} },
		"pallycon": func() any { return pallycon.NewConfig() },
	}
}

// folder holds the files that the tests' configurations name, and sets their environment.
func folder(t testing.TB) string {
	t.Setenv("ACME_TOKEN", "s3cr3t-from-env")
	t.Setenv("ACME_EMPTY", "")
	t.Setenv("ACME_LINE", "s3cr3t-from-env\r\n")
	t.Setenv("ACME_BLANK", " s3cr3t-from-env")
	dir := t.TempDir()
	issuer, err := os.ReadFile("testdata/issuer.pem")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"token.txt": "s3cr3t-from-file\r\n", "dsn.txt": "postgres://u:s3cr3t@db/d\n", "empty.txt": "\n",
		"digest.txt": strings.Repeat("s3cr3t", 6), "tab.txt": "s3cr3t\t\n",
		"cert.pem": "certificate", "key.pem": "private", "issuer.pem": string(issuer),
		"huge.txt": strings.Repeat("x", maxFileSize+1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const least = `
auth: {mode: none}
vendors:
  - id: a
    acme: {url: "http://a", token: {env: ACME_TOKEN}}
`

// A twin on this machine needs no protection from too many requests.
func TestTheLimitOfTheRate(t *testing.T) {
	for url, want := range map[string]float64{
		"https://vendor.example": 10, "https://127.0.0.1.vendor.example": 10,
		"http://127.0.0.1:7001": 0, "http://localhost:7001": 0, "http://[::1]:7001": 0,
	} {
		for lane, limit := range map[string]float64{"{}": want, "{requests_per_second: 10}": 10, "{reads: 4}": want} {
			account := fmt.Sprintf("lane: %s\n    pallycon: {base_url: %q, account_id: a, account_seq: s, %s}",
				lane, url, "service_api_key: {env: ACME_TOKEN}")
			file := strings.Replace(least, `acme: {url: "http://a", token: {env: ACME_TOKEN}}`, account, 1)
			got, err := Parse([]byte(file), filepath.Join(folder(t), "drmhub.yaml"), kinds())
			if err != nil {
				t.Fatal(err)
			}
			if got := got.Vendors[0].Lane.RequestsPerSecond; got != limit {
				t.Errorf("%s with the lane %s: %v requests per second, want %v", url, lane, got, limit)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	got, err := Parse([]byte(least), filepath.Join(folder(t), "drmhub.yaml"), kinds())
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		GRPC:  Listener{Listen: "127.0.0.1:9090"},
		HTTP:  Listener{Listen: "127.0.0.1:8080"},
		Auth:  Auth{Mode: AuthNone, Leeway: 30 * time.Second, PublicDocs: true},
		Store: Store{DSN: NewDSN("sqlite:drmhub.db"), Keep: 720 * time.Hour, Quiet: time.Minute},
		Log:   Log{Level: "info"}, Canary: Canary{Interval: 5 * time.Minute},
		Archive: Archive{
			DSN: NewDSN("sqlite:drmhub-archive.db"), Interval: 5 * time.Minute, Lag: 15 * time.Minute,
			Backfill: 2160 * time.Hour, Keep: 9528 * time.Hour,
		},
		Vendors: []Vendor{{
			ID: "a", Kind: "acme",
			Settings: &acme{URL: "http://a", Token: secret.New("s3cr3t-from-env"), Retries: 3, Zone: time.UTC},
			Lane: upstream.Lane{
				Reads: 32, Writes: 8, Queue: 64, MaxWait: 2 * time.Second,
				RequestsPerSecond: 10, Timeout: 30 * time.Second,
			},
			Breaker: upstream.Breaker{FailureRate: 0.5, MinCalls: 20, Window: 30 * time.Second, Delay: 5 * time.Second},
		}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

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

func TestDSNsInTheFile(t *testing.T) {
	for _, dsn := range []string{
		"sqlite:drmhub.db", "sqlite:/var/lib/a b%.db", "sqlite:mail@example:x.db", "sqlite::memory:",
		"postgres://db/drmhub", "postgresql://u@db:5432/drmhub?sslmode=verify-full",
		"postgres:///drmhub?host=/run/postgresql",
	} {
		got, err := Parse([]byte(`store: {dsn: "`+dsn+`"}`+least), folder(t)+"/drmhub.yaml", kinds())
		if err != nil {
			t.Errorf("%s is refused:\n%v", dsn, err)
		} else if got.Store.DSN.Reveal() != dsn || got.Store.Keep != 720*time.Hour {
			t.Errorf("%s: %s, kept %v", dsn, got.Store.DSN.Reveal(), got.Store.Keep)
		}
	}
}

func TestReadStore(t *testing.T) {
	file := filepath.Join(folder(t), "drmhub.yaml")
	read := func(source string) (Store, error) {
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadStore(file)
	}
	const broken = "\nauth: {mode: hunter2}\nstorage: {}\nvendors: [{id: a, acme: {token: {env: ACME_ABSENT}}}]"
	for source, dsn := range map[string]string{
		`store: {dsn: "sqlite:other.db"}` + broken: "sqlite:other.db",
		broken: "sqlite:drmhub.db",
	} {
		if got, err := read(source); err != nil || got.DSN.Reveal() != dsn || got.Quiet != time.Minute {
			t.Errorf("%s: %+v, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{
		`store: {dsn: "mysql://db"}` + broken: ":1: store.dsn: must be sqlite:FILE",
		"store: 5" + broken:                   ":1: store: must be a mapping",
		"store: [" + broken:                   "this is not YAML",
	} {
		_, err := read(source)
		if mistakes, _ := errors.AsType[Errors](err); len(mistakes) != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s alone", source, err, want)
		}
	}
	if _, err := ReadStore(filepath.Join(t.TempDir(), "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestModeNoneListensOnLoopbackOnly(t *testing.T) {
	dir := folder(t)
	for address, loopback := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "LocalHost:0": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "192.0.2.1:1": false,
		"example.com:1": false, "localhost.example.com:1": false,
	} {
		_, err := Parse([]byte(`grpc: {listen: "`+address+`"}`+least), dir+"/drmhub.yaml", kinds())
		refused := err != nil && strings.Contains(err.Error(), ":1: grpc.listen: auth.mode none lets everybody in")
		if loopback && err != nil || !loopback && !refused {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestReadNamesAnUnreadableFile(t *testing.T) {
	_, err := Read(filepath.Join(t.TempDir(), "absent.yaml"), kinds())
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "absent.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestAFieldOfAnotherTypePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a field of type chan is accepted")
		}
	}()
	type oddSettings struct {
		C chan int `yaml:"c"`
	}
	odd := Kinds{"odd": func() any { return &oddSettings{} }}
	_, _ = Parse([]byte("vendors: [{id: a, odd: {c: 1}}]"), "drmhub.yaml", odd)
}

func FuzzParse(f *testing.F) {
	dir := folder(f)
	f.Add([]byte(least))
	for _, bad := range badFiles() {
		f.Add([]byte(bad.source))
	}
	valid := schemaOf(f, kinds())
	f.Fuzz(func(t *testing.T, source []byte) {
		config, err := Parse(source, dir+"/drmhub.yaml", kinds())
		if err == nil {
			var content any
			if yaml.Unmarshal(source, &content) == nil && !valid(content) {
				t.Errorf("the server accepts what the schema does not: %s", source)
			}
			if len(config.Vendors) == 0 || config.Auth.Mode == "" {
				t.Errorf("accepted, though unusable: %+v", config)
			}
			return
		}
		mistakes, ok := errors.AsType[Errors](err)
		if !ok || len(mistakes) == 0 || config != nil {
			t.Fatalf("want mistakes and nothing else, got %+v and %v", config, err)
		}
		if lines := strings.Count(err.Error(), "\n") + 1; lines != len(mistakes) {
			t.Errorf("%d mistakes on %d lines:\n%v", len(mistakes), lines, err)
		}
		for _, m := range mistakes {
			if m.Line < 1 || m.Text == "" {
				t.Errorf("a mistake without line or text: %+v", m)
			}
		}
	})
}
