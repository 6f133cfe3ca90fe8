package amino

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// failure reads an error of AminoTV. AminoTV's pages show none, so it is read as an error of
// JSON:API. The HTTP status decides the meaning. It returns nil for another form, unless the status
// says enough.
func failure(status int, _ http.Header, body []byte) *apierror.Error {
	code, text, own := readErrors(body)
	// None of AminoTV's codes is known, and a proxy may have sent an error of another form. So a
	// write is read back before it counts as refused. AminoTV's pages do not show the bodies of 401
	// and 403, so an empty one counts as AminoTV's.
	e := &apierror.Error{Unproven: true, Foreign: !own && len(bytes.TrimSpace(body)) > 0}
	switch {
	case status == http.StatusUnauthorized:
		e.Message = "AminoTV refuses drmhub's credentials. The token may have expired. " +
			"Check token, api_key and authorization_scheme in this vendor's configuration."
	case status == http.StatusForbidden && !own:
		e.Message = proxyForbids + ". Ask AminoTV for the permission, or the operator of the proxy."
	case status == http.StatusForbidden:
		e.Message = "AminoTV does not allow this call with drmhub's token or key. " +
			"Ask AminoTV for the permission, or configure another token or key."
	case status >= http.StatusInternalServerError:
		said := strings.TrimSuffix(fmt.Sprintf("HTTP %d, %s", status, code), ", ")
		e.Message = fmt.Sprintf("AminoTV or Irdeto reports a failure of its own (%s)", said)
	case !own:
		return nil
	case status == http.StatusGone:
		e.Code, e.Reason = codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND
	}
	return e.With(apierror.VendorCode, code).With(apierror.VendorMessage, text)
}

// proxyForbids begins the message of a 403 that is not in AminoTV's form.
const proxyForbids = "AminoTV, or rather a proxy in front of it, does not allow this call"

// errorMembers are the members of an error of JSON:API, which has at least one of them.
var errorMembers = []string{"id", "links", "status", "code", "title", "detail", "source", "meta"}

// isError reports whether an object has the form of an error of JSON:API. Many proxies send errors
// with other members.
func isError(members map[string]jsontext.Value) bool {
	return slices.ContainsFunc(errorMembers, func(name string) bool { return members[name] != nil })
}

// readErrors returns the first code and all texts of a JSON:API body,
// {"errors":[{"status","code","title","detail"}]}. For another body the text is the whole body, and
// own is false.
func readErrors(body []byte) (code, text string, own bool) {
	var document struct {
		Errors []map[string]jsontext.Value `json:"errors"`
	}
	if jsonx.Unmarshal("", body, &document) != nil || !slices.ContainsFunc(document.Errors, isError) {
		return "", string(body), false
	}
	var texts []string
	for _, members := range document.Errors {
		code = cmp.Or(code, textOf(members["code"]))
		title, detail := textOf(members["title"]), textOf(members["detail"])
		if title != "" && detail != "" {
			texts = append(texts, title+": "+detail)
		} else if title+detail != "" {
			texts = append(texts, title+detail)
		}
	}
	return code, strings.Join(texts, "; "), true
}

// textOf returns the text of a member, or "" if it has none.
func textOf(member jsontext.Value) string {
	var text jsonx.Text
	if member == nil || jsonx.Unmarshal("", member, &text) != nil {
		return ""
	}
	return string(text)
}

func isNotFound(err error) bool { return err != nil && apierror.Convert(err).Code == codes.NotFound }

// withMessage returns err with another message. It keeps what the vendor said.
func withMessage(err error, message string) *apierror.Error {
	e := *apierror.Convert(err)
	e.Message = message
	return &e
}
