package ncp_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// everything is all that an error could show to anybody.
func everything(err error) string {
	e := apierror.Convert(err)
	return fmt.Sprint(err, e.Message, e.Metadata, prototext.Format(e.GRPCStatus().Proto()))
}

func TestNoErrorShowsAKey(t *testing.T) {
	long := strings.NewReplacer("X490", strings.Repeat("x", 490), "X470", strings.Repeat("x", 470))
	for line := range strings.Lines(long.Replace(fixture(t, "gossip.txt"))) {
		if line[0] == '#' {
			continue
		}
		for form, write := range map[string]func(string) string{
			"plain":   func(s string) string { return s },
			"escaped": url.QueryEscape,
			"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		} {
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

// wantSilent demands an error that shows neither key in this form.
func wantSilent(t *testing.T, what string, err error, write func(string) string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	text := everything(err)
	for _, key := range []string{"the-access-key", "the-secret-key"} {
		if strings.Contains(text, key) || strings.Contains(text, write(key)) || strings.Contains(text, key[:10]) {
			t.Errorf("%s: the error shows %s", what, key)
		}
	}
}

// broken fails with what it was sent.
type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	err := fmt.Errorf("cannot send %v the-secret-key", r.Header)
	return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: err}
}

func TestABrokenConnectionAndAConfigurationShowNoKey(t *testing.T) {
	plain := func(s string) string { return s }
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
