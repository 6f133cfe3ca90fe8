package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/drmhub/drmhub/adapters/twin"
)

// A call is one call of the vendor's API.
type call struct {
	method, path string
	apiCode      string
	required     []twin.Param // besides api_code, and with the path variables
	optional     []twin.Param
	response     func(e *Emulator, ctx context.Context, p twin.Params) (response, error)
}

// takesFiles reports whether the call's body is multipart/form-data.
func (c call) takesFiles() bool {
	return slices.ContainsFunc(c.required, func(p twin.Param) bool { return slices.Contains(files, p.Name) })
}

// calls are the calls of the emulator, in the order of the guide.
var calls = []call{
	{"GET", "/api/v2/account/siteId", "UC011004100", nil, nil, (*Emulator).listSites},
	{"POST", "/api/v2/account/siteId/approve", "UA010310200", []twin.Param{serviceName}, nil, (*Emulator).orderSite},
	{
		"GET", "/api/v2/account/siteId/approve", "UA010310100",
		nil, []twin.Param{from, to, orderStatus, searchType, searchKeyword, pageUnit, pageIndex},
		(*Emulator).listSiteOrders,
	},
	{"GET", "/api/v2/account/member", "UA010700200", nil, []twin.Param{pageUnit, pageIndex}, (*Emulator).listMembers},
	{
		"POST", "/api/v2/account/member", "UA010700200",
		[]twin.Param{memberEmail}, []twin.Param{groupSeq}, (*Emulator).createMember,
	},
	{
		"PUT", "/api/v2/account/member/repw", "UA010700200",
		[]twin.Param{memberSeq}, nil, (*Emulator).resetMemberPassword,
	},
	{
		"PUT", "/api/v2/account/member", "UA010700200",
		[]twin.Param{memberSeq}, []twin.Param{memberStatus, groupSeq}, (*Emulator).updateMember,
	},
	{
		"GET", "/api/v2/plan/request/status/{site_id}", "UC011004100",
		[]twin.Param{siteID, serviceCode}, nil, (*Emulator).getStatusChange,
	},
	{
		"POST", "/api/v2/plan/request/status/{site_id}", "UC011004100",
		[]twin.Param{siteID, serviceCode, changeType}, []twin.Param{requestMessage}, (*Emulator).requestStatusChange,
	},
	{
		"PUT", "/api/v2/plan/request/status/{site_id}", "UC011004100",
		[]twin.Param{siteID, serviceCode, cancelType, requestGroupID}, nil, (*Emulator).cancelStatusChange,
	},
	{
		"GET", "/api/v2/drm/license", "UA003001100",
		[]twin.Param{siteID}, []twin.Param{from, to, searchStatus, searchCondition, searchKeyword, pageUnit, pageIndex},
		(*Emulator).listLicenses,
	},
	{
		"GET", "/api/v2/drm/user", "UA003001100",
		[]twin.Param{siteID}, []twin.Param{from, to, searchKeyword, pageUnit, pageIndex}, (*Emulator).listUsers,
	},
	{
		"GET", "/api/v2/drm/device", "UA003001100",
		[]twin.Param{siteID}, []twin.Param{from, to, searchKeyword, pageUnit, pageIndex}, (*Emulator).listDevices,
	},
	{
		"GET", "/api/v2/drm/cid-drmLicense", "UA003001100",
		[]twin.Param{siteID}, []twin.Param{from, to, searchStatus, pageUnit, pageIndex}, (*Emulator).listContents,
	},
	{
		"GET", "/api/v2/drm/cid-user", "UA003001100",
		[]twin.Param{siteID, contentID}, []twin.Param{from, to, searchStatus, pageUnit, pageIndex},
		(*Emulator).listContentUsers,
	},
	{
		"GET", "/api/v2/drm/pack", "UA003001100",
		[]twin.Param{siteID}, []twin.Param{from, to, searchCondition, searchKeyword, lastCreated, lastUpdate},
		(*Emulator).listPackagings,
	},
	{"GET", "/api/v2/drm/setting/{site_id}", "UA003004100", []twin.Param{siteID}, nil, (*Emulator).getIntegration},
	{
		"PUT", "/api/v2/drm/setting/{site_id}", "UA003004100",
		[]twin.Param{siteID}, []twin.Param{licenseURL, packageURL, tokenDuration}, (*Emulator).updateIntegration,
	},
	{
		"POST", "/api/v2/drm/setting/fpscert/{site_id}", "UA003004200",
		[]twin.Param{siteID, applicationKey, keyPassword, fpsCertificate, privateKey}, nil,
		(*Emulator).registerCertificate,
	},
	{
		"GET", "/api/v2/drm/statistics/targetDate", "UA003003100",
		[]twin.Param{siteID, targetDate}, nil, (*Emulator).getUsage,
	},
}

// A response is the part of a success that differs from call to call.
type response struct {
	data   any
	count  *int // left out if nil
	beside bool // the fields of data are beside error_code
}

// null is the data null. If data is nil, it is left out.
var null = json.RawMessage("null")

// A failure is a failure inside HTTP 200.
type failure struct{ code, message string }

func (f failure) Error() string { return f.code + ": " + f.message }

// errNotFound is HTTP 404 without a body.
var errNotFound = errors.New("not found")

// An envelope is the body of every response. Its keys have the order of the guide's samples.
type envelope struct {
	Links struct {
		Self struct {
			Href string `json:"href"`
		} `json:"self"`
	} `json:"_links"`
	ErrorCode    string `json:"error_code"`
	ErrorMessage string `json:"error_message,omitempty"`
	Data         any    `json:"data,omitempty"`
	Count        *int   `json:"count,omitempty"`
}

// serve returns the handler of one call.
func (e *Emulator) serve(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !e.account.authorized(r, e.Clock().Now()) {
			refuse(w, http.StatusUnauthorized, e.assumed.UnauthorizedBody)
			return
		}
		given, err := e.readParameters(c, r)
		if err == nil && (given["api_code"] != c.apiCode || slices.Contains(e.denied, c.apiCode)) {
			refuse(w, http.StatusForbidden, e.assumed.ForbiddenBody)
			return
		}
		if err == nil {
			err = e.checkParameters(c, given)
		}
		var a response
		if err == nil {
			a, err = c.response(e, r.Context(), given)
		}
		e.write(w, r, a, err)
	}
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // It fails only if the client is gone.
}

// write sends a response, or err if it is not nil.
func (e *Emulator) write(w http.ResponseWriter, r *http.Request, a response, err error) {
	out := envelope{ErrorCode: "0000", ErrorMessage: e.assumed.SuccessMessage, Data: a.data, Count: a.count}
	if err != nil {
		f, known := errors.AsType[failure](err)
		switch {
		case errors.Is(err, errNotFound):
			w.WriteHeader(http.StatusNotFound)
			return
		case !known:
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out = envelope{ErrorCode: f.code, ErrorMessage: f.message}
	}
	out.Links.Self.Href = "http://" + r.Host + r.URL.EscapedPath()
	var fields any
	if a.beside {
		fields, out.Data = a.data, nil
	}
	body, err := encode(out)
	if err == nil && fields != nil {
		var added []byte
		added, err = encode(fields)
		body = slices.Concat(body[:len(body)-1], []byte(","), added[1:])
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = w.Write(append(body, '\n')) // It fails only if the client is gone.
}

// encode returns an object in JSON.
func encode(object any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(object)
	return bytes.TrimSpace(text.Bytes()), err
}
