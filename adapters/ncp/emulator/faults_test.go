package emulator_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
)

func TestFaultsHaveTheShapeOfTheGatewayOrOfTheService(t *testing.T) {
	echo := "no,\x1b[31m not with " + emulator.DefaultSecretKey
	for code, test := range map[string]struct {
		failure emulator.GatewayError
		status  int
	}{
		"100": {emulator.BadRequest, 400},
		"200": {emulator.AuthenticationFailed, 401},
		"210": {emulator.PermissionDenied, 401},
		"230": {emulator.Forbidden, 403},
		"300": {emulator.NotFound, 404},
		"430": {emulator.RequestTooLarge, 413},
		"400": {emulator.QuotaExceeded, 429},
		"410": {emulator.Throttled, 429},
		"420": {emulator.RateLimited, 429},
		"500": {emulator.EndpointError, 503},
		"510": {emulator.EndpointTimeout, 504},
		"900": {emulator.UnexpectedError, 500},
	} {
		e := newDemo(emulator.Assumptions{})
		test.failure.Details = echo
		fault := e.GatewayFault(test.failure)
		fault.Times = 1
		e.Faults().Add(fault)
		got := get(t, e, "/api/v1/sites")
		wantRefusal(t, got, test.status, code, echo)
		if got.traceID() == "" {
			t.Errorf("%s: no trace id", code)
		}
		if got := get(t, e, "/api/v1/sites"); got.Status != 200 {
			t.Errorf("%s: after the fault: %d %s", code, got.Status, got.Text)
		}
	}
	for code, failure := range map[string]emulator.ServiceError{
		"280000":  emulator.Exception,
		"280001":  emulator.JSONParseFailed,
		"280003":  emulator.InvalidParameter,
		"281003":  emulator.SiteNotFound,
		"281004":  emulator.SiteNotRunning,
		"281005":  emulator.SiteNotOn,
		"281006":  emulator.SiteNotOff,
		"281007":  emulator.SiteNotModifiable,
		"2810011": emulator.CertificateIncomplete,
		"2810012": emulator.LicenseInfoNotFound,
	} {
		e, status := newDemo(emulator.Assumptions{}), 400
		if code == "281003" {
			status = 404
		}
		e.Faults().Add(e.ServiceFault(failure))
		wantFailure(t, get(t, e, "/api/v1/sites"), status, code, failure.Message)
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
