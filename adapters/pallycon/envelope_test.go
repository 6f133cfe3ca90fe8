package pallycon_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestASuccessIsKnownByItsCodeAlone(t *testing.T) {
	for what, answer := range map[string]string{
		"with a text":            `{"error_code":"0000","error_message":"Success.","data":[` + row + `],"count":1}`,
		"with null for a text":   `{"error_code":"0000","error_message":null,"data":[` + row + `],"count":1}`,
		"with the code last":     `{"count":1,"data":[` + row + `],"error_message":"Success.","error_code":"0000"}`,
		"with members unknown":   `{"_links":{"self":{"href":"x"}},"version":[2,{"x":null}],"error_code":"0000","data":[` + row + `],"count":1}`,
		"with fields unknown":    `{"error_code":"0000","data":[` + strings.Replace(row, `{`, `{"country":"KR",`, 1) + `],"count":1}`,
		"without a count":        `{"error_code":"0000","data":[` + row + `]}`,
		"with white space about": " \r\n{\"error_code\" : \"0000\" , \"data\" : [ " + row + " ] , \"count\" : 1 }\n\n",
	} {
		a, _ := serve(t, config(), map[string]string{getLicenses: answer, getSites: fixture(t, "account-siteId.json")})
		res, err := list(t, a, nil)
		if err != nil || len(res.GetLicenses()) != 1 {
			t.Errorf("%s: %d rows, want 1; %v", what, len(res.GetLicenses()), err)
		}
	}
}

func TestAFailureIsNeverASuccess(t *testing.T) {
	for what, answer := range map[string]string{
		"alone":                      `{"error_code":"7777","error_message":"no"}`,
		"with rows":                  `{"error_code":"7777","error_message":"no","data":[` + row + `],"count":1}`,
		"after the rows":             `{"data":[` + row + `],"count":1,"error_message":"no","error_code":"7777"}`,
		"with data of another form":  `{"error_code":"7777","error_message":"no","data":{"reason":["no"]}}`,
		"after data of another form": `{"data":"no","error_code":"7777","error_message":"no"}`,
	} {
		bodies := map[string]string{getLicenses: answer, getSites: fixture(t, "account-siteId.json"), getStatus: `{"error_code":"0000","data":null}`, postStatus: answer}
		a, _ := serve(t, config(), bodies)
		_, err := list(t, a, nil)
		read := wantError(t, what+", for ListLicenses", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		_, err = disable(t, a, mutation.NewMemory())
		write := wantError(t, what+", for DisableSite", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
		for _, e := range []*apierror.Error{read, write} {
			if e.Metadata[apierror.VendorCode] != "7777" || e.Metadata[apierror.VendorMessage] != "no" || e.Metadata[apierror.VendorHTTPStatus] != "200" {
				t.Errorf("%s: the metadata are %v", what, e.Metadata)
			}
		}
	}
}

func TestAnAnswerThatSaysNothingIsNeitherSuccessNorFailure(t *testing.T) {
	sample := fixture(t, "drm-license.json")
	for what, answer := range map[string]string{
		"no error_code":                   `{"data":[` + row + `],"count":1}`,
		"an empty error_code":             `{"error_code":"","data":[],"count":0}`,
		"an error_code of null":           `{"error_code":null,"data":[],"count":0}`,
		"an error_code that is a number":  `{"error_code":0,"data":[],"count":0}`,
		"another name's spelling":         `{"Error_Code":"0000","data":[],"count":0}`,
		"two error_codes":                 `{"error_code":"0000","error_code":"7777","data":[],"count":0}`,
		"the guide's stray brace":         sample,
		"data of another form":            `{"error_code":"0000","data":"none","count":0}`,
		"data of another form, code last": `{"data":"none","count":0,"error_code":"0000"}`,
		"a row of another form":           `{"error_code":"0000","data":[` + row + `,["c"]],"count":2}`,
		"a count of another form":         `{"error_code":"0000","data":[],"count":"none"}`,
		"an array":                        `[` + row + `]`,
		"null":                            `null`,
		"half an answer":                  sample[:len(sample)/2],
		"nothing":                         ``,
		"a page for people":               `<html><body>Welcome</body></html>`,
	} {
		// The same body, for a write: its data are one row, not a list.
		bodies := map[string]string{getLicenses: answer, getSites: fixture(t, "account-siteId.json"), getStatus: `{"error_code":"0000","data":null}`, postStatus: answer}
		a, _ := serve(t, config(), bodies)
		_, err := list(t, a, nil)
		wantError(t, what+", for ListLicenses", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		log := mutation.NewMemory()
		_, err = disable(t, a, log)
		wantError(t, what+", for DisableSite", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if log.Get("suspend").State != mutation.Sent {
			t.Errorf("%s: the log does not say that DisableSite may have taken effect", what)
		}
	}
}
