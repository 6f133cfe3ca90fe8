package emulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	base     = "https://service.pallycon.com"
	codeSite = "UC011004100"
	codeDRM  = "UA003001100"
)

// sign makes a token of any header and payload.
func sign(key, header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const (
	goodHeader  = `{"alg":"HS256","typ":"JWT"}`
	goodPayload = `{"sub":"PallyConAPI","aud":"INKA","iss":"PallyCon","account_id":"sandbox","account_seq":"1"}`
)

func goodToken() string { return sign(emulator.DefaultServiceAPIKey, goodHeader, goodPayload) }

// A reply is a response of the emulator.
type reply struct {
	twintest.Reply `json:"-"`

	ErrorCode    string          `json:"error_code"`
	ErrorMessage string          `json:"error_message"`
	Data         json.RawMessage `json:"data"`
	Count        *int            `json:"count"`
}

// do sends r in process.
func do(t *testing.T, e http.Handler, r *http.Request) reply {
	t.Helper()
	out := reply{Reply: twintest.Send(t, twin.Transport(e), r)}
	if out.Status == http.StatusOK {
		twintest.Decode(t, out.Text, &out)
		if got := out.ContentType(); got != "application/json;charset=UTF-8" {
			t.Errorf("content type %q", got)
		}
	}
	return out
}

func request(t *testing.T, method, target, contentType, body string) *http.Request {
	t.Helper()
	r := twintest.Request(t, method, base+target, body)
	r.Header.Set("Authorization", "Bearer "+goodToken())
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// get sends a GET with parameters given as a query.
func get(t *testing.T, e http.Handler, path, query string) reply {
	t.Helper()
	return do(t, e, request(t, "GET", path+"?"+query, "", ""))
}

// list sends a license query for site DEMO.
func list(t *testing.T, e http.Handler, query string) reply {
	t.Helper()
	return get(t, e, "/api/v2/drm/license", "api_code="+codeDRM+"&site_id=DEMO&"+query)
}

// rows are the values that the rows of an answer have under key.
func (r reply) rows(t *testing.T, key string) string {
	t.Helper()
	var rows []map[string]any
	twintest.Decode(t, string(r.Data), &rows)
	values := make([]string, len(rows))
	for i, row := range rows {
		values[i], _ = row[key].(string)
	}
	return strings.Join(values, " ")
}

// field is one value of a reply whose data is an object.
func (r reply) field(name string) string {
	var data map[string]string
	_ = json.Unmarshal(r.Data, &data) // a wrong shape shows as a missing value
	return data[name]
}

// wantFailure demands a failure with this code and a part of its message.
func (r reply) wantFailure(t *testing.T, what, code, message string) {
	t.Helper()
	if r.Status != http.StatusOK || r.ErrorCode != code || !strings.Contains(r.ErrorMessage, message) || r.Data != nil {
		t.Errorf("%s: %d %s, want code %s and %q", what, r.Status, r.Text, code, message)
	}
}

func (r reply) count() int {
	if r.Count == nil {
		return -1
	}
	return *r.Count
}

// demo is an emulator with site DEMO (both services running) and site TEST (DRM suspended).
func demo(options emulator.Options) *emulator.Emulator {
	e := emulator.New(options)
	e.PutSites(
		emulator.Site{SiteID: "DEMO", ServiceName: "Demo <site>", Products: []emulator.Product{
			{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService},
			{ServiceCode: emulator.ServiceFWM, StatusCode: emulator.StateInService},
		}},
		emulator.Site{SiteID: "TEST", ServiceName: "Test", Products: []emulator.Product{
			{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateSuspended},
		}},
	)
	return e
}
