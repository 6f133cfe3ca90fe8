package session

import (
	"net/url"
	"strings"
	"testing"
)

func TestAddressesOfPages(t *testing.T) {
	for _, kept := range []string{
		"/console/", "/console/failures", "/console/sites/", "/docs", "/docs/",
		"/console/viewers/a%2Fb%20c?x=%22", "/console/viewers/%22%3Cb%3E%27'()*!~", "/console/viewers/a,b%2Cc",
		"/console/viewers/a%3Bb", "/console/viewers/%ED%95%9C%EA%B8%80", "/console/viewers/%E2%80%AEabc",
		"/console/viewers/ACME%5Calice", "/console/viewers/a.b..c@example.com",
		"/console/viewers/...", "/console/viewers/%25",
		"/console/sites/a/b%2F%2Fc", "/console/viewers/%2Fa", "/console/viewers/https%3A%2F%2Fevil.example%2F",
		"/console/failures?code=7110&to=%2F%2Fevil.example", "/console/failures?q=a+b&c=d,e&f='", "/console/?",
		"/console/failures?q=//evil.example", "/console/failures?q=../..", "/console/loginx", "/console/failures?q=%5C",
	} {
		if got := ownAddress(kept); got != kept {
			t.Errorf("%q becomes %q", kept, got)
		}
	}
	for to, want := range map[string]string{
		"/console/viewers/x#y": "/console/viewers/x", "/console/viewers/ü": "/console/viewers/%C3%BC",
		"/console/f?q=한": "/console/f?q=%ED%95%9C",
	} {
		if got := ownAddress(to); got != want {
			t.Errorf("%q becomes %q, want %q", to, got, want)
		}
	}
	for _, foreign := range []string{
		"", "/", "?x", "#x", "console/", "/console",
		"/consoles/", "/docsx", "/v1/vendors", "/metrics", "/_twin/", "/%63onsole/x",
		"https://evil.example/console/", "http:/console/", "http:console/", "javascript:alert(1)", "data:text/html,x",
		"//evil.example/console/", "///evil.example", "/%2Fevil.example/console/", "%2F%2Fevil.example/console/",
		"/console//evil.example", "/console/%2Fevil.example", "/console/%2F%2Fevil.example", "/console/sites//x",
		`/\evil.example/console/`, `\\evil.example`, `/console/\evil.example`,
		"/console/%5Cevil.example", `/console/x?\`,
		"/console/../v1/vendors", "/console/..", "/console/./x",
		"/console/..%2F..", "/console/%2e%2e/v1", "/console/%2e./v1",
		"/console/sites/..", "/console/sites/../../v1", "/console/sites/%2e%2e/%2E%2E/v1", "/console/sites/..%2Fv1",
		"/console/sites/a%2F..%2F..", "/console/sites/..%5C..", "/console/sites/%2E",
		"/console/login", "/console/logout", "/console/callback",
		"/console/login/methods", "/console/login?to=/console/login",
		"/console/%6Cogin", "/console/x\r\nSet-Cookie: a=b", "/console/x\ny",
		"/console/\tx", "/console/x\x00", "/console/x\x7f",
		"/console/sites/%0D%0ARefresh:x", "/console/sites/%00", "/console/sites/%C2%85", "/console/sites/\u0085",
		"/console/ü",
		"/console/sites/%FF", "/console/sites/\xff", "/console/sites/%", "/console/sites/%zz", "/console/sites/%2",
		"/console/x;url=//evil.example", "/console/x?a;url=b", "/console/\"x",
		"/console/x?\"", "/console/<x>", "/console/a b",
		" /console/", "/console/ ", "user@evil.example/console/", "/console/sites/x?a b",
	} {
		if got := ownAddress(foreign); got != home {
			t.Errorf("%q becomes %q", foreign, got)
		}
	}
}

// FuzzAddress checks that no text leads to another server, or ends the header or the attribute that
// holds it.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"/console/viewers/a%2Fb%20c?x=%22", "//evil.example", "/console/x\r\ny", "/docs/#x",
		"/console/sites/ü", `/\x`, "/%2F/x",
	} {
		f.Add(seed)
	}
	here := &url.URL{Scheme: "https", Host: "drmhub.example", Path: "/console/callback"}
	f.Fuzz(func(t *testing.T, to string) {
		got := ownAddress(to)
		if again := ownAddress(got); again != got {
			t.Fatalf("%q becomes %q, and then %q", to, got, again)
		}
		odd := func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`\"<>;`, c) }
		u, err := here.Parse(got)
		if err != nil || u.Host != here.Host || u.Scheme != here.Scheme || u.User != nil || u.Fragment != "" ||
			strings.ContainsFunc(got, odd) {
			t.Fatalf("%q becomes %q: %v, %v", to, got, u, err)
		}
		if !strings.HasPrefix(u.EscapedPath()+"/", "/console/") && !strings.HasPrefix(u.EscapedPath()+"/", "/docs/") {
			t.Fatalf("%q becomes %q, which leads to %v", to, got, u)
		}
		if got != home && got != "/console/?" && !strings.HasPrefix(to, got) && !strings.ContainsFunc(to, odd) {
			t.Fatalf("%q becomes %q", to, got)
		}
	})
}
