package console_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/console"
)

// maxScript bounds all scripts together, in bytes with gzip.
const maxScript = 80_000

func TestTheScriptsAreSmall(t *testing.T) {
	size := 0
	for name, file := range console.Files() {
		if path.Ext(name) == ".js" {
			size += zipped(file.Content)
		}
	}
	t.Logf("%d bytes of script", size)
	if size == 0 || size > maxScript {
		t.Errorf("all scripts have %d bytes with gzip, want at most %d", size, maxScript)
	}
}

// zipped returns the size of a text with gzip.
func zipped(content []byte) int {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(content)
	_ = w.Close()
	return out.Len()
}

var (
	references = regexp.MustCompile(`\b(?:src|href)\s*=\s*["']?([^"'\s>]+)`)
	inline     = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|<style|\sstyle=|\son\w+=`)
)

func TestTheDocumentLoadsOnlyFilesOfTheConsole(t *testing.T) {
	files := console.Files()
	document := string(files["index.html"].Content)
	scripts := 0
	for _, found := range references.FindAllStringSubmatch(document, -1) {
		name, below := strings.CutPrefix(found[1], console.Root)
		if file, ok := files[name]; below && !ok {
			t.Errorf("the document names %s, which does not exist", found[1])
		} else if ok && strings.HasPrefix(file.Type, "text/javascript") {
			scripts++
		}
		if !below && !strings.HasPrefix(found[1], "/docs") {
			t.Errorf("the document names %s, which is not below %s", found[1], console.Root)
		}
	}
	if scripts == 0 {
		t.Errorf("the document has no script: %s", document)
	}
	if found := inline.FindString(document); found != "" {
		t.Errorf("the policy forbids %q in the document", found)
	}
}

var (
	addresses = regexp.MustCompile(`(?i)(?:(?:https?|wss?):|["'\x60(])//[a-z0-9$][^\s"'\x60)]*`)
	comments  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	namespace = regexp.MustCompile(`^https?://www\.w3\.org/(?:\d{4}/|XML/|TR/)`)
)

// TestTheConsoleNamesNoOtherHost looks for addresses in all files. Names of XML namespaces are no
// addresses, and comments of licenses may name where a library comes from.
func TestTheConsoleNamesNoOtherHost(t *testing.T) {
	for name, file := range console.Files() {
		text := string(file.Content)
		if strings.HasPrefix(file.Type, "text/") {
			text = comments.ReplaceAllString(text, "")
		}
		for _, address := range addresses.FindAllString(text, -1) {
			if !namespace.MatchString(address) {
				t.Errorf("%s names %s", name, address)
			}
		}
	}
}

func TestEachFileHasATypeAndANameThatFits(t *testing.T) {
	withHash := regexp.MustCompile(`^assets/[\w.-]+-[\w-]{8}\.\w+$`)
	for name, file := range console.Files() {
		if len(file.Content) == 0 || file.Type == "application/octet-stream" {
			t.Errorf("%s: %d bytes of %s: list the type of such files", name, len(file.Content), file.Type)
		}
		if below := strings.HasPrefix(name, "assets/"); below != file.Fixed || below && !withHash.MatchString(name) {
			t.Errorf("%s: the name must hold a hash exactly below assets/", name)
		}
	}
}

func TestAnAddressOfAPageGetsTheDocument(t *testing.T) {
	exists := func(name string) bool { return name == "index.html" || name == "icon.svg" || name == "assets/a-1.js" }
	for address, want := range map[string]string{
		"": "index.html", "index.html": "index.html", "icon.svg": "icon.svg", "assets/a-1.js": "assets/a-1.js",
		"failures": "index.html", "sites/pallycon/DEMO": "index.html", "viewers/a.b@example.com": "index.html",
		"viewers/x.js": "index.html", "viewers/assets/a-1.js": "index.html", "sites/icon.svg": "index.html",
		"assets": "index.html", "viewers/a/b c\"": "index.html", "../icon.svg": "index.html",
		"assetsx/a.js": "index.html",
		"assets/":      "assets/", "assets/b-1.js": "assets/b-1.js", "assets/../index.html": "assets/../index.html",
	} {
		if got := console.NameOf(address, exists); got != want {
			t.Errorf("%q gets %s, want %s", address, got, want)
		}
	}
}

func TestThePolicyIsStrict(t *testing.T) {
	h := http.Header{}
	console.SetHeaders(h)
	policy := h.Get("Content-Security-Policy")
	for directive := range strings.SplitSeq("default-src 'none'|script-src 'self'|style-src 'self'|img-src 'self'|"+
		"connect-src 'self'|base-uri 'none'|form-action 'self'|frame-ancestors 'none'|"+
		"require-trusted-types-for 'script'|trusted-types 'none'", "|") {
		if !strings.Contains("; "+policy+";", "; "+directive+";") {
			t.Errorf("the policy lacks %q: %s", directive, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, ":") {
		t.Errorf("the policy is not strict: %s", policy)
	}
	for name, want := range map[string]string{
		"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for feature := range strings.SplitSeq(h.Get("Permissions-Policy"), ", ") {
		if !strings.HasSuffix(feature, "=()") {
			t.Errorf("Permissions-Policy: %q", feature)
		}
	}
}
