package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/server/internal/suggest"
)

// The messages that a flag writes in one word.
const (
	timestampName = "google.protobuf.Timestamp"
	durationName  = "google.protobuf.Duration"
	maskName      = "google.protobuf.FieldMask"
)

// typeOf returns the word for a field's value in the help.
func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Enum() != nil:
		return "word"
	case f.Kind() == protoreflect.BoolKind:
		return "bool"
	case f.Kind() == protoreflect.BytesKind:
		return "@file"
	case f.Kind() == protoreflect.StringKind && isSecret(f):
		return "text|@file"
	case f.Kind() == protoreflect.StringKind && isDate(f):
		return "date"
	case f.Kind() == protoreflect.StringKind:
		return "text"
	case f.Message() == nil:
		return "number"
	}
	switch f.Message().FullName() {
	case timestampName:
		return "time"
	case durationName:
		return "duration"
	case maskName:
		return "fields"
	}
	return "json"
}

// formOf returns a sentence about how a value is written, or "".
func formOf(f protoreflect.FieldDescriptor) string {
	switch typeOf(f) {
	case "word":
		return "One of " + strings.Join(enumWords(f), ", ") + "."
	case "time":
		return "RFC 3339, or how long ago: 90m, 24h, 7d."
	case "duration":
		return "Such as 90s, 30m, 24h."
	case "fields":
		return "With commas between them. Without it, the fields that are given change."
	case "@file":
		return "The content of a file, or base64."
	case "text|@file":
		return "Write @FILE to keep it out of the list of processes."
	case "json":
		return "One item as JSON; may be repeated."
	}
	if f.IsList() {
		return "May be repeated."
	}
	return ""
}

// isDate reports whether a string is a calendar day, by the contract's rule.
func isDate(f protoreflect.FieldDescriptor) bool {
	return strings.HasSuffix(string(f.Name()), "date") && f.Kind() == protoreflect.StringKind
}

// takesFile reports whether a value can be the name of a file.
func takesFile(f protoreflect.FieldDescriptor) bool { return strings.HasSuffix(typeOf(f), "@file") }

// enumWords returns the values of an enum that a request can have, or nil.
func enumWords(f protoreflect.FieldDescriptor) (words []string) {
	if f.Enum() == nil {
		return nil
	}
	for i := range f.Enum().Values().Len() {
		if v := f.Enum().Values().Get(i); v.Number() != 0 {
			words = append(words, string(v.Name()))
		}
	}
	return words
}

// parseValue parses a value of a field, or an item of a list.
func parseValue(f protoreflect.FieldDescriptor, text string) (v protoreflect.Value, err error) {
	switch {
	case f.Enum() != nil:
		return parseEnum(f, text)
	case f.Message() != nil:
		m, err := parseMessage(f, text)
		if err != nil {
			return v, err
		}
		return protoreflect.ValueOfMessage(m.ProtoReflect()), nil
	case f.Kind() == protoreflect.BytesKind || f.Kind() == protoreflect.StringKind:
		return parseText(f, text)
	case f.Kind() == protoreflect.BoolKind:
		b, err := strconv.ParseBool(text)
		return protoreflect.ValueOfBool(b), simple(err)
	case f.Kind() == protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		return protoreflect.ValueOfInt32(int32(n)), simple(err)
	case f.Kind() == protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		return protoreflect.ValueOfInt64(n), simple(err)
	case f.Kind() == protoreflect.DoubleKind:
		n, err := strconv.ParseFloat(text, 64)
		return protoreflect.ValueOfFloat64(n), simple(err)
	}
	return v, errors.New("this kind of field has no flag: use --json")
}

// simple returns the error of strconv without its function.
func simple(err error) error {
	if n, ok := errors.AsType[*strconv.NumError](err); ok {
		return n.Err
	}
	return err
}

func parseEnum(f protoreflect.FieldDescriptor, text string) (v protoreflect.Value, err error) {
	word := strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	if value := f.Enum().Values().ByName(protoreflect.Name(word)); value != nil {
		return protoreflect.ValueOfEnum(value.Number()), nil
	}
	problem := "use one of " + strings.Join(enumWords(f), ", ")
	if near := suggest.Nearest(word, enumWords(f)); near != "" {
		problem = fmt.Sprintf("did you mean %s?", near)
	}
	return v, errors.New(problem)
}

func parseText(f protoreflect.FieldDescriptor, text string) (v protoreflect.Value, err error) {
	file, isFile := strings.CutPrefix(text, "@")
	if isFile = isFile && takesFile(f); isFile {
		content, err := os.ReadFile(file)
		if err != nil {
			return v, fmt.Errorf("the file cannot be read: %w", err)
		}
		if f.Kind() == protoreflect.BytesKind {
			return protoreflect.ValueOfBytes(content), nil
		}
		text = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	}
	switch {
	case f.Kind() == protoreflect.BytesKind:
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return v, errors.New("write @FILE, or the content in base64")
		}
		return protoreflect.ValueOfBytes(content), nil
	case isDate(f) && text != "":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return v, errors.New("write a day as YYYY-MM-DD")
		}
	}
	return protoreflect.ValueOfString(text), nil
}

func parseMessage(f protoreflect.FieldDescriptor, text string) (proto.Message, error) {
	switch f.Message().FullName() {
	case timestampName:
		at, err := parseTime(text, time.Now())
		return timestamppb.New(at), err
	case durationName:
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, errors.New("write a duration such as 90s, 30m or 24h")
		}
		return durationpb.New(d), nil
	case maskName:
		mask := &fieldmaskpb.FieldMask{}
		for path := range strings.SplitSeq(text, ",") {
			if path = strings.TrimSpace(path); path != "" {
				mask.Paths = append(mask.Paths, strings.ReplaceAll(kebab(path), "-", "_"))
			}
		}
		return mask, nil
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(f.Message().FullName())
	if err != nil {
		return nil, errors.New("this kind of field has no flag: use --json")
	}
	m := t.New().Interface()
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("it is not the JSON of %s: %s", f.Message().Name(), jsonProblem(err))
	}
	return m, nil
}

var days = regexp.MustCompile(`^(\d{1,5})d$`)

// parseTime parses an instant, or how long it is before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	if n := days.FindStringSubmatch(text); n != nil {
		count, _ := strconv.Atoi(n[1])
		return now.Add(-time.Duration(count) * 24 * time.Hour), nil
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return now, errors.New("write an instant as 2026-01-31T18:00:00Z, or how long ago as 90m, 24h or 7d")
	}
	return now.Add(-ago), nil
}

// jsonProblem returns the text of an error of protojson, which begins with its own name.
func jsonProblem(err error) string {
	text := strings.TrimPrefix(err.Error(), "proto:")
	return strings.TrimSpace(strings.ReplaceAll(text, "\u00a0", " "))
}
