package messagejson

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // The details of errors.
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb" // Messages that have a form of their own.

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// messageTypes returns the types of the contract, of google.rpc and of the well-known messages, by
// name.
func messageTypes() (all []protoreflect.MessageType) {
	for _, file := range []string{"drmhub/v1/", "google/rpc/", "google/protobuf/"} {
		protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
			if strings.HasPrefix(f.Path(), file) && f.Syntax() == protoreflect.Proto3 {
				all = append(all, typesIn(f.Messages())...)
			}
			return true
		})
	}
	return all
}

func typesIn(messages protoreflect.MessageDescriptors) (all []protoreflect.MessageType) {
	for i := range messages.Len() {
		d := messages.Get(i)
		if !d.IsMapEntry() {
			t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
			if err != nil {
				panic(err)
			}
			all = append(append(all, t), typesIn(d.Messages())...)
		}
	}
	return all
}

// TestEveryMessageOfTheContractHasItsFunction fails if a message is left to protojson, which is
// slow.
func TestEveryMessageOfTheContractHasItsFunction(t *testing.T) {
	checked := 0
	for _, mt := range messageTypes() {
		if mt.Descriptor().ParentFile().Package() != "drmhub.v1" {
			continue
		}
		if w := (writer{}); !w.known(mt.New().Interface()) || w.failed {
			t.Errorf("%s is left to protojson", mt.Descriptor().FullName())
		}
		checked++
	}
	if checked < 100 {
		t.Errorf("only %d messages were found", checked)
	}
}

// TestMessagesAreWrittenAsByProtojson compares random messages of every type.
func TestMessagesAreWrittenAsByProtojson(t *testing.T) {
	for _, mt := range messageTypes() {
		t.Run(string(mt.Descriptor().FullName()), func(t *testing.T) {
			for seed := range uint64(100) {
				f := filler{rand.New(rand.NewPCG(seed, 18)), int(seed % 4)}
				m := mt.New()
				f.fill(m, 4)
				compare(t, m.Interface())
			}
		})
	}
}

// compare compares both encoders. It reports a failure in which they differ.
func compare(t *testing.T, m proto.Message) {
	t.Helper()
	text, wantErr := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	const before = "before"
	got, err := Append([]byte(before), m)
	if (err == nil) != (wantErr == nil) || err != nil && plainly(err) != plainly(wantErr) {
		t.Fatalf("the error is %v, and protojson's %v", err, wantErr)
	}
	var want bytes.Buffer
	if err == nil {
		if err := json.Compact(&want, text); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != before+want.String() {
		t.Fatalf("got  %s\nwant %s%s", got, before, want.Bytes())
	}
}

// plainly returns an error's text with plain spaces. Protojson has spaces of another kind in some
// errors.
func plainly(err error) string { return strings.ReplaceAll(err.Error(), "\u00a0", " ") }

// A filler fills messages with random values, among them those at which writers fail.
type filler struct {
	*rand.Rand
	oddity int // 0: every text and time can be written
}

func (f filler) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if f.IntN(4) == 0 || fd.Message() != nil && depth == 0 {
			continue
		}
		switch {
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range f.IntN(4) {
				list.Append(f.value(list.NewElement(), fd, depth))
			}
		case fd.IsMap():
			all := m.Mutable(fd).Map()
			for range f.IntN(4) {
				key := f.value(protoreflect.Value{}, fd.MapKey(), depth)
				all.Set(key.MapKey(), f.value(all.NewValue(), fd.MapValue(), depth))
			}
		default:
			m.Set(fd, f.value(m.NewField(fd), fd, depth))
		}
	}
	f.adjust(m)
}

