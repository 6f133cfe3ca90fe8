package twin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// without returns r without these query parameters. Its RequestURI stays, since signatures cover
// it.
func without(r *http.Request, names []string) *http.Request {
	values := r.URL.Query()
	for _, name := range names {
		values.Del(name)
	}
	return withQuery(r, values)
}

func withQuery(r *http.Request, values url.Values) *http.Request {
	changed, u := *r, *r.URL
	u.RawQuery = values.Encode()
	changed.URL = &u
	return &changed
}

// lastPage runs the vendor's handler. For an empty page, it goes back to the last one that has
// rows. names are the parameter that says where the page begins and, for an offset, that of the
// size.
func lastPage(vendor http.Handler, r *http.Request, names []string) *heldAnswer {
	held, values, step := run(vendor, r), r.URL.Query(), 1
	if len(names) > 1 {
		step, _ = strconv.Atoi(values.Get(names[1]))
	}
	at, err := strconv.Atoi(values.Get(names[0]))
	for err == nil && step > 0 && at >= step && r.Method == http.MethodGet && held.list() == emptyList {
		at -= step
		values.Set(names[0], strconv.Itoa(at))
		before := run(vendor, withQuery(r, values))
		if before.list() == noList {
			break // The vendor has no such page.
		}
		held = before
	}
	return held
}

const (
	noList = iota
	emptyList
	fullList
)

// list reports whether the first list in the body has rows.
func (a *heldAnswer) list() int {
	d := json.NewDecoder(bytes.NewReader(a.body.Bytes()))
	for {
		switch token, err := d.Token(); {
		case err != nil:
			return noList
		case token == json.Delim('[') && d.More():
			return fullList
		case token == json.Delim('['):
			return emptyList
		}
	}
}
