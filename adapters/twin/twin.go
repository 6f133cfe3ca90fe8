// Package twin has what the emulators of all vendors share. A Twin wraps the handler that emulates
// a vendor's server. It adds:
//   - a clock that can be set,
//   - faults that a test can order,
//   - a ledger of requests and changes,
//   - the admin path /_twin/, by which programs in other languages use all three.
//
// A twin is an http.Handler. Serve it over TCP, or in process with Transport. The package uses only
// the standard library. It shares no code with the adapters, so that a mistake in an adapter cannot
// hide in its twin.
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

// maxRequestBody is the maximum size of a request body in bytes.
const maxRequestBody = 32 << 20

// Options are what differs from one vendor's twin to another's. The zero value is usable.
type Options struct {
	// Clock is the vendor's clock. Nil means real time.
	Clock *Clock
	// Secrets are the names of query parameters, form fields and JSON keys with secret values. The
	// ledger redacts them. Case is ignored.
	Secrets []string
	// SecretHeaders are headers that the ledger redacts, besides Authorization,
	// Proxy-Authorization, Cookie and X-Api-Key.
	SecretHeaders []string
	// EndlessHead and EndlessRow are what a FaultEndless streams: the head once, and the row
	// without end. Use a row of the vendor's own form, which reaches deepest into a client. The
	// defaults are plain JSON.
	EndlessHead, EndlessRow string
	// Admin are the vendor's own admin calls, by http.ServeMux pattern, such as "POST
	// /_twin/approve".
	Admin map[string]http.HandlerFunc
}

// A Twin serves a vendor's handler, applies the faults that a test ordered, and keeps a ledger.
type Twin struct {
	vendor                  http.Handler
	admin                   http.Handler
	clock                   *Clock
	faults                  *Faults
	ledger                  *Ledger
	redactor                redactor
	endlessHead, endlessRow string
}

// New returns a twin around the handler that emulates the vendor's server.
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

// Clock returns the vendor's clock.
func (t *Twin) Clock() *Clock { return t.clock }

// Faults returns the faults of this twin.
func (t *Twin) Faults() *Faults { return t.faults }

// Ledger returns the ledger of requests and changes.
func (t *Twin) Ledger() *Ledger { return t.ledger }

// ServeHTTP responds as the vendor would, or as a fault says. To cut the connection, it panics with
// http.ErrAbortHandler, which net/http and Transport understand.
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, adminPath) {
		t.admin.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the request's body is too large for this twin", http.StatusRequestEntityTooLarge)
			return
		}
		panic(http.ErrAbortHandler) // The client is gone.
	}
	// Clients derive the difference of the clocks from it.
	w.Header().Set("Date", t.clock.Now().UTC().Format(http.TimeFormat))
	entry := t.ledger.receive(t.redactor.request(r, body))
	r = r.WithContext(context.WithValue(r.Context(), requestNumber{}, entry.Number))
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := &statusWriter{ResponseWriter: w, note: func(status int) { t.ledger.setStatus(entry, status) }}

	fault, changes := t.faults.take(r)
	if fault.Kind != "" {
		t.ledger.setFault(entry, fault.Kind)
	} else if len(changes) > 0 {
		t.ledger.setFault(entry, changes[0].Kind)
	}
	t.applyFault(fault, changes, answer, r)
	answer.noteOnce(http.StatusOK) // net/http sends it if the handler wrote nothing.
}

// A statusWriter records the status before it leaves. So a client that has its response finds the
// status in the ledger.
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

// WriteHeader records the status and sends it.
func (w *statusWriter) WriteHeader(status int) {
	w.noteOnce(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body. Without an earlier status, the status is 200.
func (w *statusWriter) Write(p []byte) (int, error) {
	w.noteOnce(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Unwrap gives http.ResponseController access to the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
