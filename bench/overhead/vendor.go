package main

import (
	"fmt"
	"net/http"
	"time"
)

// newest is the time of the newest license.
var newest = time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC)

// vendor serves PallyCon's lists of sites and of licenses. All responses are made before the first
// request.
func vendor() http.Handler {
	sites := []byte(`{"error_code":"0000","error_message":"Success","data":[{"site_id":"HUNDRED",` +
		`"service_name":"Movies","product_list":[{"service_code":"PD001","status_code":"SE000"},` +
		`{"service_code":"PD002","status_code":"SE001"}]}],"count":1}`)
	licenses := map[string][]byte{}
	for site, n := range rows {
		licenses[site] = licensePage(n)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/account/siteId", func(w http.ResponseWriter, _ *http.Request) { send(w, sites) })
	mux.HandleFunc("GET /api/v2/drm/license", func(w http.ResponseWriter, r *http.Request) {
		send(w, licenses[r.URL.Query().Get("site_id")])
	})
	return mux
}

// licensePage returns a whole list, newest license first. A row has the form and about the length
// of the guide's samples.
func licensePage(n int) []byte {
	page := []byte(`{"error_code":"0000","error_message":"Success","data":[`)
	for i := range n {
		if i > 0 {
			page = append(page, ',')
		}
		page = fmt.Appendf(page, `{"cid":"content-%06d","status":"success","error_code":"0000","drm_type":"Widevine",`+
			`"user_id":"viewer-%08d@example.com","device_id":"13406080a61bef63aaa1d99a32f51e31c%07d",`+
			`"device_model":"ChromeCDM-Windows-2","license_type":"token","platform_name":"Windows",`+
			`"reg_time":"%s"}`, i, i, i, newest.Add(-time.Duration(i)*time.Second).Format(secondFormat))
	}
	return fmt.Appendf(page, `],"count":%d}`, n)
}

func send(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(body) // An error means that the server has gone.
}
