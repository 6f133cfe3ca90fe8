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
	answer             func(e *Emulator, r *http.Request, q twin.Params) (answer, error)
}

// calls are the calls that the emulator answers. siteLog stands where a site's id may stand, and is
// none.
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

// pattern is the call as http.ServeMux and Options.Denied name it.
func (c call) pattern() string { return c.method + " " + c.path }

// answer is a successful answer. A list has a total, but for those of old.
type answer struct {
	content any
	total   *int
}

// serve checks a request of one call and answers it.
func (e *Emulator) serve(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if refusal := e.gateway.check(c, r, e.Clock().Now()); refusal != nil {
			e.write(w, refusal.Status, refusal.body(e.assumed))
			return
		}
		given, err := e.readQuery(c, r)
		var a answer
		if err == nil {
			a, err = c.answer(e, r, given)
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
		}{true, a.content, a.total})
	}
}

// contentType is what every answer says.
const contentType = "application/json;charset=utf-8"

// write sends an answer with the headers of the examples.
func (e *Emulator) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set(traceIDHeader, e.traceID())
	w.WriteHeader(status)
	_, _ = w.Write(encode(body)) // a client that has gone away misses nothing
}

// encode writes JSON as the vendor does, without escapes for HTML. It panics where it cannot, as no
// answer is made of anything but text and numbers.
func encode(body any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(out.Bytes())
}
