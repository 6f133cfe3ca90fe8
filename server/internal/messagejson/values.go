package messagejson

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// value returns the function that writes a field whose Go type is t, or nil if t is not what the open
// form has for it. An optional field is a pointer, except bytes.
func (b planner) value(t reflect.Type, fd protoreflect.FieldDescriptor, optional bool) write {
	switch {
	case fd.IsMap():
		return nil
	case fd.IsList():
		if t.Kind() != reflect.Slice {
			return nil
		}
		return list(b.single(t.Elem(), fd))
	case fd.Kind() == protoreflect.MessageKind:
		return orNull(b.single(t, fd))
	case optional && fd.Kind() != protoreflect.BytesKind:
		if t.Kind() != reflect.Pointer {
			return nil
		}
		return pointed(b.single(t.Elem(), fd))
	case !optional && fd.HasPresence() && fd.ContainingOneof() == nil:
		return nil // It has a default, or null.
	}
	return b.single(t, fd)
}

// list returns the function that writes a list of values.
func list(one write) write {
	if one == nil {
		return nil
	}
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		to = append(to, '[')
		for i := range v.Len() {
			if i > 0 {
				to = append(to, ',')
			}
			var ok bool
			if to, ok = one(to, v.Index(i)); !ok {
				return to, false
			}
		}
		return append(to, ']'), true
	}
}

// orNull returns the function that writes a message that may be unset.
func orNull(set write) write {
	if set == nil {
		return nil
	}
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		if v.IsNil() {
			return append(to, "null"...), true
		}
		return set(to, v)
	}
}

// pointed returns the function that writes the value of an optional field that is set.
func pointed(set write) write {
	if set == nil {
		return nil
	}
	return func(to []byte, v reflect.Value) ([]byte, bool) { return set(to, v.Elem()) }
}

// single returns the function that writes one value whose Go type is t, or nil.
func (b planner) single(t reflect.Type, fd protoreflect.FieldDescriptor) write {
	if fd.Kind() == protoreflect.MessageKind {
		return b.message(t, fd.Message())
	}
	s, ok := scalars[fd.Kind()]
	if !ok || t.Kind() != s.kind {
		return nil
	}
	switch fd.Kind() {
	case protoreflect.BytesKind:
		if t.Elem().Kind() != reflect.Uint8 {
			return nil
		}
	case protoreflect.EnumKind:
		return enum(fd.Enum())
	}
	return s.write
}

// message returns the function that writes a message that is set. A pointer to nothing is an empty
// message in some places, which are left to protojson.
func (b planner) message(t reflect.Type, d protoreflect.MessageDescriptor) write {
	if !t.Implements(reflect.TypeFor[proto.Message]()) || t.Kind() != reflect.Pointer {
		return nil
	}
	if s := special[d.FullName()]; s != nil {
		return func(to []byte, v reflect.Value) ([]byte, bool) { return s(to, v.Interface().(proto.Message)) }
	}
	p := b.plan(t, d)
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		switch {
		case v.IsNil():
			return to, false
		case !p.known:
			return unplanned(to, v.Interface().(proto.Message))
		}
		return p.append(to, v.Elem())
	}
}

// special are the messages that have a form of their own.
var special = map[protoreflect.FullName]func(to []byte, m proto.Message) ([]byte, bool){
	"google.protobuf.Timestamp":   timestamp,
	"google.protobuf.Duration":    duration,
	"google.protobuf.Any":         unplanned,
	"google.protobuf.FieldMask":   unplanned,
	"google.protobuf.Struct":      unplanned,
	"google.protobuf.Value":       unplanned,
	"google.protobuf.ListValue":   unplanned,
	"google.protobuf.BoolValue":   unplanned,
	"google.protobuf.Int32Value":  unplanned,
	"google.protobuf.Int64Value":  unplanned,
	"google.protobuf.UInt32Value": unplanned,
	"google.protobuf.UInt64Value": unplanned,
	"google.protobuf.FloatValue":  unplanned,
	"google.protobuf.DoubleValue": unplanned,
	"google.protobuf.StringValue": unplanned,
	"google.protobuf.BytesValue":  unplanned,
}

// unplanned appends a message as protojson does.
func unplanned(to []byte, m proto.Message) ([]byte, bool) {
	to, err := appendAny(to, m)
	return to, err == nil
}

// The bounds of times and durations.
const (
	minTime     = -62135596800 // 0001-01-01T00:00:00Z
	maxTime     = 253402300799 // 9999-12-31T23:59:59Z
	maxDuration = 315576000000 // 10,000 years
	maxNanos    = 999999999
)

func timestamp(to []byte, m proto.Message) ([]byte, bool) {
	t, ok := m.(*timestamppb.Timestamp)
	if !ok || t == nil || t.Seconds < minTime || t.Seconds > maxTime || t.Nanos < 0 || t.Nanos > maxNanos {
		return to, false
	}
	to = time.Unix(t.Seconds, 0).UTC().AppendFormat(append(to, '"'), time.RFC3339)
	to = appendFraction(to[:len(to)-1], t.Nanos)
	return append(to, `Z"`...), true
}