// adjust makes most messages that have rules of their own valid.
func (f filler) adjust(m protoreflect.Message) {
	if f.oddity == 3 {
		return
	}
	switch m := m.Interface().(type) {
	case *timestamppb.Timestamp:
		m.Seconds = f.Int64N(lastSecond-firstSecond+1) + firstSecond
		m.Nanos = choose[int32](f, 0, 1, 1000, 120e6, 123456e3, 999_999_999)
	case *durationpb.Duration:
		m.Seconds = choose[int64](f, 0, 1, 59, 315_576_000_000)
		m.Nanos = choose[int32](f, 0, 1, 1000, 120e6, 123456e3, 999_999_999)
		if f.IntN(2) == 0 {
			m.Seconds, m.Nanos = -m.Seconds, -m.Nanos
		}
	case *anypb.Any:
		types := messageTypes()
		inner := types[f.IntN(len(types))].New()
		f.fill(inner, 0)
		if packed, err := anypb.New(inner.Interface()); err == nil {
			m.TypeUrl, m.Value = packed.TypeUrl, packed.Value
		}
	case *structpb.Value:
		if m.Kind == nil {
			m.Kind = &structpb.Value_NullValue{}
		}
	}
}

func choose[T any](f filler, from ...T) T { return from[f.IntN(len(from))] }

func (f filler) value(empty protoreflect.Value, fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		f.fill(empty.Message(), depth-1)
		return empty
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(f.IntN(2) == 0)
	case protoreflect.EnumKind:
		n := choose[int32](f, 0, 1, 2, 3, -1, f.Int32N(20), math.MaxInt32)
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(choose[int32](f, 0, 1, -1, math.MaxInt32, math.MinInt32))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(choose[uint32](f, 0, 1, math.MaxUint32))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(choose[int64](f, 0, 1, -1, math.MaxInt64, math.MinInt64, f.Int64()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(choose[uint64](f, 0, 1, math.MaxUint64, f.Uint64()))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(f.float()))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(f.float())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(f.text()))
	default:
		return protoreflect.ValueOfString(f.text())
	}
}

func (f filler) float() float64 {
	return choose[float64](f, 0, math.Copysign(0, -1), 1, -2.5, 1e-6, 9.9e-7, 1e-9, 1e-10, 1e20, 1e21, -1e21, 1e100,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxFloat32, math.SmallestNonzeroFloat32,
		math.NaN(), math.Inf(1), math.Inf(-1), f.NormFloat64())
}

func (f filler) text() string {
	texts := []string{"", "a", "content-17", "create_time", "<b>&'", `"\/`, "\b\f\n\r\t", "\x00\x1f\x7f", "é中😀",
		"\u2028\u2029\ufeff\ufffd", strings.Repeat("x", 100) + "\n"}
	if f.oddity > 1 {
		texts = append(texts, "\xff", "a\xc3", "\xed\xa0\x80")
	}
	return choose(f, texts...) + choose(f, texts...)
}

// TestOddMessages holds messages that nobody makes on purpose.
func TestOddMessages(t *testing.T) {
	compare(t, nil)
	compare(t, (*pb.License)(nil))
	compare(t, (*timestamppb.Timestamp)(nil))
	compare(t, &pb.ListLicensesResponse{Licenses: []*pb.License{nil, {}}})
	compare(t, &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_Error{}})
	compare(t, &pb.ProductLicenseResult{Result: (*pb.ProductLicenseResult_Error)(nil)})
	for _, m := range []proto.Message{&pb.CheckVendorRequest{}, &pb.License{}} { // One Go type holds both.
		compare(t, dynamicpb.NewMessage(m.ProtoReflect().Descriptor()))
	}
}

// TestAPageIsWrittenWithoutMemory demands that a list needs no memory but that of its text.
func TestAPageIsWrittenWithoutMemory(t *testing.T) {
	res, to := page(100), make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(10, func() { _, _ = Append(to, res) }); n > 0 {
		t.Errorf("a page made %v allocations", n)
	}
}

func FuzzAppend(f *testing.F) {
	types := messageTypes()
	for i, mt := range types {
		m := mt.New()
		filler{rand.New(rand.NewPCG(uint64(i), 18)), 0}.fill(m, 3)
		wire, err := proto.Marshal(m.Interface())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(i), wire)
	}
	f.Fuzz(func(t *testing.T, i uint16, wire []byte) {
		m := types[int(i)%len(types)].New().Interface()
		if proto.Unmarshal(wire, m) == nil {
			compare(t, m)
		}
	})
}
