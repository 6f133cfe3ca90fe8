package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Code explains a code of a kind of vendor. It fails for the code of a success.
//
// The code may have spaces around it. For a callback's refusal, the JSON of the callback may follow
// it. A code with another kind in front, such as "shaka:6007", is explained as a code of that kind,
// since a viewer's report is sometimes all there is.
func Code(kind, text string) (*pb.Explanation, error) {
	text = strings.TrimSpace(text)
	code, inner := split(text)
	prefix := ""
	if other, rest, found := strings.Cut(code, ":"); found {
		if name := strings.ToLower(strings.TrimSpace(other)); isKind(name) {
			kind, code, prefix = name, strings.TrimSpace(rest), name+":"
		}
	}
	if code == "" && inner != nil {
		code = callbackRefused[kind]
	}
	if success := kindOf(kind).Success; success != "" && code == success {
		return nil, apierror.Invalid("error_code",
			"is %q, with which the vendor reports a success: there is no failure to explain", code)
	}
	e := lookup(kind, canonical(kind, code))
	switch {
	case e == nil:
		e = unknown(kind, code)
	case inner != nil && code == callbackRefused[kind]:
		e.Meaning += " " + inner.text()
	}
	e.ErrorCode = prefix + e.GetErrorCode()
	return e, nil
}

func isKind(name string) bool {
	kinds, _ := table()
	_, known := kinds[name]
	return known
}

// callbackRefused is the code with which a kind's license server passes on that the operator's
// callback refused.
var callbackRefused = map[string]string{"pallycon": "8002", "ncp": "8002"}

// canonical returns a code as the table writes it. Only where the vendor itself writes a code in
// several ways, these are the same code.
func canonical(kind, code string) string {
	switch kind {
	case "verimatrix":
		if len(code) > 5 && strings.EqualFold(code[:5], "MDRM-") {
			return code[5:]
		}
	case "playready":
		if digits := strings.TrimPrefix(strings.ToUpper(code), "0X"); len(digits) == 8 {
			return "0x" + digits
		}
	case "drm.cloud":
		return strings.ToLower(code)
	case "pallycon":
		return strings.ToUpper(code)
	case "fairplay":
		if strings.HasSuffix(code, safariCertificate[len("code 6, systemCode "):]) {
			return safariCertificate
		}
	}
	return code
}

// safariCertificate is how Safari reports a certificate in the wrong form.
const safariCertificate = "code 6, systemCode 4294955460"

// A refusal is what the operator's own callback said.
type refusal struct {
	Code    json.RawMessage `json:"ERROR"`
	Message json.RawMessage `json:"MESSAGE"`
}

// split separates a code from the JSON behind it, and reads that of a callback.
func split(text string) (code string, inner *refusal) {
	at := strings.IndexByte(text, '{')
	if at < 0 || !json.Valid([]byte(text[at:])) {
		return text, nil
	}
	code = strings.Trim(text[:at], " ,;:-")
	if json.Unmarshal([]byte(text[at:]), &inner) == nil && (inner.Code != nil || inner.Message != nil) {
		return code, inner
	}
	return cmp.Or(code, text), nil
}

func (r refusal) text() string {
	return fmt.Sprintf("The callback's code is %q, and its text %q.", words(r.Code), words(r.Message))
}

// words returns a JSON value as text fit to show. The callback may send its code as a number.
func words(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return apierror.VendorText(text)
}

// NoCode explains a failure for which the vendor shows no code.
func NoCode(kind string) *pb.Explanation {
	return &pb.Explanation{
		Class:   pb.Explanation_UNKNOWN,
		Meaning: "The vendor shows no code for this failure.",
		Fixes: []string{
			"Call ExplainLicense with collect_evidence and the license request: drmhub compares it with others.",
			"Ask the vendor with the site, the time and the device.",
		},
		Source: kindOf(kind).Page,
	}
}
