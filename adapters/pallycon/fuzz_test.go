package pallycon

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func FuzzEnvelope(f *testing.F) {
	for _, s := range []string{
		`{"_links":{"self":{"href":"h"}},"error_code":"0000","data":[{"reg_time":"20200302235959"}],"count":1}`,
		`{"data":[{"cid":"c"}],"error_code":"0000"}`,
		`{"error_code":"1003","error_message":"no site","data":"none"}`,
		`{"error_code":"0000","data":null}`,
		`{"error_code":"0000","data":{}}`,
		`{"error_code":0}`, `{}`, `[]`, `null`, `{"error_code":"0000","error_code":"1"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var e envelope[[]licenseRow]
		if err := json.Unmarshal(body, &e); err != nil {
			return
		}
		checked, err := e.checked(&upstream.Response{}, apierror.OutcomeUnknown(""))
		// Whatever the vendor sends, only error_code 0000 with readable data is a success.
		if (err == nil) != (e.ErrorCode == success && e.misfit == nil) || err == nil && checked == nil {
			t.Errorf("%s: %v, %v", body, checked, err)
		}
	})
}

func FuzzTimes(f *testing.F) {
	f.Add("20200302235959")
	f.Add("2020-03-02")
	f.Add("99999999999999")
	f.Add("00000101000000")
	f.Fuzz(func(t *testing.T, s string) {
		a := &Adapter{id: "v", config: *NewConfig()}
		made, err := a.packaging("DEMO", packagingRow{CreatedTime: s, UpdateTime: s})
		if at := made.GetCreateTime(); err == nil && at != nil && at.CheckValid() != nil {
			t.Errorf("created_time %q is read as a time that no response can hold: %v", s, at)
		}
		rows, err := a.licenses("DEMO", []licenseRow{{RegTime: s}})
		if err != nil {
			return
		}
		row := rows[0]
		if err := row.GetCreateTime().CheckValid(); err != nil {
			t.Errorf("reg_time %q is read as a time that no response can hold: %v", s, err)
		}
		if back := row.GetCreateTime().AsTime().Format(secondFormat); back != s {
			t.Errorf("reg_time %q is read as %q", s, back)
		}
		if second := a.regTime(row.GetCreateTime()); second != s && row.GetCreateTime().AsTime().Year() <= 9998 {
			t.Errorf("%q is searched for as %q", s, second)
		}
		if changed := changeTime(s); !changed.AsTime().Equal(row.GetCreateTime().AsTime().Truncate(time.Second)) {
			t.Errorf("reg_dt %q is read as %v", s, changed.AsTime())
		}
	})
}
