package app_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/app"
)

// attackPage tries what a page can, and shows the outcome of each attempt in a line of its own. Its
// query names REST, and a twin. Its image delays the end of loading until all attempts are over.
const attackPage = `<!doctype html><pre id=out></pre><img src=/over><iframe name=frame></iframe>
<form method=post enctype=text/plain target=frame></form><script>
const rest = new URLSearchParams(location.search).get("rest"), twin = new URLSearchParams(location.search).get("twin")
const site = rest + "/v1/vendors/pallycon/sites/MOVI", json = { "Content-Type": "application/json" }
const attempts = {
  read: () => fetch(site + "/integration?view=FULL").then(r => r.text()),
  change: () => fetch(site + ":disable", { method: "POST", headers: json, body: "{}" })
    .then(async r => r.status + " " + r.headers.get("Drmhub-Mutation") + " " + await r.text()),
  simple: () => fetch(site + ":disable", { method: "POST" }).then(r => r.text()),
  opaque: () => fetch(site + ":disable", { method: "POST", mode: "no-cors" }).then(r => r.type + r.status),
  blob: () => fetch(site + ":disable", { method: "POST", mode: "no-cors", body: new Blob(["{}"]) }).then(r => r.type),
  image: () => new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = resolve
    image.onerror = () => reject("no image")
    image.src = site + "/integration?view=FULL&"
  }),
  beacon: async () => navigator.sendBeacon(site + ":disable", ""),
  twin: () => fetch(twin + "/_twin/faults", { method: "POST", mode: "no-cors", body: "{}" }).then(r => r.type),
  ledger: () => fetch(twin + "/_twin/ledger").then(r => r.text()),
  form: () => new Promise(resolve => {
    frames.frame.frameElement.onload = resolve
    document.forms[0].action = site + ":disable"
    document.forms[0].submit()
  }).then(() => { try { return frames.frame.document.body.textContent } catch { return "unreadable" } }),
}
;(async () => {
  for (const name in attempts) {
    const got = await attempts[name]().catch(e => "failed: " + e)
    document.getElementById("out").append(name + "=" + got + "\n")
  }
  fetch("/done")
})()
</script>`

// TestARealBrowser opens pages in Chromium. A page of another origin changes nothing and reads
// nothing. A page of an allowed origin does both. A host that resolves to loopback is refused.
func TestARealBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is missing")
	}
	evil, friend := servePage(t), servePage(t)
	cfg, twins, err := app.Sandbox(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Archive.Idle = true // The twins get no requests but those of the test.
	cfg.HTTP.AllowedOrigins = []string{"http://app.test:" + friend}
	h := (&testServer{cfg: cfg}).run(t)
	rest := "http://" + h.HTTPAddr()
	_, restPort, _ := strings.Cut(h.HTTPAddr(), ":")
	var twin string
	for _, running := range twins {
		if running.Kind == "pallycon" {
			twin = running.URL
		}
	}
	open := func(address string) string { return browse(t, chromium, address) }
	query := "/?" + url.Values{"rest": {rest}, "twin": {twin}}.Encode()

	for name, got := range attempts(open("http://evil.test:" + evil + query)) {
		want := map[string]string{
			"opaque": "opaque0", "blob": "opaque", "twin": "opaque", "beacon": "true", "form": "unreadable",
		}[name]
		if want == "" && !strings.HasPrefix(got, "failed: ") || want != "" && got != want {
			t.Errorf("a page of another origin: %s: %s", name, got)
		}
	}
	rebound := "http://rebound.test:" + restPort + "/v1/vendors/pallycon/sites/MOVI/integration?view=FULL"
	if shown := open(rebound); !strings.Contains(shown, `"code":421`) || strings.Contains(shown, "site_key") {
		t.Errorf("a name that resolves to loopback: %s", shown)
	}
	if ledger := fetch(t, twin+"/_twin/ledger"); ledger != `{"requests":[],"effects":[]}`+"\n" {
		t.Errorf("the vendor got %s", ledger)
	}
	got := attempts(open("http://app.test:" + friend + query))
	if !strings.Contains(got["read"], "site_key") || !strings.HasPrefix(got["change"], "200 mutations/") ||
		!strings.HasPrefix(got["ledger"], "failed: ") {
		t.Errorf("a page of an allowed origin: %v", got)
	}
}

// servePage serves attackPage once. It returns the port.
func servePage(t *testing.T) string {
	over := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/done":
			close(over)
		case "/over":
			select {
			case <-over:
			case <-r.Context().Done():
			}
		default:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, attackPage)
		}
	}))
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	return port
}

var attempt = regexp.MustCompile(`(?m)(?:^|>)(\w+)=(.*)$`)

// attempts returns what attackPage shows, by the name of the attempt.
func attempts(dom string) map[string]string {
	all := map[string]string{
		"read": "missing", "change": "missing", "simple": "missing", "opaque": "missing", "blob": "missing",
		"beacon": "missing", "image": "missing", "twin": "missing", "ledger": "missing", "form": "missing",
	}
	shown, _, _ := strings.Cut(dom, "</pre>")
	for _, line := range attempt.FindAllStringSubmatch(shown, -1) {
		all[line[1]] = html.UnescapeString(line[2])
	}
	return all
}

// browse opens a page in Chromium, where each name of .test is this machine. It returns the page
// once it is loaded.
func browse(t *testing.T, chromium, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu",
		"--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--user-data-dir="+t.TempDir(), "--host-resolver-rules=MAP *.test 127.0.0.1",
		"--dump-dom", address).Output()
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return string(out)
}
