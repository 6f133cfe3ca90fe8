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
