package amino

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// JSON:API has no error object without a member of its own.
func TestAnErrorOfAnotherFormIsNotOfAminoTV(t *testing.T) {
	for body, own := range map[string]bool{
		`{"errors":[{"code":"C"}]}`:                                    true,
		`{"errors":[{"status":"404"}]}`:                                true,
		`{"errors":[{"status":404,"title":"","meta":{}}]}`:             true,
		`{"errors":[{"code":null,"detail":{}}]}`:                       true,
		`{"errors":[{"detail":"no such license"}]}`:                    true,
		`{"errors":[{"source":{"pointer":"/data"}}]}`:                  true,
		`{"errors":[{"message":"not in the form"},{"code":"C"}]}`:      true,
		`{"errors":[{"message":"no route matches the request"}]}`:      false,
		`{"errors":[{}]}`:                                              false,
		`{"errors":[""]}`:                                              false,
		`{"errors":[null,[]]}`:                                         false,
		`{"errors":[{"extensions":{"code":"x"},"message":"GraphQL"}]}`: false,
	} {
		e := failure(http.StatusNotFound, nil, []byte(body))
		if (e != nil) != own {
			t.Errorf("%s passes for an error of AminoTV: %t", body, e != nil)
		}
		refused := failure(http.StatusForbidden, nil, []byte(body))
		if text := refused.Metadata[apierror.VendorMessage]; !own && text != body {
			t.Errorf("%s: the message is %q", body, text)
		}
	}
}
