package telecomx

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func FuzzAccounts(f *testing.F) {
	for _, s := range []string{
		`{"offset":10,"limit":10,"total":23,"accounts":[{"username":"donald@duck.com","password":"vgh38gy3uvhebv",
			"devices":2,"created":"2016-01-01T00:00:00.000Z"}]}`,
		`{"accounts":[{"username":"a/b%","devices":[{"id":"12345678901234567890AAAA","type":"IOS","model":"iPhone 6",
			"name":"Donalds mobile"},{"_id":"..","type":"NEW"}]}]}`,
		`{"accounts":[{"username":"","devices":null,"created":""}]}`, `{"accounts":[{"devices":-0.0}]}`,
		`{"accounts":[{"devices":1e3}]}`, `{"accounts":null}`,
		`{"accounts":[{"username":"x","devices":[{"id":"a","id":"b"}]}]}`, `{}`, `[]`, `null`,
	} {
		f.Add([]byte(s))
	}
	a := &Adapter{id: "vendor/1"}
	f.Fuzz(func(t *testing.T, body []byte) {
		var page accountPage
		if jsonx.UnmarshalRead(bytes.NewReader(body), &page) != nil {
			return
		}
		for _, row := range page.Accounts {
			username := row.Value.Username
			account, err := a.checked(row, "", pb.DrmAccount_FULL)
			if err != nil {
				if apierror.Convert(err).Reason != pb.ErrorReason_VENDOR_RESPONSE_INVALID {
					t.Errorf("%v", err)
				}
				continue
			}
			name, devices := names.DrmAccount.Name(a.id, username), account.GetDevices()
			if account.GetName() != name || account.GetUsername() == "" {
				t.Errorf("the account %q is named %q", username, account.GetName())
			}
			if n := int(account.GetDeviceCount()); n < 0 || len(devices) > 0 && len(devices) != n {
				t.Errorf("%d devices are counted, and %d shown", n, len(devices))
			}
			for _, d := range devices {
				id := names.Pattern("*").Name(d.GetDeviceId())
				if d.GetDeviceId() == "" || d.GetName() != account.GetName()+"/devices/"+id {
					t.Errorf("the device %q of %q is named %q", d.GetDeviceId(), account.GetName(), d.GetName())
				}
			}
			if created := account.GetCreateTime(); created != nil && !created.IsValid() {
				t.Errorf("created %q is read as %v", row.Value.Created, created)
			}
			shown, err := a.checked(row, "", pb.DrmAccount_BASIC)
			if err != nil || shown.GetPassword() != "" || len(shown.GetDevices()) > 0 {
				t.Errorf("the BASIC view shows more than it may, %v", err)
			}
		}
	})
}

func FuzzErrors(f *testing.F) {
	for _, s := range []string{
		`{"error":"access_denied"}`, `{"message":"access_denied"}`, `access_denied`, `"access_denied"`,
		`{"error":{"code":"x"}}`, `{"error":403,"message":"no entry"}`, `{"error":"id","error":"id"}`, `{"error":"`,
		`{"error":"id","expires":"2026-03-01T12:00:00.000Z"}`, `{"message":"\ud800"}`, "<html>\x1b[31m",
		"", " \n", "\xff",
	} {
		for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500} {
			f.Add(status, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 400 || status > 999 {
			return // is no error
		}
		e := (&Adapter{}).failure(status, http.Header{}, body)
		if e == nil {
			return // is not in TelecomX's form
		}
		// What is left open, the HTTP status decides.
		if (e.Code == codes.OK) != (e.Reason == 0) || e.Code != codes.OK && e.Message == "" {
			t.Errorf("HTTP %d is read as %v, %v: %q", status, e.Code, e.Reason, e.Message)
		}
		if e.Code == codes.Unavailable || status >= 500 && e.Code != codes.OK {
			t.Errorf("HTTP %d is read as %v", status, e.Code)
		}
		said, text := e.Metadata[apierror.VendorCode], string(body)
		if !isWord(said) || !strings.Contains(text, said) && !strings.Contains(text, `\`) {
			t.Errorf("of %q, the code is %q", body, said)
		}
		if strings.TrimSpace(text) != "" && said+e.Metadata[apierror.VendorMessage] == "" {
			t.Errorf("of %q, nothing is told", body)
		}
	})
}

func FuzzTokensInTheQuery(f *testing.F) {
	f.Add("41ed6c3a1704faee921926470ac03b73", "limit=1")
	f.Add(`a b+c&d=e%25#?/"é`, "")
	f.Fuzz(func(t *testing.T, token, query string) {
		plain, err := url.ParseQuery(query)
		if err != nil || plain.Has("token") || token == "" || !utf8.ValidString(token) {
			return
		}
		s := newSession(Config{Token: secret.New(token)}, nil)
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}}
		if err := s.sign(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		signed, err := url.ParseQuery(r.URL.RawQuery)
		added := r.URL.RawQuery[len(query):]
		isOne := len(signed["token"]) == 1 && signed.Get("token") == token
		if err != nil || !isOne || strings.ContainsAny(added, " +\"#") {
			t.Fatalf("the token %q arrives as %q, %v", token, signed["token"], err)
		}
		signed.Del("token")
		if signed.Encode() != plain.Encode() {
			t.Errorf("the query %q arrives as %q", query, signed.Encode())
		}
	})
}

func FuzzLives(f *testing.F) {
	f.Add(15.0)
	f.Add(-1.0)
	f.Add(0.0)
	f.Add(1e300)
	f.Fuzz(func(t *testing.T, minutes float64) {
		switch got := life(minutes); {
		case minutes < 0 && got != 0:
			t.Errorf("a token that does not expire is good for %v", got)
		case minutes >= 0 && (got < 0 || got.Hours() > 365*24):
			t.Errorf("a token of %v minutes is good for %v", minutes, got)
		}
	})
}
