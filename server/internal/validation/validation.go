// Package validation checks requests against the rules of the proto. It also makes names canonical
// and masks explicit. The journal's digest and locks depend on both. Every broken rule becomes a
// field violation.
package validation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// A Validator checks requests.
type Validator struct {
	rules func() (protovalidate.Validator, error)
}

// New returns a validator. The first request of each message compiles its rules, and the first of
// all what the rules share: 3 MB and some milliseconds that a start does not need. A test compiles
// the rules of all messages.
func New() *Validator {
	return &Validator{sync.OnceValues(func() (protovalidate.Validator, error) { return protovalidate.New() })}
}

// Request checks a request. It makes its names canonical, and its update_mask explicit.
func (v *Validator) Request(req proto.Message) error {
	if violations := bounds(req.ProtoReflect(), ""); len(violations) > 0 {
		return apierror.InvalidRequest(violations...)
	}
	violations := append(canonicalNames(req), batchItems(req)...)
	if len(violations) == 0 {
		violations = anotherName(req)
	}
	if len(violations) == 0 {
		violations = explicitMask(req)
	}
	if len(violations) == 0 {
		violations = callbackURLs(req)
	}
	rules, err := v.rules()
	if err != nil {
		return fmt.Errorf("compiling the rules of the contract: %w", err)
	}
	var broken *protovalidate.ValidationError
	switch err := rules.Validate(req); {
	case errors.As(err, &broken):
		violations = append(violations, fromRules(broken, violations)...)
	case err != nil:
		return fmt.Errorf("checking a %T: %w", req, err)
	}
	if len(violations) > 0 {
		return apierror.InvalidRequest(violations...)
	}
	return nil
}

// fromRules returns the broken rules of fields that have no violation yet. A name has a better
// message than that it does not match its pattern.
func fromRules(broken *protovalidate.ValidationError, known []*violation) []*violation {
	named := map[string]bool{}
	for _, v := range known {
		named[v.GetField()] = true
	}
	var violations []*violation
	for _, b := range broken.Violations {
		field := protovalidate.FieldPathString(b.Proto.GetField())
		if named[field] {
			continue
		}
		reason := strings.ToUpper(strings.ReplaceAll(b.Proto.GetRuleId(), ".", "_"))
		violations = append(violations, &violation{Field: field, Description: describe(field, b), Reason: reason})
	}
	return violations
}

// describe says what to change in a field that breaks a rule.
func describe(field string, b *protovalidate.Violation) string {
	text := strings.TrimPrefix(b.Proto.GetMessage(), "value ")
	switch {
	case b.Proto.GetRuleId() == "repeated.unique":
		return "must hold each item once" + repeated(field, b.FieldValue.List())
	case b.Proto.GetRuleId() == "string.pattern":
		return form(b.RuleValue.String())
	case b.Proto.GetRuleId() == "string.min_len" && b.RuleValue.Uint() == 1:
		return "must not be empty"
	case b.Proto.GetRuleId() == "string.uuid":
		return "must be a valid UUID, such as 5f0c2a4e-8c1d-4a36-9a57-0b6d3f7e21c4"
	case b.Proto.GetRuleId() == "enum.defined_only" && b.FieldDescriptor != nil && b.FieldDescriptor.Enum() != nil:
		return "must be one of " + strings.Join(values(b.FieldDescriptor.Enum()), ", ")
	case text == "":
		return "breaks the rule " + b.Proto.GetRuleId()
	}
	return text
}

// values returns the names of an enum's values, without the unspecified one.
func values(enum protoreflect.EnumDescriptor) (names []string) {
	for i := range enum.Values().Len() {
		if v := enum.Values().Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	return names
}

// repeated names the first item of a list that repeats another.
func repeated(field string, list protoreflect.List) string {
	places := map[string]int{}
	for i := range list.Len() {
		item := list.Get(i).String()
		if first, again := places[item]; again {
			return fmt.Sprintf(": %[1]s[%[2]d] is %[1]s[%[3]d] again, %[4]s", field, i, first, item)
		}
		places[item] = i
	}
	return ""
}

// Unary checks the requests of unary calls.
func (v *Validator) Unary(
	ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	if m, ok := req.(proto.Message); ok {
		if err := v.Request(m); err != nil {
			return nil, err
		}
	}
	return handler(ctx, req)
}

// Stream checks the requests of streams.
func (v *Validator) Stream(
	srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	return handler(srv, checked{stream, v})
}

type checked struct {
	grpc.ServerStream
	v *Validator
}

func (c checked) RecvMsg(m any) error {
	if err := c.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if m, ok := m.(proto.Message); ok {
		return c.v.Request(m)
	}
	return nil
}
