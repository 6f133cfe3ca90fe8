package emulator_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
)

func TestGatewayFaultsHaveTheGatewaysShape(t *testing.T) {
	echo := "no,\x1b[31m not with " + emulator.DefaultSecretKey
	for name, test := range map[string]struct {
		failure emulator.GatewayError
		status  int
		code    string
	}{
		"bad request":       {emulator.BadRequest, 400, "100"},
		"authentication":    {emulator.AuthenticationFailed, 401, "200"},
		"permission":        {emulator.PermissionDenied, 401, "210"},
		"forbidden":         {emulator.Forbidden, 403, "230"},
		"not found":         {emulator.NotFound, 404, "300"},
		"too large":         {emulator.RequestTooLarge, 413, "430"},
		"quota":             {emulator.QuotaExceeded, 429, "400"},
		"throttled":         {emulator.Throttled, 429, "410"},
		"rate":              {emulator.RateLimited, 429, "420"},
		"endpoint":          {emulator.EndpointError, 503, "500"},
		"endpoint time-out": {emulator.EndpointTimeout, 504, "510"},
		"unexpected":        {emulator.UnexpectedError, 500, "900"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newDemo(emulator.Assumptions{})
			test.failure.Details = echo
			fault := e.GatewayFault(test.failure)
			fault.Times = 1
			e.Faults().Add(fault)
			got := get(t, e, "/api/v1/sites")
			wantRefusal(t, got, test.status, test.code, echo)
			if got.traceID() == "" {
				t.Error("no trace id")
			}
			if got := get(t, e, "/api/v1/sites"); got.Status != 200 {
				t.Errorf("after the fault: %d %s", got.Status, got.Text)
			}
		})
	}
}

func TestFaultsFollowTheAssumptions(t *testing.T) {
	e := newDemo(emulator.Assumptions{NumericErrorCodes: true, FailureStatus: 200})
	fault := e.GatewayFault(emulator.Throttled)
	fault.Times = 1
	fault.Header["Retry-After"] = "7"
	e.Faults().Add(fault)
	wantJSON(t, get(t, e, "/api/v1/sites").Text, `{"error":{"errorCode":410,"message":"Throttle Limited"}}`)

	e.Faults().Add(e.ServiceFault(emulator.ServiceError{Code: "4711", Name: "NOBODY_KNOWS", Message: "no"}))
	got := get(t, e, "/api/v1/sites")
	wantFailure(t, got, 200, "4711", "no")
	wantJSON(t, got.Text, `{"success":false,"error":{"code":"4711","name":"NOBODY_KNOWS","message":"no"}}`)
}

func TestServiceFaultsHaveTheServicesShape(t *testing.T) {
	for code, test := range map[string]struct {
		failure emulator.ServiceError
		status  int
	}{
		"280000":  {emulator.Exception, 400},
		"280001":  {emulator.JSONParseFailed, 400},
		"280003":  {emulator.InvalidParameter, 400},
		"281003":  {emulator.SiteNotFound, 404},
		"281004":  {emulator.SiteNotRunning, 400},
		"281005":  {emulator.SiteNotOn, 400},
		"281006":  {emulator.SiteNotOff, 400},
		"281007":  {emulator.SiteNotModifiable, 400},
		"2810011": {emulator.CertificateIncomplete, 400},
		"2810012": {emulator.LicenseInfoNotFound, 400},
	} {
		e := newDemo(emulator.Assumptions{})
		e.Faults().Add(e.ServiceFault(test.failure))
		wantFailure(t, get(t, e, "/api/v1/sites"), test.status, code, test.failure.Message)
	}
}
