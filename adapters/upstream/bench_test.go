package upstream

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// A license is a row of a license history.
type license struct {
	CID          string `json:"cid"`
	Status       string `json:"status"`
	ErrorCode    string `json:"error_code"`
	DRMType      string `json:"drm_type"`
	UserID       string `json:"user_id"`
	DeviceID     string `json:"device_id"`
	DeviceModel  string `json:"device_model"`
	LicenseType  string `json:"license_type"`
	PlatformName string `json:"platform_name"`
	RegTime      string `json:"reg_time"`
}

type licensePage struct {
	ErrorCode string              `json:"error_code"`
	Data      jsonx.Rows[license] `json:"data"`
	Count     int                 `json:"count"`
}

// BenchmarkDecode decodes a page of 100 rows, as an adapter and as encoding/json do.
func BenchmarkDecode(b *testing.B) {
	var rows []string
	for i := range 100 {
		rows = append(rows, fmt.Sprintf(
			`{"cid":"movie-%04d-of-the-second-season","status":"success","error_code":"","drm_type":"Widevine",`+
				`"user_id":"user-%04d@example.com","device_id":"c0ffee00-0000-4000-8000-%012d",`+
				`"device_model":"SM-G998N of the year 2021, rooted","license_type":"PALLYCON",`+
				`"platform_name":"Android 14","reg_time":"202601020304%02d"}`, i%7, i, i, 59-i/2))
	}
	page := `{"error_code":"0000","error_message":"Success","data":[` + strings.Join(rows, ",") + `],"count":100}`
	measure := func(name string, decode func(res *http.Response) (rows int, err error)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				res := &http.Response{Body: io.NopCloser(strings.NewReader(page)), Header: http.Header{}}
				if rows, err := decode(res); err != nil || rows != 100 {
					b.Fatal(rows, err)
				}
			}
		})
	}
	measure("drmhub", func(res *http.Response) (int, error) {
		uncompress(res)
		var p licensePage
		err := decode(res, &p, 16<<20)
		return len(p.Data), err
	})
	measure("encoding-json", func(res *http.Response) (int, error) {
		var p struct {
			ErrorCode string    `json:"error_code"`
			Data      []license `json:"data"`
			Count     int       `json:"count"`
		}
		err := json.NewDecoder(res.Body).Decode(&p)
		return len(p.Data), err
	})
}
