package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// failed returns the error of a call for people: the message, the reason, the fields, and what to
// do.
func (s *session) failed(rpc *contract.RPC, err error) error {
	if e := (exitError{}); errors.As(err, &e) {
		return err
	}
	if isWrite(rpc) {
		return s.changeFailed(rpc, nil, err)
	}
	return exitError{errors.New(explain(rpc, err)), ExitFailed}
}

// changeFailed is failed for a call that changes something. Where the change may have been made, it
// says how to find out, and the exit code is ExitOutcomeUnknown.
func (s *session) changeFailed(rpc *contract.RPC, req proto.Message, err error) error {
	if e := (exitError{}); errors.As(err, &e) {
		return err
	}
	problem := status.Convert(err).Proto()
	if !isUnknown(problem) && (!isLost(err) || req != nil && isDryRun(req)) {
		return exitError{errors.New(explain(rpc, err)), ExitFailed}
	}
	text := explain(rpc, err)
	if !isUnknown(problem) {
		text += "\nThe change may have been made."
	}
	id := ""
	if req != nil {
		id = contract.Text(req.ProtoReflect(), "request_id")
	}
	mutation := infoOf(problem).GetMetadata()[apierror.MutationName]
	switch {
	case mutation != "":
		text += fmt.Sprintf("\nFollow its record: drmhub mutations watch %s", Clean(mutation))
	case id != "":
		text += fmt.Sprintf("\nFind its record: drmhub mutations list --request-id %s", id)
	}
	if id != "" && rpc.Mutating {
		text += "\n" + repeatable + id
	}
	return exitError{errors.New(text), ExitOutcomeUnknown}
}

// notPrinted returns the error of a call that succeeded, and whose result cannot be printed. If the
// call may have changed something, the exit code does not say that it failed.
func notPrinted(rpc *contract.RPC, req, res proto.Message, err error) error {
	text := fmt.Sprintf("The result cannot be printed: %v", err)
	if !isWrite(rpc) || isDryRun(req) {
		return exitError{errors.New(text), ExitFailed}
	}
	said := "The change took effect."
	if failure := outcome(res); failure != nil {
		said = fmt.Sprintf("The call was made: %v.", failure)
	} else if !rpc.Mutating {
		said = "The call was made."
	}
	text = said + " " + text
	if id := contract.Text(req.ProtoReflect(), "request_id"); id != "" {
		text += "\n" + repeatable + id
	}
	return exitError{errors.New(text), ExitOutcomeUnknown}
}

// repeatable is what is true of every change with a request id, which follows it.
const repeatable = "A repetition with the same request id never makes the change twice: add --request-id "

// explain returns the text of an error of a call.
func explain(rpc *contract.RPC, err error) string {
	s := status.Convert(err)
	info := infoOf(s.Proto())
	if info == nil {
		return explainForeign(err, s)
	}
	lines := []string{Clean(s.Message()), fmt.Sprintf("  reason: %s (%s)", info.GetReason(), codeName(s.Code()))}
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				lines = append(lines, "  "+violation(rpc, v))
			}
		case *errdetails.RetryInfo:
			lines = append(lines, fmt.Sprintf("  call again after: %s", d.GetRetryDelay().AsDuration()))
		}
	}
	for _, key := range []string{
		apierror.Vendor, apierror.VendorCode, apierror.VendorHTTPStatus, apierror.VendorRequestID,
		apierror.VendorMessage, apierror.MutationName, apierror.Standing,
	} {
		// The message may have it already. The mutation has a line of its own, for programs.
		if text := info.GetMetadata()[key]; text != "" &&
			(key == apierror.MutationName || !strings.Contains(s.Message(), text)) {
			lines = append(lines, fmt.Sprintf("  %s: %s", strings.ReplaceAll(key, "_", " "), Clean(text)))
		}
	}
	if advice := adviceOf(info.GetReason()); advice != "" {
		lines = append(lines, "  "+advice)
	}
	return strings.Join(lines, "\n")
}

// violation returns what is wrong with a field, and the flag of that field.
func violation(rpc *contract.RPC, v *errdetails.BadRequest_FieldViolation) string {
	field, text := Clean(v.GetField()), Clean(v.GetDescription())
	if field == "" {
		return text
	}
	for _, f := range fieldFlags(rpc.Request.Descriptor(), rpc.HTTP.Method == http.MethodPatch) {
		if pathName(f.path) == field {
			return fmt.Sprintf("%s (--%s): %s", field, f.name, text)
		}
	}
	return field + ": " + text
}

// explainForeign is explain for an error that drmhub did not make: the server's response is
// missing.
func explainForeign(err error, s *status.Status) string {
	switch {
	case errors.Is(err, context.Canceled) || s.Code() == codes.Canceled:
		return "The call was canceled before the response arrived."
	case s.Code() == codes.DeadlineExceeded:
		return "The response did not arrive in the time of --timeout."
	case s.Code() == codes.Unauthenticated:
		return fmt.Sprintf("The call was not made: %s", Clean(s.Message()))
	}
	return fmt.Sprintf("No response of drmhub arrived: %s\n  code: %s", connectionProblem(err), codeName(s.Code()))
}

// explainShort returns the message of an error of a call in one line.
func explainShort(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if infoOf(status.Convert(err).Proto()) != nil {
		text = status.Convert(err).Message()
	}
	return Clean(text)
}

// adviceOf returns what the contract says of a reason, without its code and its metadata.
func adviceOf(reason string) string {
	value := pb.ErrorReason(0).Descriptor().Values().ByName(protoreflect.Name(reason))
	if value == nil {
		return ""
	}
	text, _, _ := strings.Cut(comment(value), "\n")
	text, _, _ = strings.Cut(text, " Metadata:")
	text, _, _ = strings.Cut(text, " Example:")
	if _, after, found := strings.Cut(text, ": "); found {
		text = after
	}
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// codeName returns the canonical name of a code, such as NOT_FOUND.
func codeName(c codes.Code) string { return code.Code(c).String() }
