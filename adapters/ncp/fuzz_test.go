package ncp

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func FuzzEnvelope(f *testing.F) {
	for _, s := range []string{
		`{"success":true,"content":[{"contentId":"c","licenseCreatedTime":"20240301000000"}],"total":1}`,
		`{"content":[{"contentId":"c"}],"success":true}`,
		`{"success":false,"error":{"code":"281003","name":"SITE_NOT_FOUND","message":"no"}}`,
		`{"success":false,"content":7,"error":"no"}`,
		`{"success":true,"content":null,"total":"many"}`,
		`{"success":true,"content":{}}`,
		`{"error":{"errorCode":200,"message":"Authentication Failed","details":["x"]}}`,
		`{"success":0}`, `{}`, `[]`, `null`, `{"success":true,"success":false}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var e envelope
		if err := json.Unmarshal(body, &e); err != nil {
			return
		}
		var rows []licenseRow
		err := e.decode(&upstream.Response{}, &rows, apierror.OutcomeUnknown(""))
		succeeds := e.Success != nil && *e.Success
		if err == nil && !succeeds {
			t.Errorf("%s is taken for a success", body)
		}
		// What does not say that it failed is not a refusal, or a write that may have been made
		// would be made again.
		if refused := e.Success != nil && !*e.Success; err != nil && refused == apierror.IsOutcomeUnknown(err) {
			t.Errorf("%s: %v", body, err)
		}
	})
}

func FuzzFailure(f *testing.F) {
	f.Add(400, []byte(`{"success":false,"error":{"code":"281003","name":"SITE_NOT_FOUND","message":"no"}}`))
	f.Add(401, []byte(`{"error":{"errorCode":210,"message":"Permission Denied","details":{"a":1}}}`))
	f.Add(500, []byte(`<html>`))
	f.Add(429, []byte(`{"error":{}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		status = 400 + (status%200+200)%200
		e := failure(status, http.Header{}, body)
		if e == nil || e.Code == 0 && e.Reason == 0 && e.Message == "" { // the status decides
			return
		}
		if e.Message == "" || e.Reason == pb.ErrorReason_ERROR_REASON_UNSPECIFIED || e.GRPCStatus() == nil {
			t.Errorf("HTTP %d %s becomes %+v", status, body, e)
		}
		if status >= 500 && e.Metadata[apierror.VendorCode] == "" && e.Reason != pb.ErrorReason_VENDOR_UNAVAILABLE {
			t.Errorf("HTTP %d %s becomes %s", status, body, e.Reason)
		}
	})
}

func FuzzTimes(f *testing.F) {
	f.Add("20240301235959")
	f.Add("1709251199000")
	f.Add("2024-03-01")
	f.Add("99999999999999")
	f.Fuzz(func(t *testing.T, s string) {
		a := &Adapter{id: "v", config: *NewConfig()}
		at, ok := a.instant(word(s))
		digits := strings.Trim(s, "0123456789") == ""
		if !ok || !digits || at.IsZero() {
			return
		}
		if len(s) == len("20060102150405") {
			if back := at.UTC().Format("20060102150405"); back != s {
				t.Errorf("%q is read as %q", s, back)
			}
		} else if n, _ := number(word(s)); at.UnixMilli() != n && at.Unix() != n {
			t.Errorf("%q is read as %s", s, at.Format(time.RFC3339Nano))
		}
	})
}
