package telemetry

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

const (
	// requestIDKey is the metadata with the id of a call, of the caller's choice or drmhub's.
	requestIDKey = "x-request-id"
	// requestIDHeader is the same over REST.
	requestIDHeader = "X-Request-Id"
	// maxRequestID bounds an id of the caller's choice, in bytes.
	maxRequestID = 128
)

// requestID returns the id of a call: the one that the caller sent, if it can be written
// everywhere, or a new one.
func requestID(sent []string) string {
	if len(sent) == 1 && isValidRequestID(sent[0]) {
		return sent[0]
	}
	var random [12]byte
	_, _ = rand.Read(random[:]) // It never fails.
	var id [2 * len(random)]byte
	hex.Encode(id[:], random[:])
	return string(id[:])
}

// WithRequestID returns a handler that gives each response an id, and measures nothing. It is for
// requests that a monitor makes, which would hide those of callers in the metrics.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestIDHeader, requestID(r.Header.Values(requestIDHeader)))
		next.ServeHTTP(w, r)
	})
}

// isValidRequestID reports whether an id is short printable ASCII without spaces.
func isValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
