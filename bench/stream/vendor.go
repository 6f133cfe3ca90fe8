package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// newest is when the newest row was asked for.
var newest = time.Date(2026, 3, 2, 23, 59, 59, 0, time.UTC)

// startVendor serves PallyCon's calls for one site, DEMO, with so many licenses: three in every
// second, none like another.
func startVendor(ctx context.Context, rows int) (url string, stop func(), err error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/account/siteId", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, []byte(`{"error_code":"0000","data":[{"site_id":"DEMO","service_name":"Demo","product_list":[]}],"count":1}`))
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
		answer(w, fmt.Appendf(body, `],"count":%d}`, rows))
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // its end is stop
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}

// appendRow adds the row at a position, 0 being the newest, in the form and of about the length of
// the guide's samples.
func appendRow(body []byte, i int) []byte {
	regTime := newest.Add(-time.Duration(i/3) * time.Second).Format("20060102150405")
	return fmt.Appendf(body, `{"cid":"content-%06d","status":"success","error_code":"0000","drm_type":"Widevine","user_id":"viewer-%08d@example.com",`+
		`"device_id":"13406080a61bef63aaa1d99a32f51e31c%07d","device_model":"ChromeCDM-Windows-2","license_type":"token","platform_name":"Windows",`+
		`"reg_time":"%s"}`, i%5000, i, i, regTime)
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(body) // a server that has gone away misses nothing
}
