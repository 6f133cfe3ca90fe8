package telecomx_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/drmhub/drmhub/adapters/twin"
)

// anyAccount is a script whose vendor holds the accounts that it was asked to create, but where it
// answered a 5xx.
type anyAccount struct {
	script
	taken int // so many usernames that are asked for next are taken

	held sync.Map
}

func (v *anyAccount) transport() http.RoundTripper {
	return twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, single := strings.CutPrefix(r.URL.Path, "/iptv/drm/")
		switch {
		case single:
			v.answer(w, username)
		case r.Method == http.MethodPost && r.URL.Path == "/iptv/drm":
			body, _ := io.ReadAll(r.Body)
			var wanted struct{ Username string }
			_ = json.Unmarshal(body, &wanted)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			v.mu.Lock()
			took := len(v.replies[postAccount]) > 0 && v.replies[postAccount][0].status < 500
			v.mu.Unlock()
			if took {
				v.held.Store(wanted.Username, true)
			}
			v.ServeHTTP(w, r)
		default:
			v.ServeHTTP(w, r)
		}
	}))
}

func (v *anyAccount) answer(w http.ResponseWriter, username string) {
	v.mu.Lock()
	taken := v.taken > 0
	v.taken--
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if _, held := v.held.Load(username); held || taken {
		_, _ = fmt.Fprintf(w, `{"username":%q,"password":"generated-there"}`, username)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, `{"error":"id"}`)
}
