package twin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// adminPath is the path of the admin calls. No vendor uses it.
const adminPath = "/_twin/"

// adminHandler serves the calls under /_twin/. The vendor may add its own.
//
//	GET, DELETE          /_twin/ledger       read it; clear it
//	GET, POST, DELETE    /_twin/faults       list the faults in force; order one; end all
//	DELETE               /_twin/faults/{id}  end one
//	GET, PUT             /_twin/clock        {"now": "2026-01-02T15:04:05Z"} or {"advance": "1h"}
func (t *Twin) adminHandler(vendor map[string]http.HandlerFunc) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_twin/ledger", t.getLedger)
	mux.HandleFunc("DELETE /_twin/ledger", func(w http.ResponseWriter, _ *http.Request) {
		t.ledger.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_twin/faults", t.getFaults)
	mux.HandleFunc("POST /_twin/faults", t.postFault)
	mux.HandleFunc("DELETE /_twin/faults", func(w http.ResponseWriter, _ *http.Request) {
		t.faults.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_twin/faults/{id}", t.deleteFault)
	mux.HandleFunc("GET /_twin/clock", t.getClock)
	mux.HandleFunc("PUT /_twin/clock", t.putClock)
	for pattern, handler := range vendor {
		mux.HandleFunc(pattern, handler)
	}
	return mux
}

func (t *Twin) getLedger(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, struct {
		Requests []Request `json:"requests"`
		Effects  []Effect  `json:"effects"`
	}{nonNil(t.ledger.Requests()), nonNil(t.ledger.Effects())})
}

// A wireFault is a fault in JSON, where its delay is text.
type wireFault struct {
	Fault
	Delay string `json:"delay,omitempty"`
}

// A wireOrder is a fault in force in JSON.
type wireOrder struct {
	ID   int `json:"id"`
	Seen int `json:"seen"`
	wireFault
}

func (t *Twin) getFaults(w http.ResponseWriter, _ *http.Request) {
	orders := []wireOrder{}
	for _, o := range t.faults.List() {
		wire := wireOrder{ID: o.ID, Seen: o.Seen, wireFault: wireFault{Fault: o.Fault}}
		if o.Delay > 0 {
			wire.Delay = o.Delay.String()
		}
		orders = append(orders, wire)
	}
	WriteJSON(w, http.StatusOK, map[string]any{"faults": orders})
}

func (t *Twin) postFault(w http.ResponseWriter, r *http.Request) {
	wire, err := ReadJSON[wireFault](r)
	fault := wire.Fault
	if err == nil && wire.Delay != "" {
		fault.Delay, err = time.ParseDuration(wire.Delay)
	}
	if err == nil {
		err = fault.Validate()
	}
	if err != nil {
		WriteError(w, http.StatusBadRequest, err)
		return
	}
	WriteJSON(w, http.StatusCreated, map[string]int{"id": t.faults.Add(fault)})
}

func (t *Twin) deleteFault(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !t.faults.Remove(id) {
		WriteError(w, http.StatusNotFound, fmt.Errorf("no fault in force has the id %q", r.PathValue("id")))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (t *Twin) getClock(w http.ResponseWriter, _ *http.Request) {
	WriteJSON(w, http.StatusOK, map[string]time.Time{"now": t.clock.Now()})
}

func (t *Twin) putClock(w http.ResponseWriter, r *http.Request) {
	order, err := ReadJSON[struct {
		Now     *time.Time `json:"now"`
		Advance string     `json:"advance"`
	}](r)
	switch {
	case err != nil:
	case (order.Now == nil) == (order.Advance == ""):
		err = errors.New("give either now (RFC 3339) or advance (such as 1h)")
	case order.Now != nil:
		t.clock.Set(*order.Now)
	default:
		var d time.Duration
		if d, err = time.ParseDuration(order.Advance); err == nil {
			t.clock.Advance(d)
		}
	}
	if err != nil {
		WriteError(w, http.StatusBadRequest, err)
		return
	}
	t.getClock(w, r)
}

// ReadJSON decodes the body of an admin call into a struct. It refuses keys that T has no tag for,
// and its error names them all.
func ReadJSON[T any](r *http.Request) (value T, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
	if err != nil {
		return value, fmt.Errorf("cannot read the body: %w", err)
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return value, fmt.Errorf("the body is not a JSON object: %w", err)
	}
	var known, unknown []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			known = append(known, name)
		}
	}
	for key := range given {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return value, fmt.Errorf("unknown keys %q; the keys are %q", unknown, known)
	}
	err = json.Unmarshal(body, &value)
	return value, err
}

// WriteJSON sends the response of an admin call.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		WriteError(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // If it fails, the client is gone.
}

// WriteError sends {"error": …}, the response of an admin call that failed.
func WriteError(w http.ResponseWriter, status int, err error) {
	WriteJSON(w, status, map[string]string{"error": err.Error()})
}

// nonNil returns s, or an empty slice for nil, which JSON shows as [] instead of null.
func nonNil[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s
}
