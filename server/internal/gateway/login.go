package gateway

import (
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/server/internal/console"
	"github.com/drmhub/drmhub/server/internal/session"
)

// serveLogin serves a page by which people log in or out.
func serveLogin(w http.ResponseWriter, r *http.Request, path string, methods map[string]session.Page) {
	page := methods[r.Method]
	if page == nil {
		wrongMethod(w, path, r.Method, slices.Sorted(maps.Keys(methods))...)
		return
	}
	var err error
	if r.Method != http.MethodGet && (r.ContentLength != 0 || r.Header.Get("Content-Type") != "") {
		err = checkMediaType(r.Header)
	}
	if err == nil {
		err = page(w, r)
	}
	if err != nil {
		loginFailed(w, r, err)
	}
}

// loginPage is the page for a person whose login failed. It has the message, and the address that
// begins the login anew.
const loginPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>You are not logged in · drmhub</title>
<main>
<h1>You are not logged in</h1>
<p>%s</p>
<p><a href="%s">Log in again</a></p>
<p><a href="%s">Go to the console</a></p>
</main>
</html>
`

// loginFailed writes the error of a page by which people log in or out. A person who follows a link
// gets a page, and a program gets JSON.
func loginFailed(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Add("Vary", "Accept")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	login, ok := errors.AsType[*session.LoginError](err)
	if !ok || acceptance(accept, "text/html") <= acceptance(accept, jsonType) {
		writeError(w, err)
		return
	}
	status, e := resolve(err)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	page := fmt.Sprintf(loginPage, html.EscapeString(e.Message), html.EscapeString(login.Again), console.Root)
	writeFailure(w, status, e, "text/html; charset=utf-8", []byte(page))
}
