// Package callinfo carries what is known of a call through its context, for the log and the
// metrics. The parts of the server that learn something add it, and know nothing of telemetry.
package callinfo

import "context"

// A Call is a call while it runs. Its methods are safe for concurrent use, also after the call has
// ended.
type Call interface {
	// SetMutation notes the name of the mutation that the call runs.
	SetMutation(name string)
	// RequestID returns the id that the response of the call carries.
	RequestID() string
}

type key struct{}

// IsKey reports whether a context that is asked for the value of a key is asked for its call. A
// Call that is a context itself returns itself then, and so needs no other context.
func IsKey(k any) bool { return k == key{} }

// FromContext returns the call of a context. Without one, it returns a call that ignores
// everything.
func FromContext(ctx context.Context) Call {
	if c, ok := ctx.Value(key{}).(Call); ok {
		return c
	}
	return none{}
}

type none struct{}

func (none) SetMutation(string) {}
func (none) RequestID() string  { return "" }
