package amino

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
)

// failure reads an error of AminoTV. AminoTV's pages do not show one: it is read as one of JSON:API.
// The HTTP status decides what it means.
func failure(status int, _ http.Header, body []byte) *apierror.Error {
	code, text := readErrors(body)
	e := &apierror.Error{}
	switch {
	case status == http.StatusUnauthorized:
		e.Message = "AminoTV refuses drmhub's credentials: the token may have expired, " +
			"or token, key or authorization_scheme in this vendor's configuration is wrong"
	case status == http.StatusForbidden:
		e.Message = "AminoTV does not let drmhub's token or key make this call: have it granted, or configure another one"
	case status >= http.StatusInternalServerError:
		e.Message = fmt.Sprintf("AminoTV or Irdeto reports a failure of its own (HTTP %d%s)", status, strings.TrimSuffix(", "+code, ", "))
	}
	return e.With(apierror.VendorCode, code).With(apierror.VendorMessage, text)
}

// readErrors finds the first code and all texts in a JSON:API body,
// {"errors":[{"status","code","title","detail"}]}. Of another body the text is all of it.
func readErrors(body []byte) (code, text string) {
	var document struct {
		Errors []struct {
			Code   jsonx.Text `json:"code"`
			Title  jsonx.Text `json:"title"`
			Detail jsonx.Text `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &document); err != nil || len(document.Errors) == 0 {
		return "", string(body)
	}
	var texts []string
	for _, e := range document.Errors {
		if code == "" {
			code = string(e.Code)
		}
		if e.Title != "" && e.Detail != "" {
			texts = append(texts, string(e.Title+": "+e.Detail))
		} else if e.Title+e.Detail != "" {
			texts = append(texts, string(e.Title+e.Detail))
		}
	}
	return code, strings.Join(texts, "; ")
}

func isNotFound(err error) bool { return err != nil && apierror.Convert(err).Code == codes.NotFound }

// withMessage returns err with another message, and with all that the vendor said.
func withMessage(err error, message string) *apierror.Error {
	e := *apierror.Convert(err)
	e.Message = message
	return &e
}
