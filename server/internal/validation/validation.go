// Package validation checks requests against the rules that the proto states, before anything else
// sees them: names are read and written canonically, masks are made explicit, and every broken rule
// becomes a field violation.
package validation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// Validator checks requests.
type Validator struct{ rules protovalidate.Validator }

// New makes a validator, with the rules of the messages compiled in advance, so that the first
// request is no slower than the rest.
func New(messages ...proto.Message) (*Validator, error) {
	rules, err := protovalidate.New(protovalidate.WithMessages(messages...))
	if err != nil {
		return nil, fmt.Errorf("compiling the rules of the contract: %w", err)
	}
	return &Validator{rules}, nil
}

// Request checks one request, and writes its names and its update_mask in their canonical form.
func (v *Validator) Request(req proto.Message) error {
	violations := append(canonicalNames(req), batchItems(req)...)
	if len(violations) == 0 {
		violations = anotherName(req)
	}
	if len(violations) == 0 {
		violations = explicitMask(req)
	}
	var broken *protovalidate.ValidationError
	switch err := v.rules.Validate(req); {
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

// fromRules are the rules broken in fields of which nothing is said yet: that a name does not match
// its pattern is said better already.
func fromRules(broken *protovalidate.ValidationError, said []*errdetails.BadRequest_FieldViolation) []*errdetails.BadRequest_FieldViolation {
	var violations []*errdetails.BadRequest_FieldViolation
	for _, b := range broken.Violations {
		field := protovalidate.FieldPathString(b.Proto.GetField())
		known := false
		for _, s := range said {
			known = known || s.GetField() == field
		}
		if known {
			continue
		}
		violations = append(violations, &errdetails.BadRequest_FieldViolation{Field: field, Description: describe(field, b), Reason: strings.ToUpper(strings.ReplaceAll(b.Proto.GetRuleId(), ".", "_"))})
	}
	return violations
}

// describe says what to change of a field that breaks a rule.
func describe(field string, b *protovalidate.Violation) string {
	text := strings.TrimPrefix(b.Proto.GetMessage(), "value ")
	switch {
	case b.Proto.GetRuleId() == "repeated.unique":
		return "must hold each item once" + repeated(field, b.FieldValue.List())
	case text == "":
		return "breaks the rule " + b.Proto.GetRuleId()
	}
	return text
}

// repeated says which item of a list is the first to be there again.
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
func (v *Validator) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok {
		if err := v.Request(m); err != nil {
			return nil, err
		}
	}
	return handler(ctx, req)
}

// Stream checks the requests of streams.
func (v *Validator) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
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
