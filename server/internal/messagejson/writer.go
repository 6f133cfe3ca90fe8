package messagejson

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A writer appends values. failed means that protojson has an error for one of them.
type writer struct {
	out    []byte
	failed bool
}

// names are the names of an enum, by number.
type names []string

func (w *writer) text(s string) { w.out = append(w.out, s...) }

// comma writes a comma, unless a message begins here.
func (w *writer) comma() {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
}

func (w *writer) boolValue(v bool) { w.out = strconv.AppendBool(w.out, v) }

func (w *writer) int32Value(v int32) { w.out = strconv.AppendInt(w.out, int64(v), 10) }

func (w *writer) bytesValue(v []byte) {
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, v)
	w.out = append(w.out, '"')
}

// doubleValue writes a number as JavaScript does, or the name of a value that is no number in JSON.
func (w *writer) doubleValue(v float64) {
	switch {
	case math.IsNaN(v):
		w.text(`"NaN"`)
		return
	case math.IsInf(v, 1):
		w.text(`"Infinity"`)
		return
	case math.IsInf(v, -1):
		w.text(`"-Infinity"`)
		return
	}
	format := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	w.out = strconv.AppendFloat(w.out, v, format, -1, 64)
	if n := len(w.out); format == 'e' && w.out[n-4] == 'e' && w.out[n-3] == '-' && w.out[n-2] == '0' {
		w.out = append(w.out[:n-2], w.out[n-1]) // e-9, and not e-09
	}
}

func (w *writer) enum(v int32, names names) {
	if v < 0 || int(v) >= len(names) || names[v] == "" {
		w.int32Value(v)
		return
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, names[v]...)
	w.out = append(w.out, '"')
}

// The bounds of a time, in seconds since 1970: the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

func (w *writer) timestamp(t *timestamppb.Timestamp) {
	seconds, nanos := t.GetSeconds(), t.GetNanos()
	if seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos >= 1e9 {
		w.failed = true
		return
	}
	w.out = append(w.out, '"')
	w.out = time.Unix(seconds, 0).UTC().AppendFormat(w.out, time.RFC3339)
	if nanos != 0 {
		w.out = w.out[:len(w.out)-1] // The Z follows the fraction.
		w.fraction(nanos)
		w.out = append(w.out, 'Z')
	}
	w.out = append(w.out, '"')
}

// fraction writes nanoseconds with three, six or nine digits.
func (w *writer) fraction(nanos int32) {
	digits := 9
	for digits > 3 && nanos%1000 == 0 {
		nanos /= 1000
		digits -= 3
	}
	w.out = append(w.out, ".000000000"[:digits+1]...)
	for at := len(w.out) - 1; nanos > 0; at-- {
		w.out[at] = byte('0' + nanos%10)
		nanos /= 10
	}
}

func (w *writer) status(s *status.Status) {
	w.text(`{"code":`)
	w.int32Value(s.GetCode())
	w.text(`,"message":`)
	w.stringValue(s.GetMessage())
	w.text(`,"details":[`)
	for i, d := range s.GetDetails() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.other(d)
	}
	w.text(`]}`)
}

// other writes a message of a type that is not of the contract.
func (w *writer) other(m proto.Message) {
	out, err := appendOther(w.out, m)
	w.out = out
	w.failed = w.failed || err != nil
}

// stringValue writes a text. It escapes what JSON demands, and nothing else.
func (w *writer) stringValue(s string) {
	w.out = append(w.out, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			w.failed = w.failed || r == utf8.RuneError && size == 1
			i += size
			continue
		}
		w.text(s[from:i])
		w.escape(c)
		i++
		from = i
	}
	w.text(s[from:])
	w.out = append(w.out, '"')
}

// plain are the bytes that a text has as they are: those of ASCII, without what JSON escapes.
var plain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

func (w *writer) escape(c byte) {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		w.out = append(w.out, '\\', c)
	case '\b':
		w.text(`\b`)
	case '\f':
		w.text(`\f`)
	case '\n':
		w.text(`\n`)
	case '\r':
		w.text(`\r`)
	case '\t':
		w.text(`\t`)
	default:
		w.out = append(w.out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}
