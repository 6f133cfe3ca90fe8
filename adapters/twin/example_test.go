package twin_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/drmhub/drmhub/adapters/twin"
)

// A twin of a vendor with one call, whose first request finds the vendor busy.
func ExampleNew() {
	sites := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"sites":["DEMO"]}`)
	})
	vendor := twin.New(sites, twin.Options{})
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 503, Body: "busy", Times: 1})

	client := &http.Client{Transport: twin.Transport(vendor)} // No socket is needed.
	for range 2 {
		res, err := client.Get("https://vendor.example/sites")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Println(res.StatusCode, string(body))
	}
	for _, r := range vendor.Ledger().Requests() {
		fmt.Printf("%d: %s %s, fault %q\n", r.Number, r.Method, r.Target, r.Fault)
	}
	// Output:
	// 503 busy
	// 200 {"sites":["DEMO"]}
	// 1: GET /sites, fault "answer"
	// 2: GET /sites, fault ""
}
