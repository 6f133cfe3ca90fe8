package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// newest is the time of the newest row.
var newest = time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC)

// vendor serves PallyCon's calls for the site DEMO with this number of different licenses, three in
// every second.
func vendor(rows int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/account/siteId", func(w http.ResponseWriter, _ *http.Request) {
		const demo = `{"site_id":"DEMO","service_name":"Demo","product_list":[]}`
		send(w, []byte(`{"error_code":"0000","data":[`+demo+`],"count":1}`))
	})
	mux.HandleFunc("GET /api/v2/drm/license", func(w http.ResponseWriter, r *http.Request) {
		unit, _ := strconv.Atoi(r.URL.Query().Get("page_unit"))
		index, _ := strconv.Atoi(r.URL.Query().Get("page_index"))
		body := []byte(`{"error_code":"0000","data":[`)
		for i := unit * (index - 1); i < min(unit*index, rows); i++ {
			if i > unit*(index-1) {
				body = append(body, ',')
			}
			body = appendRow(body, i)
		}
		send(w, fmt.Appendf(body, `],"count":%d}`, rows))
	})
	return mux
}

// appendRow appends the row at a position. Row 0 is the newest. A row has the form and about the
// length of the guide's samples.
func appendRow(body []byte, i int) []byte {
	regTime := newest.Add(-time.Duration(i/3) * time.Second).Format("20060102150405")
	return fmt.Appendf(body, `{"cid":"content-%06d","status":"success","error_code":"0000","drm_type":"Widevine",`+
		`"user_id":"viewer-%08d@example.com","device_id":"13406080a61bef63aaa1d99a32f51e31c%07d",`+
		`"device_model":"ChromeCDM-Windows-2","license_type":"token","platform_name":"Windows",`+
		`"reg_time":"%s"}`, i%5000, i, i, regTime)
}

func send(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(body) // an error means that the server has gone
}
