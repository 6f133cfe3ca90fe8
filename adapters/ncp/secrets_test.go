package ncp_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// everything is all that an error could show to anybody.
func everything(err error) string {
	e := apierror.Convert(err)
	return fmt.Sprint(err, e.Message, e.Metadata, prototext.Format(e.GRPCStatus().Proto()))
}

// gossips are answers that repeat what stands for KNOWN, wherever a vendor can put it.
func gossips() map[string]answer {
	all := map[string]answer{
		"in a message":              {Status: 400, Body: `{"success":false,"error":{"code":"289999","name":"N","message":"not with KNOWN\u001b"}}`},
		"in a name":                 {Status: 400, Body: `{"success":false,"error":{"code":"289999","name":"KNOWN","message":"no"}}`},
		"in a code":                 {Status: 400, Body: `{"success":false,"error":{"code":"KNOWN","name":"N","message":"no"}}`},
		"in a refusal in HTTP 200":  {Body: `{"success":false,"error":{"code":"289999","name":"N","message":"KNOWN"}}`},
		"in the gateway's details":  {Status: 401, Body: `{"error":{"errorCode":"200","message":"no","details":"KNOWN"}}`},
		"in the gateway's message":  {Status: 429, Body: `{"error":{"errorCode":410,"message":"KNOWN"}}`},
		"in an errorCode":           {Status: 418, Body: `{"error":{"errorCode":"KNOWN","message":"no"}}`},
		"in a page for people":      {Body: `<html>KNOWN</html>`, Header: map[string]string{"Content-Type": "text/html"}},
		"in half an answer":         {Body: `{"success":true,"content":{"siteId":"KNOWN`},
		"in content":                {Body: `{"success":true,"content":{"siteId":{"KNOWN":1}}}`},
		"in a success":              {Body: `{"success":"KNOWN"}`},
		"in a siteId":               {Body: `{"success":true,"content":{"siteId":"KNOWN"}}`},
		"in what comes twice":       {Body: `{"KNOWN":1,"KNOWN":2}`},
		"in a trace id":             {Status: 400, Body: `no`, Header: map[string]string{"x-ncp-trace-id": "KNOWN"}},
		"in a Location":             {Status: 302, Header: map[string]string{"Location": "https://elsewhere.invalid/KNOWN"}},
		"in the text of HTTP 401":   {Status: 401, Body: `KNOWN`},
		"in the text of HTTP 404":   {Status: 404, Body: `KNOWN`},
		"in the text of HTTP 500":   {Status: 500, Body: `KNOWN`},
		"behind 490 characters":     {Status: 400, Body: `{"success":false,"error":{"code":"289999","message":"` + strings.Repeat("x", 490) + `KNOWN"}}`},
		"where the text is cut off": {Status: 400, Body: `{"success":false,"error":{"code":"289999","message":"` + strings.Repeat("x", 470) + `KNOWN"}}`},
	}
	return all
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
				if a.Body == `{"success":true,"content":{"siteId":"KNOWN"}}` || strings.Contains(a.Body, `{"KNOWN":1}`) {
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
	return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: errors.New("cannot send " + fmt.Sprint(r.Header) + " the-secret-key")}
}

func TestABrokenConnectionShowsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := adapterTo(t, config(), broken{})
		_, err := a.Check(t.Context())
		wantSilent(t, "Check", err, func(s string) string { return s })
	})
}

func TestAConfigurationDoesNotPrintItsKeys(t *testing.T) {
	c := config()
	adapter, err := ncp.New("acme", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{c, &c, adapter} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "the-access-key") || strings.Contains(text, "the-secret-key") {
				t.Errorf("%s of a %T shows a key", format, v)
			}
		}
	}
}
