package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// plain is a vendor in which nothing is wrong, for files whose mistakes are elsewhere.
const plain = `
auth: {mode: none}
vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]`

// badFiles are files and every line of their error, without the file's name; DIR stands for the
// file's folder. Each holds the text "hunter2" wherever a secret may end up, and no error may show
// it.
var badFiles = []struct{ name, source, want string }{
	{"empty", "", `
1: auth.mode: is required: jwt (callers present a token) or none (no authentication, loopback only)
1: vendors: must name one vendor at least: an id, and the vendor's section`},
	{"comments alone", "# nothing\n---\n", `
1: auth.mode: is required: jwt (callers present a token) or none (no authentication, loopback only)
1: vendors: must name one vendor at least: an id, and the vendor's section`},
	{"no mapping", "- a", `1: must be a mapping of keys to values`},
	{"empty lists and sections", "auth:\nvendors: []\ngrpc: {}", `
1: auth: is empty: give it a value, or leave the key out
2: vendors: must name one vendor at least: an id, and the vendor's section`},
	{"no YAML", "auth: {mode: none}\nvendors: [hunter2\ngrpc: {}", `1: this is not YAML, here or soon after: did not find expected ',' or ']'`},
	{"password that starts with a star", "vendors:\n  - acme: {token: *hunter2}", `1: text that starts with * must be in quotes`},
	{"two documents", plain + "\n---\nhunter2", `4: a second YAML document starts here: the configuration must be one`},
	{"two documents, one broken", plain + "\n---\n[hunter2", `4: this is not YAML, here or soon after: did not find expected ',' or ']'`},

	{"unknown keys", `
grcp: {}
http: {lisen: "127.0.0.1:1", x: 1}
auth: {mode: none, <<: {}}
vendors:
  - id: a
    acme: {url: u, token: {env: ACME_TOKEN}, retry_budget: 1, proxy: {prt: 1}, token:hunter2, cache: hunter2}
`, `
2: grcp: unknown key; did you mean grpc?
3: http.lisen: unknown key; did you mean listen?
3: http.x: unknown key; known here: listen, tls
4: auth.?: this key is no plain name, and not shown: is the space after its colon missing?
7: vendors[0].acme.?: this key is no plain name, and not shown: is the space after its colon missing?
7: vendors[0].acme.cache: unknown key; known here: proxy, rate, regions, retries, strict, timeout, token, url, zone
7: vendors[0].acme.proxy.prt: unknown key; did you mean port?
7: vendors[0].acme.retry_budget: unknown key; known here: proxy, rate, regions, retries, strict, timeout, token, url, zone`},
	{"duplicate keys", plain + `
grpc: {listen: "127.0.0.1:1",
  listen: hunter2}
auth: {mode: jwt}`, `
5: grpc.listen: is there twice, first on line 4: keep one
6: auth: is there twice, first on line 2: keep one`},
	{"wrong types", `
grpc: 5
http: {listen: 8080, tls: yes}
auth: {mode: [none], allow_remote: "yes"}
vendors:
  - id: 7
    acme: {url: 1, token: {env: ACME_TOKEN}, retries: "1", rate: fast, strict: 1, timeout: 30, zone: [UTC], regions: KR, proxy: {port: 1.5}}
  - hunter2
`, `
2: grpc: must be a mapping of keys to values
3: http.listen: must be text: write it in quotes
3: http.tls: must be a mapping of keys to values
4: auth.allow_remote: must be true or false
4: auth.mode: must be text: write it in quotes
6: vendors[0].id: must be text: write it in quotes
7: vendors[0].acme.proxy.port: must be a whole number
7: vendors[0].acme.rate: must be a number
7: vendors[0].acme.regions: must be a list
7: vendors[0].acme.retries: must be a whole number
7: vendors[0].acme.strict: must be true or false
7: vendors[0].acme.timeout: must be a length of time with its unit, such as 30s, 500ms or 2m
7: vendors[0].acme.url: must be text: write it in quotes
7: vendors[0].acme.zone: must be a time zone's IANA name, such as UTC or Asia/Seoul
8: vendors[1]: must be a mapping of keys to values`},
	{"empty values", `
grpc: {listen: }
auth: {mode: ""}
vendors:
  - id: a
    acme: {url: "", token: ~, timeout: "", zone: "", regions: [~]}
  -
`, `
2: grpc.listen: is empty: give it a value, or leave the key out
3: auth.mode: is required: jwt (callers present a token) or none (no authentication, loopback only)
6: vendors[0].acme.regions[0]: is empty: give it a value, or leave the key out
6: vendors[0].acme.timeout: must be a length of time with its unit, such as 30s, 500ms or 2m
6: vendors[0].acme.token: is empty: give it a value, or leave the key out
6: vendors[0].acme.url: is missing
6: vendors[0].acme.zone: must be a time zone's IANA name, such as UTC or Asia/Seoul
7: vendors[1]: is empty: give it a value, or leave the key out`},

	{"addresses", plain + `
grpc: {listen: "127.0.0.1"}
http: {listen: "127.0.0.1:http"}`, `
4: grpc.listen: must be host:port, for example 127.0.0.1:8080
5: http.listen: must be host:port, for example 127.0.0.1:8080`},
	{"more addresses", plain + `
grpc: {listen: "127.0.0.1:65536"}
http: {listen: "hunter2 @:80"}`, `
4: grpc.listen: must be host:port, for example 127.0.0.1:8080
5: http.listen: must be host:port, for example 127.0.0.1:8080`},
	{"one address twice", plain + "\ngrpc: {listen: \"127.0.0.1:8080\"}", `1: http.listen: must not be the address of grpc.listen`},
	{"TLS files", plain + `
grpc:
  tls: {cert: cert.pem}
http:
  listen: "127.0.0.1:1"
  tls: {cert: absent.pem, key: ., client_ca: ""}`, `
5: grpc.tls.key: is missing: the PEM file of the certificate's private key
8: http.tls.cert: the file that is named here cannot be read: no such file or directory (relative paths start at DIR)
8: http.tls.client_ca: must be the path of a file
8: http.tls.key: must be the path of a file, not of a folder`},

	{"remote listeners without authentication", plain + `
grpc: {listen: "0.0.0.0:9090"}
http: {listen: ":8080"}`, `
4: grpc.listen: auth.mode none lets everybody in: listen on 127.0.0.1, or set auth.allow_remote: true if the network keeps strangers out
5: http.listen: auth.mode none lets everybody in: listen on 127.0.0.1, or set auth.allow_remote: true if the network keeps strangers out`},
	{"unknown mode", `auth: {mode: hunter2}
vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]`, `1: auth.mode: must be jwt or none`},
	{"mode none with tokens' settings", `
auth:
  mode: none
  issuer: i
  audience: a
  keys: []
  roles: {}
vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]`, `
4: auth.issuer: belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out
5: auth.audience: belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out
6: auth.keys: belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out
7: auth.roles: belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out`},
	{"all that is not served yet", `
auth:
  mode: jwt
  issuer: "https://id.example"
  audience: drmhub
  keys:
    - {kid: k1, alg: HS256, secret: {env: ACME_TOKEN}}
    - {kid: k2, alg: RS256, public_key: {file: issuer.pem}}
    - {jwks_url: "https://id.example/jwks.json"}
    - {jwks_url: "http://127.0.0.1:1/jwks.json"}
  roles: {viewer: ["sites:read", "licenses:read"]}
store: {dsn: "sqlite:drmhub.db"}
vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]`,
		`3: auth.mode: this version of drmhub cannot check tokens yet: use {mode: none} on loopback addresses`},
	{"mistakes in what is not served yet", `
auth:
  mode: jwt
  allow_remote: true
  issuer: 1
  keys:
    - {kid: k1, alg: none, secret: {env: ACME_TOKEN}}
    - {kid: k1, alg: HS256, secret: hunter2}
    - {kid: k3, alg: HS256, public_key: {file: issuer.pem}}
    - {alg: ES256}
    - {kid: k5, alg: RS256, public_key: hunter2, secret: {env: ACME_TOKEN}}
    - {kid: k6, alg: HS512, public_key: {file: issuer.pem}, secret: {env: ACME_TOKEN}}
    - {kid: k7, alg: RS256, secret: {env: ACME_TOKEN}, jwks_url: "http://id.example/hunter2"}
    - {jwk_url: "https://id.example"}
  roles: {viewer: sites, "hunter2: x": []}
store: {dns: hunter2}
vendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]
`, `
3: auth.mode: this version of drmhub cannot check tokens yet: use {mode: none} on loopback addresses
4: auth.allow_remote: belongs to mode none: leave it out
5: auth.issuer: must be text: write it in quotes
7: auth.keys[0].alg: must be one of HS256, RS256, PS256, ES256, their 384 and 512, or EdDSA
8: auth.keys[1].kid: must differ from the kid of keys[0]
8: auth.keys[1].secret: a secret is never written in the file: use {env: NAME} or {file: PATH}
9: auth.keys[2].secret: is missing: an HS algorithm needs the shared secret, as {env: NAME} or {file: PATH}
10: auth.keys[3].kid: is missing: the key's id, as the header of a token names it
10: auth.keys[3].public_key: is missing: this algorithm needs the issuer's public key, as {file: PATH} or {env: NAME}
11: auth.keys[4].public_key: a key is not written in the file: use {file: PATH} or {env: NAME}
11: auth.keys[4].secret: does not go with this algorithm: leave it out
12: auth.keys[5].public_key: does not go with an HS algorithm: leave it out
13: auth.keys[6].alg: does not go with jwks_url: leave it out, or make it a key of its own
13: auth.keys[6].jwks_url: must be an https:// URL, or an http:// one on a loopback address
13: auth.keys[6].kid: does not go with jwks_url: leave it out, or make it a key of its own
13: auth.keys[6].secret: does not go with jwks_url: leave it out, or make it a key of its own
14: auth.keys[7].alg: must be one of HS256, RS256, PS256, ES256, their 384 and 512, or EdDSA
14: auth.keys[7].jwk_url: unknown key; did you mean jwks_url?
14: auth.keys[7].kid: is missing: the key's id, as the header of a token names it
15: auth.roles.?: this key is no plain name, and not shown: is the space after its colon missing?
15: auth.roles.viewer: must be a list
16: store.dns: unknown key; did you mean dsn?`},

	{"a store's values", plain + `
store: {dsn: "", keep: 23h59m, quiet: 0s}`, `
4: store.dsn: must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE
4: store.keep: must be 24h at least: a client that repeats a call with the same request_id is to find it
4: store.quiet: must be longer than 0s: a vendor needs a moment to show what it was told`},
	{"a store's types", plain + `
store: {dsn: 5, keep: 30, quiet: -1m}`, `
4: store.dsn: must be text: write it in quotes
4: store.keep: must be a length of time with its unit, such as 30s, 500ms or 2m
4: store.quiet: must be longer than 0s: a vendor needs a moment to show what it was told`},
	{"a store of a kind that there is not", plain + `
store: {dsn: "mysql://db/hunter2"}`, `4: store.dsn: must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE`},
	{"a file without its scheme", plain + `
store: {dsn: "hunter2.db"}`, `4: store.dsn: must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE`},
	{"a scheme without a file", plain + `
store: {dsn: "sqlite:"}`, `4: store.dsn: must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE`},
	{"a password in the store's dsn", plain + `
store: {dsn: "postgres://drmhub:hunter2@db/drmhub"}`, `4: store.dsn: a password is never written in the file: leave it out, or give the whole dsn as {env: NAME} or {file: PATH}`},
	{"a password among its parameters", plain + `
store: {dsn: "postgres://drmhub@db/drmhub?sslmode=require&password=hunter2"}`, `4: store.dsn: a password is never written in the file: leave it out, or give the whole dsn as {env: NAME} or {file: PATH}`},
	{"a password that is not escaped", plain + `
store: {dsn: "postgres://drmhub:1/hunter2@db/drmhub"}`, `4: store.dsn: a password is never written in the file: leave it out, or give the whole dsn as {env: NAME} or {file: PATH}`},
	{"a password that cannot be read", plain + `
store: {dsn: "postgres://drmhub:%hunter2@db/drmhub"}`, `4: store.dsn: a password is never written in the file: leave it out, or give the whole dsn as {env: NAME} or {file: PATH}`},
	{"a dsn from elsewhere that is none", plain + `
store: {dsn: {env: ACME_TOKEN}}`, `4: store.dsn: must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE`},
	{"a dsn from nowhere", plain + `
store: {dsn: {env: ACME_ABSENT}}`, `4: store.dsn: the environment variable ACME_ABSENT is not set`},
	{"a dsn in pieces", plain + `
store: {dsn: {host: db, password: hunter2}}`, `4: store.dsn: a password is never written in the file: leave it out, or give the whole dsn as {env: NAME} or {file: PATH}`},
	{"audit events in a folder", plain + `
audit: {file: .}`, `4: audit.file: must be the path of a file, not of a folder`},
	{"audit events in a folder that is not there", plain + `
audit: {file: absent/audit.jsonl}`, `4: audit.file: the folder of the file that is named here cannot be used: no such file or directory (relative paths start at DIR)`},
	{"audit events in two places", plain + `
audit: {file: audit.jsonl, stdout: true}`, `4: audit.stdout: does not go with file: leave one of them out`},
	{"audit's types", plain + `
audit: {file: [a], stdout: "yes"}`, `
4: audit.file: must be the path of a file
4: audit.stdout: must be true or false`},

	{"vendors' ids", `
auth: {mode: none}
vendors:
  - acme: &a {url: u, token: {env: ACME_TOKEN}}
  - {id: "-", acme: *a}
  - {id: A, acme: *a}
  - {id: twin, acme: *a}
  - {id: twin, acme: *a}
  - {id: ` + strings.Repeat("x", 64) + `, acme: *a}
`, `
4: vendors[0].id: must be this account's name in drmhub: a lower-case letter, then up to 62 of a-z, 0-9 and -
5: vendors[1].id: must be this account's name in drmhub: a lower-case letter, then up to 62 of a-z, 0-9 and -
6: vendors[2].id: must be this account's name in drmhub: a lower-case letter, then up to 62 of a-z, 0-9 and -
8: vendors[4].id: must differ from the id of vendors[3]
9: vendors[5].id: must be this account's name in drmhub: a lower-case letter, then up to 62 of a-z, 0-9 and -`},
	{"vendors' sections", `
auth: {mode: none}
vendors:
  - id: a
  - {id: b, acmee: {url: hunter2}}
  - id: c
    acme: {url: u, token: {env: ACME_TOKEN}}
    pallycon: {base_url: "https://h/api/v2", account_id: "a", account_seq: 77, service_api_key: {env: ACME_TOKEN}}
`, `
4: vendors[0]: has no vendor's section: add one of acme, pallycon
5: vendors[1].acmee: unknown key; did you mean acme?
8: vendors[2].pallycon: a vendor has one section, and this one has acme already: make this a vendor of its own
8: vendors[2].pallycon.account_seq: must be text: write it in quotes
8: vendors[2].pallycon.base_url: must be scheme and host alone, such as https://service.pallycon.com: drmhub adds the path`},
	{"what a vendor's section judges itself", `
auth: {mode: none}
vendors:
  - id: a
    acme: {retries: -1}`, `
5: vendors[0].acme.retries: must not be negative
5: vendors[0].acme.token: is missing
5: vendors[0].acme.url: is missing`},
	{"secrets", `
auth: {mode: none}
vendors:
  - {id: a, acme: {url: u, token: hunter2}}
  - {id: b, acme: {url: u, token: [hunter2]}}
  - {id: c, acme: {url: u, token: {hunter2}}}
  - {id: d, acme: {url: u, token: {env: hunter2}}}
  - {id: e, acme: {url: u, token: {env: ACME_ABSENT}}}
  - {id: f, acme: {url: u, token: {env: ACME_EMPTY}}}
  - {id: g, acme: {url: u, token: {file: hunter2}}}
  - {id: h, acme: {url: u, token: {file: empty.txt}}}
  - {id: i, acme: {url: u, token: {file: .}}}
  - {id: j, acme: {url: u, token: {file: huge.txt}}}
  - {id: k, acme: {url: u, token: {env: ACME_TOKEN, file: token.txt}}}
  - {id: l, acme: {url: u, token: {env: 5}}}
  - {id: m, acme: {url: u, token: {value: hunter2}}}
  - {id: n, acme: {url: u, token: !hunter2 hunter2}}
`, `
4: vendors[0].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
5: vendors[1].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
6: vendors[2].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
7: vendors[3].acme.token: the environment variable that is named here is not set
8: vendors[4].acme.token: the environment variable ACME_ABSENT is not set
9: vendors[5].acme.token: the environment variable ACME_EMPTY is empty
10: vendors[6].acme.token: the file that is named here cannot be read: no such file or directory (relative paths start at DIR)
11: vendors[7].acme.token: the file that is named here is empty
12: vendors[8].acme.token: the file that is named here cannot be read: is a directory (relative paths start at DIR)
13: vendors[9].acme.token: the file that is named here is larger than 1 MiB: it cannot be the right one
14: vendors[10].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
15: vendors[11].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
16: vendors[12].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}
17: vendors[13].acme.token: a secret is never written in the file: use {env: NAME} or {file: PATH}`},
	{"a section that holds itself", "auth: &a {keys: [*a], mode: none}\nvendors: [{id: a, acme: {url: u, token: {env: ACME_TOKEN}}}]", `
1: auth.keys: belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out
1: auth.keys[0].alg: must be one of HS256, RS256, PS256, ES256, their 384 and 512, or EdDSA
1: auth.keys[0].keys: unknown key; known here: alg, jwks_url, kid, public_key, secret
1: auth.keys[0].kid: is missing: the key's id, as the header of a token names it
1: auth.keys[0].mode: unknown key; known here: alg, jwks_url, kid, public_key, secret`},
}

func TestEveryMistakeIsListedWithLineAndPath(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "drmhub.yaml")
	for _, bad := range badFiles {
		t.Run(bad.name, func(t *testing.T) {
			config, err := Parse([]byte(bad.source), file, kinds())
			if err == nil {
				t.Fatalf("accepted: %+v", config)
			}
			got := strings.ReplaceAll("\n"+err.Error(), "\n"+file+":", "\n")
			got = strings.ReplaceAll(strings.TrimPrefix(got, "\n"), dir, "DIR")
			if want := strings.TrimPrefix(bad.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error shows a secret:\n%v", err)
			}
		})
	}
}
