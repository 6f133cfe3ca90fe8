package ncp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestEveryCode(t *testing.T) {
	service := []int{200, 400, 404, 409}
	for code, c := range map[string]struct {
		statuses    []int // in which the code comes
		read, write outcome
	}{
		"280000":  {service, unavailable, unknown},
		"280001":  {service, inputRefused, inputRefused},
		"280002":  {service, unavailable, unknown},
		"280003":  {service, inputRefused, inputRefused},
		"280004":  {service, inputRefused, inputRefused},
		"280005":  {service, wrongState, wrongState},
		"280006":  {service, unauthorized, unauthorized},
		"280007":  {service, forbidden, forbidden},
		"280008":  {service, unavailable, unknown},
		"280009":  {service, wrongState, wrongState},
		"280010":  {service, wrongState, wrongState},
		"280011":  {service, unavailable, unknown},
		"281003":  {service, notFound, notFound},
		"281004":  {service, wrongState, wrongState},
		"281005":  {service, wrongState, wrongState},
		"281006":  {service, wrongState, wrongState},
		"281007":  {service, wrongState, wrongState},
		"2810011": {service, inputRefused, inputRefused},
		"2810012": {service, notFound, notFound},
		"289999":  {service, rejected, rejected},
		"100":     {[]int{400, 200}, inputRefused, inputRefused},
		"200":     {[]int{401}, unauthorized, unauthorized},
		"210":     {[]int{401}, forbidden, forbidden},
		"230":     {[]int{403}, forbidden, forbidden},
		"300":     {[]int{404, 410, 200}, unreadable, unknown}, // the gateway knows no sites
		"430":     {[]int{413}, inputRefused, inputRefused},
		"400":     {[]int{429}, throttled, throttled},
		"410":     {[]int{429, 200}, throttled, throttled},
		"420":     {[]int{429}, throttled, throttled},
		"500":     {[]int{503, 200}, unavailable, unknown}, // a breakdown is not a refusal in HTTP 200 either
		"510":     {[]int{504, 200}, unavailable, unknown},
		"900":     {[]int{500, 200}, unavailable, unknown},
		"777":     {[]int{418}, rejected, rejected},
		"301":     {[]int{404}, unreadable, unknown},
		"201":     {[]int{401}, unauthorized, unauthorized},
		"231":     {[]int{403}, forbidden, forbidden},
		"440":     {[]int{429}, throttled, throttled},
		"901":     {[]int{502}, unavailable, unknown},
	} {
		for _, status := range c.statuses {
			a := refusal(status, code)
			if len(code) == 3 { // The gateway's errors have another form.
				a.Body = `{"error":{"errorCode":"` + code + `","message":"No","details":"not so"}}`
			}
			if status == http.StatusOK && len(code) == 3 {
				a.Body = `{"success":false,` + a.Body[1:]
			}
			wantRefused(t, fmt.Sprint(code, " in HTTP ", status), a, c.read, c.write, code)
			a.Body = strings.Replace(a.Body, `"`+code+`"`, code, 1)
			wantRefused(t, fmt.Sprint(code, " as a number in HTTP ", status), a, c.read, c.write, code)
		}
	}
}

// wantRefused has the vendor answer a read and a write so, and demands these outcomes.
func wantRefused(t *testing.T, what string, a answer, read, write outcome, code string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
		adapter, _ := serve(t, config(), map[string][]answer{getSite: {a}})
		_, err := adapter.GetSite(t.Context(), &pb.GetSiteRequest{Name: demo})
		e := want(t, what+", to GetSite", err, read)
		said, id := e.Metadata[apierror.VendorMessage], e.Metadata[apierror.VendorRequestID]
		if e.Metadata[apierror.VendorCode] != code || said == "" || id != "36c9k60om4p3238cpmc9gm4cj4" {
			t.Errorf("%s: the metadata are %v, want the code %s, the vendor's message and its request id",
				what, e.Metadata, code)
		}

		adapter, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn}, putOff: {a}})
		log := mutation.NewMemory()
		_, err = disable(t, adapter, log)
		if e = want(t, what+", to DisableSite", err, write); e.Metadata[apierror.VendorCode] != code {
			t.Errorf("%s: the metadata are %v, want the code %s", what, e.Metadata, code)
		}
		vendor.WantMade(putOff, 1)
		if lost := log.Get("off").State == mutation.Sent; lost != (write == unknown) {
			t.Errorf("%s: the step is %v", what, log.Get("off").State)
		}
	})
}