func duration(to []byte, m proto.Message) ([]byte, bool) {
	d, ok := m.(*durationpb.Duration)
	if !ok || d == nil || d.Seconds < -maxDuration || d.Seconds > maxDuration ||
		d.Nanos < -maxNanos || d.Nanos > maxNanos || d.Seconds > 0 && d.Nanos < 0 || d.Seconds < 0 && d.Nanos > 0 {
		return to, false
	}
	to = append(to, '"')
	seconds, nanos := d.Seconds, d.Nanos
	if seconds < 0 || nanos < 0 {
		to = append(to, '-')
		seconds, nanos = -seconds, -nanos
	}
	to = appendFraction(strconv.AppendInt(to, seconds, 10), nanos)
	return append(to, `s"`...), true
}

// appendFraction appends the part of a second, in 0, 3, 6 or 9 digits.
func appendFraction(to []byte, nanos int32) []byte {
	if nanos == 0 {
		return to
	}
	digits := 9
	for nanos%1000 == 0 {
		nanos /= 1000
		digits -= 3
	}
	to = append(to, ".000000000"[:1+digits]...)
	for at := len(to) - 1; nanos > 0; at-- {
		to[at] = byte('0' + nanos%10)
		nanos /= 10
	}
	return to
}

// enum returns the function that writes a value by its name, or by its number if it has none.
func enum(d protoreflect.EnumDescriptor) write {
	if d.FullName() == "google.protobuf.NullValue" {
		return func(to []byte, _ reflect.Value) ([]byte, bool) { return append(to, "null"...), true }
	}
	const mostNames = 1000 // Beyond this number, a table would be large.
	var names []string
	for i := range d.Values().Len() {
		named := d.Values().Get(i)
		n := int(named.Number())
		if n < 0 || n > mostNames {
			return nil
		}
		for len(names) <= n {
			names = append(names, "")
		}
		if names[n] == "" { // The first name counts.
			names[n] = strconv.Quote(string(named.Name()))
		}
	}
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		n := v.Int()
		if n >= 0 && n < int64(len(names)) && names[n] != "" {
			return append(to, names[n]...), true
		}
		return strconv.AppendInt(to, n, 10), true
	}
}

// scalars are the kinds of values other than messages, and the kinds that they have in Go.
var scalars = map[protoreflect.Kind]struct {
	kind  reflect.Kind
	write write
}{
	protoreflect.BoolKind:     {reflect.Bool, boolean},
	protoreflect.EnumKind:     {reflect.Int32, nil},
	protoreflect.Int32Kind:    {reflect.Int32, signed},
	protoreflect.Sint32Kind:   {reflect.Int32, signed},
	protoreflect.Sfixed32Kind: {reflect.Int32, signed},
	protoreflect.Uint32Kind:   {reflect.Uint32, unsigned},
	protoreflect.Fixed32Kind:  {reflect.Uint32, unsigned},
	protoreflect.Int64Kind:    {reflect.Int64, quoted(signed)},
	protoreflect.Sint64Kind:   {reflect.Int64, quoted(signed)},
	protoreflect.Sfixed64Kind: {reflect.Int64, quoted(signed)},
	protoreflect.Uint64Kind:   {reflect.Uint64, quoted(unsigned)},
	protoreflect.Fixed64Kind:  {reflect.Uint64, quoted(unsigned)},
	protoreflect.FloatKind:    {reflect.Float32, float(32)},
	protoreflect.DoubleKind:   {reflect.Float64, float(64)},
	protoreflect.StringKind:   {reflect.String, text},
	protoreflect.BytesKind:    {reflect.Slice, quoted(binary)},
}

func boolean(to []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendBool(to, v.Bool()), true
}

func signed(to []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendInt(to, v.Int(), 10), true
}

func unsigned(to []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendUint(to, v.Uint(), 10), true
}

func text(to []byte, v reflect.Value) ([]byte, bool) { return appendString(to, v.String()) }

func binary(to []byte, v reflect.Value) ([]byte, bool) {
	return base64.StdEncoding.AppendEncode(to, v.Bytes()), true
}

// quoted returns the function that writes a value in quotes, as JSON has numbers of 64 bits.
func quoted(inner write) write {
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		to, ok := inner(append(to, '"'), v)
		return append(to, '"'), ok
	}
}

// float returns the function that writes numbers with a fraction, in the form of ECMAScript.
func float(bits int) write {
	return func(to []byte, v reflect.Value) ([]byte, bool) {
		n := v.Float()
		switch {
		case math.IsNaN(n):
			return append(to, `"NaN"`...), true
		case math.IsInf(n, 1):
			return append(to, `"Infinity"`...), true
		case math.IsInf(n, -1):
			return append(to, `"-Infinity"`...), true
		}
		if !withExponent(n, bits) {
			return strconv.AppendFloat(to, n, 'f', -1, bits), true
		}
		to = strconv.AppendFloat(to, n, 'e', -1, bits)
		if end := len(to); to[end-4] == 'e' && to[end-3] == '-' && to[end-2] == '0' {
			to[end-2] = to[end-1] // e-09 becomes e-9.
			to = to[:end-1]
		}
		return to, true
	}
}

func withExponent(n float64, bits int) bool {
	n = math.Abs(n)
	if bits == 32 {
		return n != 0 && (float32(n) < 1e-6 || float32(n) >= 1e21)
	}
	return n != 0 && (n < 1e-6 || n >= 1e21)
}
