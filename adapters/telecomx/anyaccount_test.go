package telecomx_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/twin"
)

// anyAccount is a server whose vendor holds the accounts that it was asked to create, but where it
// answered a 5xx.
type anyAccount struct {
	*wiretest.Server

	mu    sync.Mutex
	taken int // how many of the next usernames are taken
	held  sync.Map
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
			if posts := v.Next(postAccount); len(posts) > 0 && posts[0].Status < 500 {
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
