package config

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/drmhub/drmhub/adapters/catalog"
)

func catalogKinds() Kinds {
	all := Kinds{}
	for _, k := range catalog.Kinds {
		all[k.Name] = k.Settings
	}
	return all
}

// TestEveryKeyHasAVariable resolves the variable of every key, and finds no other key by it.
func TestEveryKeyHasAVariable(t *testing.T) {
	all, taken := Layout(catalogKinds()), map[string]string{}
	all.walk(func(k *Setting) {
		if other, again := taken[k.Variable()]; again {
			t.Errorf("%s is both %s and %s", k.Variable(), other, k.Path)
		}
		taken[k.Variable()] = k.Path
		way, found := all.resolve(strings.TrimPrefix(k.Variable(), prefix))
		if k != all && !strings.Contains(k.Path, "*[") && (found != k || pathOf(way) != k.Path) {
			t.Errorf("%s: %s is %v", k.Path, k.Variable(), pathOf(way))
		}
		if links.MatchString(k.Variable()) {
			t.Errorf("%s looks like a variable of Kubernetes", k.Variable())
		}
	})
	if len(taken) < 80 {
		t.Errorf("%d keys", len(taken))
	}
}

// TestTheEnvironmentSaysTheSame reads each setting from a file, and from variables over another
// file or without a file.
func TestTheEnvironmentSaysTheSame(t *testing.T) {
	const plain = "auth: {mode: none}\nvendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]\n"
	for file, of := range map[string]struct {
		file string // that the variables are set over
		set  map[string]string
	}{
		plain: {"", map[string]string{
			"AUTH_MODE": "none", "VENDORS_0_ID": "a",
			"VENDORS_0_ACME_URL": "u", "VENDORS_0_ACME_TOKEN": "s3cr3t-from-env",
			"SERVICE_HOST": "10.0.0.1", "PORT_9090_TCP": "tcp://x", "GRPC_SERVICE_PORT": "9090", // of Kubernetes
		}},
		plain + "grpc: {listen: \"127.0.0.1:1\"}\nstore: {keep: 48h}\nlog: {level: debug}\n": {
			plain + "log: {level: warn}\n",
			map[string]string{"GRPC_LISTEN": "127.0.0.1:1", "STORE_KEEP": "48h", "LOG_LEVEL": "debug"}},
		plain + "store: {dsn: {file: dsn.txt}}\n" +
			"http: {allowed_hosts: [a.example, b.example], tls: {cert: cert.pem, key: key.pem}}": {
			plain, map[string]string{"STORE_DSN": "{file: dsn.txt}", "HTTP_ALLOWED_HOSTS": "a.example, b.example",
				"HTTP_TLS_CERT": "cert.pem", "HTTP_TLS_KEY": "key.pem"}},
		"auth: {mode: none}\nvendors: [{id: b, acme: {url: \"1\", token: {file: token.txt}, retries: 5, rate: 1.5, " +
			"strict: true, timeout: 1m, zone: Asia/Seoul, regions: [KR, \"1\"], quota: 2, tries: 2.5, " +
			"proxy: {port: 8}}}]\n" +
			"canary: {interval: 0}\n": {
			plain, map[string]string{"VENDORS_0_ID": "b", "VENDORS_0_ACME": "{url: \"1\", token: {file: token.txt}}",
				"VENDORS_0_ACME_RETRIES": "5", "VENDORS_0_ACME_RATE": "1.5", "VENDORS_0_ACME_STRICT": "true",
				"VENDORS_0_ACME_TIMEOUT": "1m", "VENDORS_0_ACME_ZONE": "Asia/Seoul", "VENDORS_0_ACME_REGIONS": "KR,1",
				"VENDORS_0_ACME_QUOTA": "2", "VENDORS_0_ACME_TRIES": "2.5", "VENDORS_0_ACME_PROXY_PORT": "08",
				"CANARY_INTERVAL": "0"}},
	} {
		dir := folder(t)
		path := filepath.Join(dir, "drmhub.yaml")
		want, err := Parse([]byte(file), path, kinds())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(of.set)) {
			t.Setenv(prefix+name, of.set[name])
		}
		got, mistakes := parse([]byte(of.file), path, kinds(), nil, os.Environ())
		if mistakes != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v\ngot  %+v\nwant %+v", of.set, mistakes, got, want)
		}
		for name := range of.set {
			os.Unsetenv(prefix + name)
		}
	}
}

func TestMistakesInTheEnvironment(t *testing.T) {
	dir := folder(t)
	const plain = "auth: {mode: none}\nhttp: &h {listen: \"127.0.0.1:1\"}\n" +
		"vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]\n"
	for _, row := range []struct{ file, variable, value, want string }{
		{plain, "DRMHUB_GRPC_LISTEN", "hunter2", "DRMHUB_GRPC_LISTEN: grpc.listen: must be host:port, for example"},
		{plain, "DRMHUB_GRPC_LISTN", "hunter2", "sets no key of the configuration; did you mean DRMHUB_GRPC_LISTEN?"},
		{plain, "DRMHUB_VENDORS_1_ACME_URLS", "hunter2", "did you mean DRMHUB_VENDORS_1_ACME_URL?"},
		{plain, "DRMHUB_WHATEVER_ELSE", "hunter2", "DRMHUB_WHATEVER_ELSE: sets no key of the configuration: unset it"},
		{plain, "DRMHUB_VENDORS_2_ID", "c", "DRMHUB_VENDORS_2_ID: vendors[2].id: the list has 1 items"},
		{plain, "DRMHUB_VENDORS_1_ID", "c", "DRMHUB_VENDORS_1_ID: vendors[1]: has no vendor's section"},
		{plain, "DRMHUB_VENDORS_0_ACME_RETRIES", "many", "vendors[0].acme.retries: must be a whole"},
		{plain, "DRMHUB_VENDORS_0_ACME_TOKEN", "", "the environment variable DRMHUB_VENDORS_0_ACME_TOKEN is empty"},
		{plain, "DRMHUB_HTTP_TLS_CERT", "cert.pem", "DRMHUB_HTTP_TLS_CERT: http.tls.key: is missing"},
		{plain, "DRMHUB_LOG", "{level: hunter2}", "DRMHUB_LOG: log.level: there is no such level"},
		{plain, "DRMHUB_STORE_DSN", "postgres://u:hunter2%te@h/db", "store.dsn: is not a valid URL: write %25 for %"},
		{plain, "DRMHUB_STORE_DSN", "postgres://u:hunter2/a@h/db", "store.dsn: is not a valid URL"},
		{plain, "DRMHUB_STORE_DSN", "sqlite://hunter2.db", "store.dsn: must be sqlite:FILE"},
		{plain, "DRMHUB_STORE_DSN", "sqlite:::memory:", "store.dsn: must be sqlite:FILE"},
		{"", "DRMHUB_AUTH_MODE", "none", "drmhub.yaml:1: vendors: must list at least one vendor"},
		{plain + "auth: {}\n", "DRMHUB_AUTH_MODE", "none", "drmhub.yaml:4: auth: appears twice"},
	} {
		t.Setenv(row.variable, row.value)
		_, mistakes := parse([]byte(row.file), filepath.Join(dir, "drmhub.yaml"), kinds(), nil, os.Environ())
		os.Unsetenv(row.variable)
		if !strings.Contains(mistakes.Error(), row.want) || strings.Contains(mistakes.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", row.variable, mistakes, row.want)
		}
	}
}
