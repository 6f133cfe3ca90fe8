package twin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func send(tw *twin.Twin, method, target, contentType, body string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	tw.ServeHTTP(httptest.NewRecorder(), r)
}

func TestLedgerHoldsRequestsAndTheirEffects(t *testing.T) {
	clock := twin.FrozenClock(now)
	tw := newTwin(twin.Options{Clock: clock})
	send(tw, "GET", "/a%2Fb?x=1", "", "")
	clock.Advance(time.Minute)
	send(tw, "POST", "/b", "text/plain", "hello")
	requests, effects := tw.Ledger().Requests(), tw.Ledger().Effects()
	if len(requests) != 2 || len(effects) != 1 {
		t.Fatalf("%d requests and %d effects, want 2 and 1", len(requests), len(effects))
	}
	r := requests[0]
	if r.Number != 1 || r.Method+" "+r.Target != "GET /a%2Fb?x=1" || r.Status != 200 || r.Body != "" {
		t.Errorf("first request %+v", r)
	}
	if r = requests[1]; r.Number != 2 || r.Body != "hello" || !r.Time.Equal(clock.Now()) {
		t.Errorf("second request %+v", r)
	}
	want := twin.Effect{
		Request: 2, Time: clock.Now(), Kind: "created", Key: "hello", Details: map[string]string{"path": "/b"},
	}
	if !reflect.DeepEqual(effects[0], want) {
		t.Errorf("effect %+v, want %+v", effects[0], want)
	}
	tw.Ledger().Clear()
	send(tw, "GET", "/c", "", "")
	if r := tw.Ledger().Requests(); len(r) != 1 || r[0].Number != 3 || len(tw.Ledger().Effects()) != 0 {
		t.Errorf("after Clear the ledger holds %+v", r)
	}
}

func TestLedgerHoldsNoSecrets(t *testing.T) {
	tw := newTwin(twin.Options{Secrets: []string{"token", "key_pw"}, SecretHeaders: []string{"x-signature"}})
	const secret = "s3cr3t"
	r := httptest.NewRequest("GET", "/a?token="+secret+"&b=2&%74oken="+secret, nil)
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Signature"} {
		r.Header.Add(name, secret)
		r.Header.Add(name, secret)
	}
	r.Header.Set("X-Other", "shown")
	tw.ServeHTTP(httptest.NewRecorder(), r)
	if got := tw.Ledger().Requests()[0]; strings.Contains(fmt.Sprintf("%+v", got), secret) ||
		got.Target != "/a?token=[redacted]&b=2&%74oken=[redacted]" || got.Header.Get("X-Other") != "shown" ||
		got.Header.Get("Authorization") != "[redacted]" || len(got.Header.Values("X-Signature")) != 2 {
		t.Errorf("the ledger has %+v", got)
	}
	const json, form = "application/json", "application/x-www-form-urlencoded"
	const multipart = "--x\r\nContent-Disposition: form-data; name=\"key_pw\"\r\n\r\ns3cr3t\r\n--x--\r\n"
	for _, b := range []struct{ contentType, body, kept string }{ // an empty kept is not checked
		{json, `{"a":[{"TOKEN":"s3cr3t"}],"b":12345678901234567890}`,
			`{"a":[{"TOKEN":"[redacted]"}],"b":12345678901234567890}`},
		{json, `{"x":{"token":"s3cr3t"},"x":1}`, ""},
		{json, `{"\u0074oken":{"deep":"s3cr3t"}}`, ""},
		{json, `{"a":1}} {"token":"s3cr3t"}`, ""},
		{json, `{ "z": 1.0,  "a": "x" }`, `{ "z": 1.0,  "a": "x" }`},
		{form, `a=1&key_pw=s3cr3t`, `a=1&key_pw=[redacted]`},
		{"multipart/form-data; boundary=x", multipart, ""},
		{"", `token: s3cr3t`, ""},
	} {
		tw.Ledger().Clear()
		send(tw, "PUT", "/b", b.contentType, b.body)
		got := tw.Ledger().Requests()[0]
		if strings.Contains(fmt.Sprintf("%+v", got), secret) || b.kept != "" && got.Body != b.kept {
			t.Errorf("%s is kept as %+v, want %q", b.body, got, b.kept)
		}
	}
}

func TestLedgerIsBounded(t *testing.T) {
	tw := newTwin(twin.Options{})
	for range 10_050 {
		send(tw, "POST", "/", "", "")
	}
	requests, effects := tw.Ledger().Requests(), tw.Ledger().Effects()
	if len(requests) != 10_000 || requests[0].Number != 51 || len(effects) != 10_000 {
		t.Errorf("%d requests from number %d, %d effects", len(requests), requests[0].Number, len(effects))
	}
	large := strings.Repeat("x", 3<<20)
	for range 40 {
		send(tw, "PUT", "/", "text/plain", large)
	}
	held := 0
	for _, r := range tw.Ledger().Requests() {
		held += len(r.Body)
	}
	if held != 32<<20 {
		t.Errorf("the ledger holds %d bytes of bodies, want the 32 MiB that it may", held)
	}
	tooLarge := newRequest(t, "POST", "/", strings.Repeat("x", 32<<20+1))
	if got := twintest.Serve(tw, tooLarge); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", got.Status)
	}
}

func TestTwinIsSafeForConcurrentUse(t *testing.T) {
	tw := newTwin(twin.Options{})
	client := &http.Client{Transport: twin.Transport(tw)}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				id := tw.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 500, Times: 3, Path: "/x"})
				_, _, _, _ = call(t, client, "POST", "http://v/x", "x")
				tw.Clock().Advance(time.Second)
				_, _ = tw.Ledger().Requests(), tw.Ledger().Effects()
				tw.Faults().Remove(id)
			}
		})
	}
	wg.Wait()
	if n := len(tw.Ledger().Requests()); n != 400 {
		t.Errorf("%d requests in the ledger, want 400", n)
	}
}

func FuzzLedgerRedaction(f *testing.F) {
	f.Add("application/json", `{"password":"v"}`)
	f.Add("application/json", `[{"a":{"Password":1}},{"password":{"b":"v"}}]`)
	f.Add("application/x-www-form-urlencoded", "a=1&password=v&pass%77ord=w")
	f.Add("", `{"password":"a"}{"password":"b"}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		tw := newTwin(twin.Options{Secrets: []string{"password"}})
		send(tw, "PUT", "/?password=needle&x=1", contentType, body)
		r := tw.Ledger().Requests()[0]
		if strings.Contains(r.Target, "needle") {
			t.Errorf("target %q", r.Target)
		}
		var kept any
		_ = json.Unmarshal([]byte(r.Body), &kept)
		for _, value := range secretsIn(kept) {
			if value != "[redacted]" {
				t.Errorf("%q is kept as %q", body, r.Body)
			}
		}
	})
}

// secretsIn returns the values of all keys "password" in a JSON value.
func secretsIn(v any) (values []any) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if strings.EqualFold(key, "password") {
				values = append(values, inner)
			} else {
				values = append(values, secretsIn(inner)...)
			}
		}
	case []any:
		for _, inner := range v {
			values = append(values, secretsIn(inner)...)
		}
	}
	return values
}
