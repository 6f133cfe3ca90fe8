package ncp_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestNoErrorShowsAKey(t *testing.T) {
	long := strings.NewReplacer("X490", strings.Repeat("x", 490), "X470", strings.Repeat("x", 470))
	for line := range strings.Lines(long.Replace(fixture(t, "gossip.txt"))) {
		if line[0] == '#' {
			continue
		}
		for form, write := range wiretest.SecretForms {
			known := strings.ReplaceAll(line, "KNOWN", write("the-access-key")+" "+write("the-secret-key"))
			words := append(strings.Split(strings.TrimSuffix(known, "\n"), " | "), "")
			status, _ := strconv.Atoi(words[0])
			name, value, _ := strings.Cut(words[2], ": ")
			said := answer{Status: status, Body: words[1], Header: map[string]string{cmp.Or(name, "X-Other"): value}}
			synctest.Test(t, func(t *testing.T) {
				adapter, _ := serve(t, config(), map[string][]answer{getSite: {said}})
				_, err := adapter.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
				wantSilent(t, line+form+", to a read", err, write)
				adapter, _ = serve(t, config(), map[string][]answer{getSite: {siteOn}, putOff: {said}})
				_, err = disable(t, adapter, mutation.NewMemory())
				if content := strings.Contains(line, `"content"`); !content || !strings.HasSuffix(line, "}}\n") {
					wantSilent(t, line+form+", to a write", err, write)
				} // Of a write, any whole content is a success.
			})
		}
	}
}

// wantSilent demands an error that shows neither key, as it is and in this form.
func wantSilent(t *testing.T, what string, err error, write func(string) string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
	}
	for _, key := range []string{"the-access-key", "the-secret-key"} {
		wiretest.WantSilent(t, what, err, key, write(key))
	}
}

// broken fails with what it was sent.
type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	err := fmt.Errorf("cannot send %v the-secret-key", r.Header)
	return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: err}
}

func TestABrokenConnectionAndAConfigurationShowNoKey(t *testing.T) {
	plain := wiretest.SecretForms["plain"]
	c := config()
	adapter := adapterTo(t, c, broken{})
	synctest.Test(t, func(t *testing.T) {
		_, err := adapterTo(t, c, broken{}).Check(t.Context())
		wantSilent(t, "Check", err, plain)
	})
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{c, &c, adapter} {
			wantSilent(t, fmt.Sprintf("%s of a %T", format, v), fmt.Errorf(format, v), plain)
		}
	}
}
