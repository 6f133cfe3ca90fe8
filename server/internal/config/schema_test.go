package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// TestTheSchemaRefusesMistakes checks the files with mistakes. What only the server can see, is
// listed.
func TestTheSchemaRefusesMistakes(t *testing.T) {
	valid := schemaOf(t, kinds())
	onlyTheServer := []string{
		"two documents", "two documents, one broken", "one address twice",
		"remote listeners without the names of callers", "a client's vendor that the file does not have",
		"a password among its parameters", "a dsn from elsewhere of no known kind", "a dsn from nowhere",
		"a dsn with a line end", "audit events in a folder", "audit events in a folder that is not there",
	}
	for _, bad := range badFiles() {
		var content any
		if yaml.Unmarshal([]byte(bad.source), &content) != nil {
			continue // It is no YAML, or has a key twice.
		}
		if got, want := valid(content), slices.Contains(onlyTheServer, bad.name); got != want {
			t.Errorf("%s: valid by the schema is %v", bad.name, got)
		}
	}
}

// whole is a configuration with all sections, and one with each vendor.
const whole = `
grpc: {listen: "127.0.0.1:9090"}
http: {}
ops: {listen: "127.0.0.1:9464"}
store: {}
canary: {}
archive: {}
auth:
  mode: jwt
  issuer: "https://id.example"
  audience: drmhub
  keys: [{jwks_url: "https://id.example/jwks.json"}, {kid: k1, alg: RS256, public_key: {file: issuer.pem}}]
  limits: {rate: 0, burst: 5}
  oidc: {client_id: c, redirect_url: "https://drmhub.example/console/callback"}
vendors:
  - id: a
    lane: {}
    breaker: {}
    pallycon: {base_url: "https://h", account_id: a, account_seq: "1", service_api_key: {env: ACME_TOKEN}}
  - {id: b, ncp: {base_url: "https://h", access_key: {env: ACME_TOKEN}, secret_key: {env: ACME_TOKEN}}}
  - {id: c, telecomx: {base_url: "https://h", username: u, password: {env: ACME_TOKEN}}}
  - {id: d, amino: {base_url: "https://h", token: {env: ACME_TOKEN}}}
`

// TestTheSchemaAgreesWithTheServer gives each key with bounds the values at its bounds, and others
// their own values.
func TestTheSchemaAgreesWithTheServer(t *testing.T) {
	valid := schemaOf(t, catalogKinds())
	file := filepath.Join(folder(t), "drmhub.yaml")
	try := func(path string, value any, want bool) {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(whole), &content); err != nil {
			t.Fatal(err)
		}
		put(content, path, value)
		text, err := yaml.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(text, file, catalogKinds())
		if accepted := err == nil; accepted != want || valid(content) != want {
			t.Errorf("%s: %v: accepted by the server %v (%v), valid by the schema %v; want %v",
				path, value, accepted, err, valid(content), want)
		}
	}
	bounded := 0
	vendor := map[string]string{"ncp": "1", "telecomx": "2", "amino": "3"}
	Layout(catalogKinds()).walk(func(k *Setting) {
		b := parseBound(k.Tag.Get("range"))
		if b == (bound{}) || k.Kind() == "list" {
			return
		}
		path := strings.Replace(k.Path, "keys[0].kid", "keys[1].kid", 1)
		for kind, n := range vendor {
			path = strings.Replace(path, "[0]."+kind, "["+n+"]."+kind, 1)
		}
		within, outside := b.probes(k.Kind())
		for _, value := range within {
			try(path, value, true)
		}
		for _, value := range outside {
			try(path, value, false)
		}
		bounded++
	})
	if bounded < 30 {
		t.Errorf("only %d keys have bounds", bounded)
	}
	for path, values := range map[string][2]string{
		"grpc.listen": {":0 [::1]:90 a.b:1 127.0.0.1:65535", "127.0.0.1 a_b:1 127.0.0.1:http"},
		"store.dsn": {"sqlite:a@b:c postgres://u@h/d?o=a@b postgres:///d",
			"sqlite: mysql://h postgres://u:p@h/d"},
		"http.allowed_hosts":   {"drm.internal 10.0.0.7 fe80::1 fe80::1%eth0", "a:80 http://a *"},
		"http.allowed_origins": {"https://a.example http://[::1]:3000", "* null https://a.example/ https://A.b a.b"},
		"auth.oidc.redirect_url": {"https://a.b:1/console/callback http://[::1]:1/console/callback",
			"https://a.b/ a.b/console/callback https://a.b/console/callback?x"},
		"vendors[0].id":                        {"a a-1", "A 1 - a_b"},
		"vendors[0].pallycon.base_url":         {"http://127.0.0.1:1 https://a.b", "a.b https://a.b/ ftp://a"},
		"vendors[0].pallycon.license_base_url": {"https://a.b", "a.b https://a.b/x"},
		"vendors[0].pallycon.time_zone":        {"UTC Asia/Seoul", ""},
		"vendors[2].telecomx.customer":         {"0123456789abcdef01234567", "0123"},
		"vendors[3].amino.content_type":        {"application/json;a=b a/b+JSON", "text/html text/json"},
	} {
		for i, list := range values {
			for value := range strings.FieldsSeq(list) {
				if strings.HasPrefix(path, "http.") {
					try(path, []any{value}, i == 0)
					continue
				}
				try(path, value, i == 0)
			}
		}
	}
}

