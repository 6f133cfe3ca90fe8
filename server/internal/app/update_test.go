package app_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"testing"
	"time"
)

// TestAnEditedResourceCanBeSentBack sends back the whole resource that a GET returned. The edit
// takes effect, and the rest stays as it was.
func TestAnEditedResourceCanBeSentBack(t *testing.T) {
	h := start(t, furnish, withNCP(time.Now()), withAmino(time.Now()))
	const member = "vendors/acme/members/7"
	for name, edit := range map[string]map[string]any{
		mySite:                {"displayName": "Kids_TV"},
		demo + "/integration": {"packageCallbackUrl": "https://play.example/package"},
		member:                {"state": "INACTIVE"},
		movies: {
			"displayName": "", "buyable": false, "price": map[string]any{"amount": 1099.0, "currency": "EUR"},
		},
	} {
		read := func() map[string]any {
			if name == member { // which only the list shows
				return h.object(t, "GET /v1/vendors/acme/members", "")["members"].([]any)[0].(map[string]any)
			}
			return h.object(t, "GET /v1/"+name, "")
		}
		want := read()
		maps.Copy(want, edit)
		body, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		answer := h.object(t, "PATCH /v1/"+name, string(body))
		for what, got := range map[string]map[string]any{"returns": answer, "leaves": read()} {
			for _, follows := range []string{"vendorState", "updateTime"} {
				delete(got, follows)
				delete(want, follows)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("PATCH of %s %s %v, want %v", name, what, got, want)
			}
		}
	}
}

// object makes a REST call that must succeed, and returns the response.
func (h *testServer) object(t *testing.T, call, body string) (object map[string]any) {
	t.Helper()
	status, _, answer := h.rest(t, call, body)
	if err := json.Unmarshal([]byte(answer), &object); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d, %v: %s", call, status, err, answer)
	}
	return object
}
