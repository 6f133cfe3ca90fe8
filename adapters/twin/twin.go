// Package twin is what the emulators of all vendors share. A Twin wraps the handler that plays a
// vendor's server and gives it a clock that can be set, faults that can be ordered, a ledger of
// what it received and changed, and an admin path (/_twin/) by which other people's tests reach all
// three.
//
// A twin is an http.Handler: serve it over TCP, or in process with Transport. It uses the standard
// library only, and shares no code with the adapters: a mistake in one must not hide in the other.
package twin

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxRequestBody bounds what a twin reads of one request, in bytes.
const maxRequestBody = 32 << 20

// Options say how a vendor's twin differs from the others. The zero value is usable.
type Options struct {
	// Clock is the vendor's time. Nil follows real time.
	Clock *Clock
	// Secrets are the names of query parameters, form fields and JSON keys whose values the ledger
	// must not hold. Case is ignored.
	Secrets []string
	// SecretHeaders are headers whose values the ledger must not hold, besides Authorization,
	// Proxy-Authorization, Cookie and X-Api-Key.
	SecretHeaders []string
	// EndlessHead and EndlessRow are what a FaultEndless streams: the head once, then the row for
	// ever. A row that looks like one of the vendor's own reaches deepest into a client. The
	// defaults are plain JSON.
	EndlessHead, EndlessRow string
	// Admin are the vendor's own admin calls, by http.ServeMux pattern, such as "POST
	// /_twin/approve".
	Admin map[string]http.HandlerFunc
}

// Twin serves a vendor's emulated handler with the faults ordered, and writes down what happened.
type Twin struct {
	vendor                  http.Handler
	admin                   http.Handler
	clock                   *Clock
	faults                  *Faults
	ledger                  *Ledger
	redactor                redactor
	endlessHead, endlessRow string
}

// New wraps the handler that plays the vendor's server.
func New(vendor http.Handler, options Options) *Twin {
	clock := options.Clock
	if clock == nil {
		clock = NewClock(nil)
	}
	t := &Twin{
		vendor:      vendor,
		clock:       clock,
		faults:      &Faults{},
		ledger:      &Ledger{clock: clock},
		redactor:    newRedactor(options.SecretHeaders, options.Secrets),
		endlessHead: cmp.Or(options.EndlessHead, `{"data":[`),
		endlessRow:  cmp.Or(options.EndlessRow, `{"id":"1","name":"endless"},`),
	}
	t.admin = t.adminHandler(options.Admin)
	return t
}

// Clock is the vendor's time.
func (t *Twin) Clock() *Clock { return t.clock }

// Faults are the faults ordered of this twin.
func (t *Twin) Faults() *Faults { return t.faults }

// Ledger is what the twin received and changed.
func (t *Twin) Ledger() *Ledger { return t.ledger }

// ServeHTTP answers as the vendor would, or as the fault ordered says. A cut connection is a panic
// with http.ErrAbortHandler, which net/http and Transport understand.
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, adminPath) {
		t.admin.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the request's body is larger than this twin reads", http.StatusRequestEntityTooLarge)
			return
		}
		panic(http.ErrAbortHandler) // the client broke off: there is nobody to answer
	}
	// a client may tell from it how far the clocks are apart
	w.Header().Set("Date", t.clock.Now().UTC().Format(http.TimeFormat))
	entry := t.ledger.receive(t.redactor.request(r, body))
	r = r.WithContext(context.WithValue(r.Context(), requestNumber{}, entry.Number))
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := &statusWriter{ResponseWriter: w, note: func(status int) { t.ledger.setStatus(entry, status) }}

	if fault, hit := t.faults.take(r); hit {
		t.ledger.setFault(entry, fault.Kind)
		t.applyFault(fault, answer, r)
	} else {
		t.vendor.ServeHTTP(answer, r)
	}
	answer.noteOnce(http.StatusOK) // what net/http sends for a handler that wrote nothing
}

// statusWriter notes the status before it leaves, so that a client that has its answer finds it in
// the ledger.
type statusWriter struct {
	http.ResponseWriter
	note  func(status int)
	noted bool
}

func (w *statusWriter) noteOnce(status int) {
	if !w.noted {
		w.noted = true
		w.note(status)
	}
}

// WriteHeader notes the status and sends it.
func (w *statusWriter) WriteHeader(status int) {
	w.noteOnce(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, after status 200 if there was none yet.
func (w *statusWriter) Write(p []byte) (int, error) {
	w.noteOnce(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
