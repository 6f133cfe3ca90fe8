package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/drmhub/drmhub/adapters/twin"
)

// call is one call of the vendor's API.
type call struct {
	method, path       string
	required, optional []twin.Param // of the query
	serve              func(e *Emulator, r *http.Request, q twin.Params) (response, error)
}

// calls are the calls that the emulator serves. In the path of a site, siteLog is not an id.
var calls = []call{
	{"GET", "/api/v1/sites", nil, []twin.Param{pageNo, pageSize}, (*Emulator).listSites},
	{"POST", "/api/v1/sites", nil, nil, (*Emulator).createSite},
	{"GET", "/api/v1/sites/siteLog", []twin.Param{siteID}, []twin.Param{pageNo, pageSize}, (*Emulator).listSiteLog},
	{"GET", "/api/v1/sites/{siteId}", nil, nil, (*Emulator).getSite},
	{"PUT", "/api/v1/sites/{siteId}", nil, nil, (*Emulator).updateSite},
	{"PUT", "/api/v1/sites/{siteId}/on", nil, nil, (*Emulator).enableSite},
	{"PUT", "/api/v1/sites/{siteId}/off", nil, nil, (*Emulator).disableSite},
	{
		"GET", "/api/v1/license/statistics", []twin.Param{siteID},
		[]twin.Param{pageNo, pageSize, searchCondition, searchKeyword, startTime, endTime, status},
		(*Emulator).listLicenses,
	},
}

// pattern returns the name of the call in http.ServeMux and in Options.Denied.
func (c call) pattern() string { return c.method + " " + c.path }

// response is a successful response. A list has a total, except the license history of 2023.
type response struct {
	content any
	total   *int
}

// serve returns the handler of one call.
func (e *Emulator) serve(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if refusal := e.gateway.check(c, r, e.Clock().Now()); refusal != nil {
			e.write(w, refusal.Status, refusal.body(e.assumed))
			return
		}
		given, err := e.readQuery(c, r)
		var res response
		if err == nil {
			res, err = c.serve(e, r, given)
		}
		if err != nil {
			failure, known := errors.AsType[ServiceError](err)
			if !known {
				failure = Exception.saying(err.Error())
			}
			e.refuse(w, failure)
			return
		}
		e.write(w, http.StatusOK, struct {
			Success bool `json:"success"`
			Content any  `json:"content"`
			Total   *int `json:"total,omitempty"`
		}{true, res.content, res.total})
	}
}

// contentType is the Content-Type of every response.
const contentType = "application/json;charset=utf-8"

// write sends a response with the headers of the examples.
func (e *Emulator) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set(traceIDHeader, e.traceID())
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // A client that is gone does not need the response.
}

// encode returns JSON as the vendor writes it, without escapes for HTML. It panics on an error: a
// response consists of texts and numbers only.
func encode(body any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(out.Bytes())
}
