package main

import (
	"net/http"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/internal/faultplan"
)

// noRoute is what a proxy sends in the place of the vendor.
const noRoute = "default backend - 404"

// unknownCode is an error in the form of each vendor, with codes that drmhub does not know.
const unknownCode = `{"error_code":"7777","error":{"code":"289999"},"errors":[{"code":"E4711"}],"message":"pay_first"}`

// foreign is the success of a proxy.
const foreign = `{"status":"ok"}`

const notJSON = "<html><body>Please wait</body></html>"

// someDelay marks a fault with a delay. The gate draws how long it is.
const someDelay = time.Nanosecond

// doneCode is a write that takes effect, and an error with an unknown code.
const doneCode = "done, code"

// notReadBack are the writes whose effect no read shows. That of a certificate is shown only where
// another one was served before. An unknown code is a refusal of them.
var notReadBack = map[string]bool{"ResetMemberPassword": true, "RegisterFairPlayCertificate": true}

var (
	htmlHeader  = map[string]string{"Content-Type": "text/html"}
	retryHeader = map[string]string{"Retry-After": "1"}
)

// faults are the twin's faults by their names. "Done" means that the write takes effect, and "late"
// that the vendor stalls first.
var faults = map[faultplan.Fault]twin.Fault{
	"cut":            {Kind: twin.FaultCut},
	"cut late":       {Kind: twin.FaultCut, Delay: someDelay},
	"500":            {Kind: twin.FaultAnswer, Status: http.StatusInternalServerError, Body: notJSON},
	"503":            {Kind: twin.FaultAnswer, Status: http.StatusServiceUnavailable},
	"429":            {Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests},
	"429 with pause": {Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests, Header: retryHeader},
	"page":           {Kind: twin.FaultAnswer, Status: http.StatusOK, Body: notJSON, Header: htmlHeader},
	"404":            {Kind: twin.FaultAnswer, Status: http.StatusNotFound, Body: noRoute},
	"408":            {Kind: twin.FaultAnswer, Status: http.StatusRequestTimeout, Body: notJSON, Header: htmlHeader},
	"code":           {Kind: twin.FaultAnswer, Status: http.StatusTeapot, Body: unknownCode},
	"done, 404":      {Kind: twin.FaultReplace, Status: http.StatusNotFound, Body: noRoute},
	"done, 408":      {Kind: twin.FaultReplace, Status: http.StatusRequestTimeout, Body: notJSON, Header: htmlHeader},
	doneCode:         {Kind: twin.FaultReplace, Status: http.StatusTeapot, Body: unknownCode},
	"410":            {Kind: twin.FaultAnswer, Status: http.StatusGone, Body: notJSON, Header: htmlHeader},
	"425":            {Kind: twin.FaultAnswer, Status: http.StatusTooEarly},
	"other JSON":     {Kind: twin.FaultAnswer, Status: http.StatusOK, Body: foreign},
	"401":            {Kind: twin.FaultAnswer, Status: http.StatusUnauthorized, Body: notJSON, Header: htmlHeader},
	"done, 401":      {Kind: twin.FaultReplace, Status: http.StatusUnauthorized, Body: notJSON, Header: htmlHeader},
	"done, 403":      {Kind: twin.FaultReplace, Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`},
	"done, 410":      {Kind: twin.FaultReplace, Status: http.StatusGone, Body: noRoute},
	"done, 425":      {Kind: twin.FaultReplace, Status: http.StatusTooEarly},
	"done, JSON":     {Kind: twin.FaultReplace, Status: http.StatusOK, Body: foreign},
	"page again":     {Kind: twin.FaultIgnore, Names: []string{"offset", "pageNo", "page_index"}},
	"endless":        {Kind: twin.FaultEndless},
	"late":           {Kind: twin.FaultDelay, Delay: someDelay},
	"done, cut":      {Kind: twin.FaultLoseAnswer},
	"done late, cut": {Kind: twin.FaultLoseAnswer, Delay: someDelay},
	"done, cut body": {Kind: twin.FaultCutBody},
	"done, no JSON":  {Kind: twin.FaultMalformed},
	"done, 500":      {Kind: twin.FaultReplace, Status: http.StatusInternalServerError, Body: notJSON},
	"done, 502":      {Kind: twin.FaultReplace, Status: http.StatusBadGateway, Body: notJSON},
	"done, page":     {Kind: twin.FaultReplace, Status: http.StatusOK, Body: notJSON, Header: htmlHeader},
	"done late, 502": {Kind: twin.FaultReplace, Status: http.StatusBadGateway, Delay: someDelay},
}

// respelled are faults that leave what a response means. A call must succeed in spite of them.
var respelled = func() (names []faultplan.Fault) {
	for _, s := range []twin.Spelling{
		twin.NumbersAsText, twin.NumbersAsFloats, twin.TextsAsNumbers, twin.BooleansAsYN, twin.EmptyTextsAsNull,
		twin.NullsAsText, twin.NullsLeftOut, twin.TimesInUTC, twin.ByteOrderMark, twin.HTMLType,
	} {
		name := faultplan.Fault("respelled, " + s)
		faults[name] = twin.Fault{Kind: twin.FaultRespell, Spelling: s}
		names = append(names, name)
	}
	return names
}()

// A fault that is listed twice is twice as likely.
var (
	writeFaults = append([]faultplan.Fault{
		"cut", "cut late", "500", "503", "429", "page", "endless", "late", "late", "late",
		"done, cut", "done, cut", "done late, cut", "done, cut body", "done, no JSON",
		"done, 500", "done, 502", "done, page", "done late, 502", "404", "408", "code",
		"done, 404", "done, 408", doneCode, doneCode,
		"401", "410", "425", "other JSON", "done, 401", "done, 403", "done, 410", "done, 425", "done, JSON",
	}, respelled...)
	readFaults = append([]faultplan.Fault{
		"cut", "500", "page", "429 with pause", "endless", "done, cut body", "done, no JSON", "late", "late",
		"404", "404", "408", "410", "425", "code", "other JSON", "page again", "page again",
	}, respelled...)
	behindFaults = []faultplan.Fault{
		irdetoRefuses, irdetoRefuses, irdetoIsDown, irdetoIsDown, irdetoStalls, irdetoStallsAndDoes,
	}
)