// put sets the value at a path such as vendors[1].ncp.timeout.
func put(section map[string]any, path string, value any) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		name, index, isItem := strings.Cut(strings.TrimSuffix(key, "]"), "[")
		if isItem {
			section = section[name].([]any)[index[0]-'0'].(map[string]any)
			continue
		}
		section = section[name].(map[string]any)
	}
	section[keys[len(keys)-1]] = value
}

// probes returns values at the bounds and within, and values beside them.
func (b bound) probes(kind string) (within, outside []any) {
	switch kind {
	case "duration":
		forms := func(d time.Duration) []any {
			return []any{d.String(), fmt.Sprint(int64(d), "ns"), fmt.Sprint(d.Milliseconds(), "ms")}
		}
		least, most := length(b.least), length(b.most)
		switch {
		case b.above:
			within, outside = append(within, "1ms", "1.5s"), append(outside, "0s", "0", "0h0.0m")
		case least > 0:
			within = append(within, forms(least)...)
			outside = append(outside, fmt.Sprint(int64(least-1), "ns"), fmt.Sprint((least-1).Milliseconds(), ".9ms"))
		}
		if b.zero || least == 0 && !b.above {
			within = append(within, "0s", "0", 0)
		} else {
			outside = append(outside, "0s", 0)
		}
		if most > 0 {
			within = append(within, forms(most)...)
			outside = append(outside, forms(most + time.Millisecond)[1:]...)
			outside = append(outside, fmt.Sprint(int64(most+1), "ns"), "2h")
		}
	case "text":
		within = append(within, "a")
		if b.least != "" {
			outside = append(outside, "")
		}
		if b.most != "" {
			outside = append(outside, strings.Repeat("a", 257))
		}
	default:
		limits := bound{least: b.least, most: b.most}
		s := map[string]any{}
		limits.add(s, "least", "most")
		if least, has := s["least"].(int); has {
			if !b.above {
				within = append(within, least)
				least--
			}
			outside = append(outside, least)
		}
		if most, has := s["most"].(int); has {
			within, outside = append(within, most), append(outside, most+1)
		}
	}
	return within, outside
}

// TestTheSchemaAcceptsTheExamples checks every configuration in the documents and in deploy.
func TestTheSchemaAcceptsTheExamples(t *testing.T) {
	valid := schemaOf(t, catalogKinds())
	found := map[string]int{}
	fence := regexp.MustCompile("(?s)```ya?ml\n(.*?)```")
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "node_modules") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil // It cannot be an example.
		}
		var blocks []string
		switch filepath.Ext(path) {
		case ".md":
			for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
				blocks = append(blocks, m[1])
			}
		case ".yaml", ".yml":
			blocks = append(blocks, string(text))
		}
		for _, block := range blocks {
			if content := example(block); content != nil && accepted(t, content) {
				if found[path]++; !valid(content) {
					t.Errorf("%s: the server accepts this example, and the schema does not:\n%s", path, block)
				}
			}
		}
		return nil
	})
	if err != nil || len(found) < 8 {
		t.Errorf("found examples in %v, %v", slices.Sorted(maps.Keys(found)), err)
	}
}

// example returns the configuration in a text, or in the values of a chart, or nil. What a part of
// a file leaves out, comes from whole.
func example(text string) map[string]any {
	var content, rest map[string]any
	if yaml.Unmarshal([]byte(text), &content) != nil || yaml.Unmarshal([]byte(whole), &rest) != nil {
		return nil
	}
	if values, is := content["config"].(map[string]any); is {
		content = values
	}
	for _, key := range []string{"auth", "vendors"} {
		if _, has := content[key]; !has && len(content) > 0 {
			content[key] = rest[key]
		}
	}
	return content
}

// accepted reports whether the server accepts a configuration where all files and variables are
// there.
func accepted(t *testing.T, content map[string]any) bool {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	_, mistakes := parse(text, filepath.Join(t.TempDir(), "drmhub.yaml"), catalogKinds(), nil, nil)
	return !slices.ContainsFunc(mistakes, func(m Mistake) bool {
		return !strings.Contains(m.Text, "is not set") && !strings.Contains(m.Text, "cannot be")
	})
}