func TestARefusalSaysWhetherItIsTheClockOrTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, failed = "access_key and secret_key are refused", "Authentication Failed"
		const body = `{"error":{"errorCode":"200","message":"` + failed + `","details":"Invalid key."}}`
		date := func(ahead time.Duration) string { return time.Now().Add(-ahead).UTC().Format(http.TimeFormat) }
		for what, c := range map[string]struct {
			date string
			want []string
		}{
			"a clock that is right": {date(0), []string{keys, failed}},
			"a minute ahead":        {date(time.Minute), []string{keys, failed}},
			"six minutes ahead":     {date(372 * time.Second), []string{"is 6m12s ahead of the vendor's", failed}},
			"five minutes behind":   {date(-5 * time.Minute), []string{"is 5m0s behind the vendor's", failed}},
			"another zone":          {date(9 * time.Hour), []string{"is 9h0m0s ahead of the vendor's", failed}},
			"without a date":        {"never", []string{"access_key", "secret_key", "clock"}},
		} {
			refused := answer{Status: 401, Body: body, Header: map[string]string{"Date": c.date}}
			a, _ := serve(t, config(), map[string][]answer{getSites: {refused}})
			_, err := a.Check(t.Context())
			wantSaid(t, what, want(t, what, err, unauthorized), c.want...)
		}
	})
}

func wantSaid(t *testing.T, what string, e *apierror.Error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(e.Message, part) {
			t.Errorf("%s: the error says %q, without %q", what, e.Message, part)
		}
	}
}

func TestTheTwinRefusesAnotherTimeOrKey(t *testing.T) {
	const keys, clock = "access_key and secret_key are refused", "this machine's clock"
	off := func(d time.Duration) *twin.Clock { return twin.FrozenClock(time.Now().Add(d)) }
	for what, c := range map[string]struct {
		vendor emulator.Options
		outcome
		says string
	}{
		"a slow clock":       {emulator.Options{Clock: off(-6 * time.Minute)}, unauthorized, clock},
		"a fast clock":       {emulator.Options{Clock: off(6 * time.Minute)}, unauthorized, clock},
		"another access key": {emulator.Options{AccessKey: "another"}, unauthorized, keys},
		"another secret key": {emulator.Options{SecretKey: "another"}, unauthorized, keys},
		"a denied call":      {emulator.Options{Denied: []string{getSites}}, forbidden, "may not make this call"},
	} {
		_, err := adapterTo(t, twinConfig(), twin.Transport(emulator.New(c.vendor))).Check(t.Context())
		e := want(t, what, err, c.outcome)
		wantSaid(t, what, e, c.says)
		if c.vendor.Clock != nil && strings.Contains(e.Message, "access_key") {
			t.Errorf("%s: the error says %q", what, e.Message)
		}
	}
}

func TestResponsesOfAnotherForm(t *testing.T) {
	none := outcome{} // The response to a switch may have any content, because it proves nothing.
	for body, c := range map[string]struct{ read, write outcome }{
		`{"content":[]}`:                     {unreadable, unknown},
		`{"success":"perhaps","content":[]}`: {unreadable, unknown},
		`{"success":null,"content":[]}`:      {unreadable, unknown},
		`{"success":true}`:                   {unreadable, none},
		`{"success":true,"total":3}`:         {unreadable, none},
		`{"success":"","content":[]}`:        {unreadable, unknown},
		`{"status":"ok"}`:                    {unreadable, unknown},
		`{}`:                                 {unreadable, unknown},
		`{"success":true,"content":[],"error":{"code":281004}}`: {unreadable, unknown},
		`{"error":{"errorCode":"200","message":"not so"}}`:      {unreadable, unknown},
		`{"error":{"code":"281003","name":"SITE_NOT_FOUND"}}`:   {unreadable, unknown},
		`{"Success":true,"content":[]}`:                         {unreadable, unknown},
		`{"success":true,"success":false,"content":[]}`:         {unreadable, unknown},
		`{"success":true,"content":{"siteId":7}}`:               {unreadable, none},
		`{"success":true,"content":[[]]}`:                       {unreadable, none},
		`[]`:                                                    {unreadable, unknown},
		`null`:                                                  {unreadable, unknown},
		`{"success":true,"content":[`:                           {unreadable, unknown},
		`{ {"success":true,"content":[]}`:                       {unreadable, unknown}, // as on the page
		``:                                                      {unreadable, unknown},
		`<html>Welcome</html>`:                                  {unreadable, unknown},
		`{"success":false}`:                                     {rejected, rejected},
		`{"success":false,"error":null}`:                        {rejected, rejected},
		`{"success":false,"error":"no"}`:                        {rejected, rejected},
		`{"success":false,"error":{"code":{"a":1},"message":["no"]}}`:             {rejected, rejected},
		`{"success":false,"content":[],"error":{"code":"289999","message":"no"}}`: {rejected, rejected},
	} {
		replies := map[string][]answer{getLicenses: {{Body: body}}, getSite: {siteOn}, putOff: {{Body: body}}}
		a, _ := serve(t, config(), replies)
		_, err := list(t, a, nil)
		want(t, body+", to ListLicenses", err, c.read)
		if c.write == none {
			continue
		}
		log := mutation.NewMemory()
		_, err = disable(t, a, log)
		want(t, body+", to DisableSite", err, c.write)
		if sent := log.Get("off").State == mutation.Sent; sent != (c.write == unknown) {
			t.Errorf("%s: the step is %v", body, log.Get("off").State)
		}
	}
}
