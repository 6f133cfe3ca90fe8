package ncp_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
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

// gossips are answers that repeat what stands for KNOWN, wherever a vendor can put it.
func gossips() map[string]answer {
	refused := func(code, name, message string) answer {
		body := `{"success":false,"error":{"code":"%s","name":"%s","message":"%s"}}`
		return answer{Status: 400, Body: fmt.Sprintf(body, code, name, message)}
	}
	said := func(status int, body string) answer { return answer{Status: status, Body: body} }
	header := func(a answer, name, value string) answer {
		a.Header = map[string]string{name: value}
		return a
	}
	return map[string]answer{
		"in a message":              refused("289999", "N", `not with KNOWN\u001b`),
		"in a name":                 refused("289999", "KNOWN", "no"),
		"in a code":                 refused("KNOWN", "N", "no"),
		"in a refusal in HTTP 200":  said(200, refused("289999", "N", "KNOWN").Body),
		"in the gateway's details":  said(401, `{"error":{"errorCode":"200","message":"no","details":"KNOWN"}}`),
		"in the gateway's message":  said(429, `{"error":{"errorCode":410,"message":"KNOWN"}}`),
		"in an errorCode":           said(418, `{"error":{"errorCode":"KNOWN","message":"no"}}`),
		"in a page for people":      header(said(200, `<html>KNOWN</html>`), "Content-Type", "text/html"),
		"in half an answer":         said(200, `{"success":true,"content":{"siteId":"KNOWN`),
		"in content":                said(200, `{"success":true,"content":{"siteId":{"KNOWN":1}}}`),
		"in a success":              said(200, `{"success":"KNOWN"}`),
		"in a siteId":               said(200, `{"success":true,"content":{"siteId":"KNOWN"}}`),
		"in what comes twice":       said(200, `{"KNOWN":1,"KNOWN":2}`),
		"in a trace id":             header(said(400, "no"), "x-ncp-trace-id", "KNOWN"),
		"in a Location":             header(said(302, ""), "Location", "https://elsewhere.invalid/KNOWN"),
		"in the text of HTTP 401":   said(401, "KNOWN"),
		"in the text of HTTP 404":   said(404, "KNOWN"),
		"in the text of HTTP 500":   said(500, "KNOWN"),
		"behind 490 characters":     refused("289999", "", strings.Repeat("x", 490)+"KNOWN"),
		"where the text is cut off": refused("289999", "", strings.Repeat("x", 470)+"KNOWN"),
	}
}

func TestNoErrorShowsAKey(t *testing.T) {
	forms := map[string]func(string) string{
		"plain":   func(s string) string { return s },
		"escaped": url.QueryEscape,
		"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}
	for name, a := range gossips() {
		for form, write := range forms {
			synctest.Test(t, func(t *testing.T) {
				known := strings.NewReplacer("KNOWN", write("the-access-key")+" "+write("the-secret-key"))
				said := answer{Status: a.Status, Body: known.Replace(a.Body), Header: map[string]string{}}
				for k, v := range a.Header {
					said.Header[k] = known.Replace(v)
				}
				adapter, _ := serve(t, config(), map[string][]answer{getSite: {said}})
				_, err := adapter.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
				wantSilent(t, name+", "+form+", to a read", err, write)
				if name == "in a siteId" || name == "in content" {
					return // a success, as far as a write is concerned
				}
				adapter, _ = serve(t, config(), map[string][]answer{getSite: {siteOn}, putOff: {said}})
				_, err = disable(t, adapter, mutation.NewMemory())
				wantSilent(t, name+", "+form+", to a write", err, write)
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
