package pallycon_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
)

// done is an answer to what the guide calls "the default response data", and refused one that says
// no.
const (
	done    = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2"}},"error_code":"0000"}`
	refused = `{"error_code":"7777","error_message":"no"}`
)

// cut stands for an answer that never comes: the connection breaks.
const cut = "cut"

// serveInTurn is serve with an answer for each call of a name, of which the last one is given from
// then on.
func serveInTurn(t *testing.T, c pallycon.Config, turns map[string][]string) (*pallycon.Adapter, *answers) {
	t.Helper()
	a := &answers{t: t, bodies: map[string]string{}}
	var mu sync.Mutex
	return adapterTo(t, c, twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Method + " " + r.URL.EscapedPath()
		mu.Lock()
		defer mu.Unlock()
		if turn := turns[name]; len(turn) > 0 {
			a.bodies[name] = turn[0]
			turns[name] = turn[min(1, len(turn)-1):]
		}
		a.ServeHTTP(w, r)
		if a.bodies[name] == cut {
			panic(http.ErrAbortHandler)
		}
	}))), a
}

// params are the parameters of a POST or PUT that was sent as JSON.
func (c call) params(t *testing.T) map[string]string {
	t.Helper()
	var params map[string]string
	if err := json.Unmarshal([]byte(c.body), &params); err != nil {
		t.Errorf("%s has the body %q: %v", c.name, c.body, err)
	}
	return params
}

func wantParams(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: the parameters are %q, want %q", what, got, want)
	}
}

// unsettled reports whether a log says that a step may have taken effect and nobody knows.
func unsettled(log *mutation.Memory, step string) bool { return log.Get(step).State == mutation.Sent }
