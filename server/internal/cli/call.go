package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// maxRequest is the largest request that a server takes, in bytes.
const maxRequest = 4 << 20

// change makes a call that changes something. Without a request id, it makes one, and prints it
// before the call, so that the call can be repeated whatever happens.
func (s *session) change(rpc *contract.RPC, req proto.Message, p *printer) error {
	if contract.Text(req.ProtoReflect(), "request_id") == "" && !isDryRun(req) {
		contract.Set(req, "request_id", uuid.NewString())
		fmt.Fprintf(s.errs, "Request id: %s\n", contract.Text(req.ProtoReflect(), "request_id"))
	}
	res := rpc.NewResponse()
	if err := s.invoke(rpc, req, res); err != nil {
		return s.changeFailed(rpc, req, err)
	}
	if err := p.response(rpc, res); err != nil {
		return notPrinted(rpc, req, res, err)
	}
	return outcome(res)
}

// isDryRun reports whether a request changes nothing.
func isDryRun(req proto.Message) bool {
	f := fieldOf(req, "validate_only")
	return f != nil && req.ProtoReflect().Get(f).Bool()
}

// invoke makes a unary call, again where that is safe. It prints what the headers of the response
// say.
func (s *session) invoke(rpc *contract.RPC, req, res proto.Message) error {
	if proto.Size(req) > maxRequest {
		return Usagef("the request is larger than %d MiB, and no server takes it: make several calls", maxRequest>>20)
	}
	return s.repeat(rpc, req, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		var header, trailer metadata.MD
		err := s.conn.Invoke(ctx, rpc.FullMethod(), req, res, grpc.Header(&header), grpc.Trailer(&trailer))
		s.note(metadata.Join(header, trailer), err)
		return err
	})
}

// note prints what a response says beside its message.
func (s *session) note(header metadata.MD, err error) {
	for _, planned := range header.Get("drmhub-planned-request") {
		fmt.Fprintf(s.errs, "Planned request: %s\n", Clean(planned))
	}
	if names := header.Get("drmhub-mutation"); len(names) > 0 && err == nil {
		fmt.Fprintf(s.errs, "Mutation: %s\n", Clean(names[0]))
	}
	if strings.Join(header.Get("drmhub-replayed"), "") == "true" {
		fmt.Fprintln(s.errs, "An earlier call with this request id brought this result about. This call sent nothing.")
	}
}

// outcome returns the error of a response that says itself that something failed: an item of a
// batch, or the check of a vendor.
func outcome(res proto.Message) error {
	switch res := res.(type) {
	case interface {
		GetResults() []*pb.ProductLicenseResult
	}:
		return outcomeOfItems(res.GetResults())
	case *pb.CheckVendorResponse:
		if !res.GetOk() {
			return exitError{fmt.Errorf("the vendor is not well: %s", Clean(res.GetError().GetMessage())), ExitFailed}
		}
	}
	return nil
}

func outcomeOfItems(items []*pb.ProductLicenseResult) error {
	failed, unknown := 0, 0
	for _, item := range items {
		if item.GetError() == nil {
			continue
		}
		failed++
		if isUnknown(item.GetError()) {
			unknown++
		}
	}
	switch {
	case unknown > 0:
		return exitError{fmt.Errorf("%d of %d items failed, and %d of these may have taken effect: "+
			"repeat the call with the same --request-id", failed, len(items), unknown), ExitOutcomeUnknown}
	case failed > 0:
		return exitError{fmt.Errorf("%d of %d items failed", failed, len(items)), ExitFailed}
	}
	return nil
}

// rowsField returns the list of a response that holds its rows, or nil.
func rowsField(m protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	if m.Fields().ByName("next_page_token") == nil {
		return nil
	}
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); f.IsList() && f.Message() != nil {
			return f
		}
	}
	return nil
}
