package telemetry_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/drmhub/drmhub/server/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type keySet struct{ fetched bool }

func (k keySet) Age() (time.Duration, bool) { return 90 * time.Second, k.fetched }
func (k keySet) Failures() int64            { return 3 }
func (k keySet) Interval() time.Duration    { return time.Minute }

func TestMetrics(t *testing.T) {
	m, err := telemetry.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"TOKEN_INVALID", "SCOPE_MISSING", "TOKEN_INVALID"} {
		m.CountRefused(reason)
	}
	sets := []telemetry.KeySet{keySet{true}, keySet{false}}
	if err := m.ShowKeySets(func() []telemetry.KeySet { return sets }); err != nil {
		t.Fatal(err)
	}
	inAnHour := func() time.Time { return time.Now().Add(time.Hour) }
	if err := m.ShowCertificates(map[string]func() time.Time{"grpc": inAnHour, "http": inAnHour}); err != nil {
		t.Fatal(err)
	}
	page := func(accept string) (contentType, text string) {
		r, w := httptest.NewRequest("GET", telemetry.Path, nil), httptest.NewRecorder()
		r.Header.Set("Accept", accept)
		m.Page().ServeHTTP(w, r)
		return w.Header().Get("Content-Type"), w.Body.String()
	}
	contentType, text := page("")
	for _, line := range []string{
		`drmhub_auth_refused_total{reason="SCOPE_MISSING"} 1`, `drmhub_auth_refused_total{reason="TOKEN_INVALID"} 2`,
		`drmhub_jwks_age_seconds{set="0"} 90`, `drmhub_jwks_interval_seconds{set="1"} 60`,
		`drmhub_jwks_fetch_failures_total{set="1"} 3`,
		`drmhub_certificate_expiry_seconds{listener="(grpc|http)"} (3600|3599\.\d+)`,
		`drmhub_build_info{go_version="go[^"]*",.*version="[^"]*"} 1`,
	} {
		if !regexp.MustCompile("(?m)^" + line + "$").MatchString(text) {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	if strings.Contains(text, `drmhub_jwks_age_seconds{set="1"}`) || strings.Contains(text, "otel_scope") ||
		!strings.HasPrefix(contentType, "text/plain") || strings.Count(text, "_expiry_seconds{") != 2 {
		t.Errorf("%s\n%s", contentType, text)
	}
	if contentType, text := page("application/openmetrics-text"); !strings.HasPrefix(contentType, "application/open") ||
		!strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("%s\n%s", contentType, text)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
