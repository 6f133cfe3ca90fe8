package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// giveUp is the share of the calls without a definite response that are not retried. Then the
	// server settles the mutation by itself.
	giveUp = 0.04
	// askAgain is the share of the definite responses that are asked for a second time.
	askAgain = 0.1
	// overREST is the share of the calls over REST.
	overREST = 0.25
)

// A client calls the replicas, each over a connection of its own.
type client struct {
	replicas []*replica
	conns    []*grpc.ClientConn
	patience time.Duration // the maximum time of its retries
}

func newClient(replicas []*replica, patience time.Duration) (*client, error) {
	c := &client{replicas: replicas, patience: patience}
	for _, r := range replicas {
		conn, err := r.dial()
		if err != nil {
			c.close()
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func (c *client) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// face returns one of the faces of the replicas: first those of gRPC, and then those of REST.
func (c *client) face(which int) face {
	f := face{replica: c.replicas[which%len(c.replicas)]}
	if which < len(c.conns) {
		f.conn = c.conns[which]
	}
	return f
}

// carryOut calls until there is a definite response, or until the caller gives up. All calls have
// the same request_id, and each is to any of the replicas.
func (c *client) carryOut(ctx context.Context, b *testbed, o *op) {
	patient := time.Now().Add(c.patience)
	for {
		c.call(ctx, c.any(o), o, o.deadline())
		switch {
		case o.told != nil:
			if change, ok := o.told.(*pb.StatusChange); ok {
				b.hearChange(change)
			}
			if o.chance(askAgain) {
				c.call(ctx, c.any(o), o, o.deadline())
			}
			return
		case o.refused != nil, o.chance(giveUp), time.Now().After(patient):
			return
		}
		select {
		case <-time.After(time.Duration(50+o.random.IntN(200)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// any returns a face for the next call of an op.
func (c *client) any(o *op) face {
	which := o.random.IntN(len(c.conns))
	if o.chance(overREST) {
		which += len(c.conns)
	}
	return c.face(which)
}

// deadline returns how long the client waits for one response. It is mostly long enough.
func (o *op) deadline() time.Duration {
	switch which := o.random.Float64(); {
	case which < 0.1:
		return time.Duration(10+o.random.IntN(90)) * time.Millisecond
	case which < 0.25:
		return time.Duration(100+o.random.IntN(900)) * time.Millisecond
	}
	return 5 * time.Second
}

// call makes one call, and records the response.
func (c *client) call(ctx context.Context, f face, o *op, deadline time.Duration) {
	life := f.replica.life()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	answer := o.answer()
	record, err := f.call(ctx, o.caller.token(), o.method, o.request, answer)
	o.calls++
	if err == nil {
		if whole(answer) {
			o.hear(answer, nil)
		}
		o.named(record)
		return
	}
	said := status.Convert(err)
	o.errors = append(o.errors, fmt.Sprint(said.Proto()))
	why := reason(said)
	if why == nil && said.Code() == codes.Unavailable && life != 0 && f.replica.life() != life {
		o.cut++
	}
	switch why.GetReason() {
	case pb.ErrorReason_TOKEN_INVALID.String(), pb.ErrorReason_SCOPE_MISSING.String():
		o.isStrange("its own caller was refused: %v", said)
	}
	o.named(why.GetMetadata()["mutation"])
	if definite(said.Code(), why.GetReason()) {
		o.hear(nil, said)
	}
}

// reason returns the ErrorInfo of an error of drmhub, or nil for an error of the connection.
func reason(s *status.Status) *errdetails.ErrorInfo {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// definite reports whether an error says that the call has failed for good. After any other error
// the client may retry.
func definite(code codes.Code, why string) bool {
	switch code {
	case codes.Unknown, codes.Unavailable, codes.ResourceExhausted,
		codes.DeadlineExceeded, codes.Canceled, codes.Internal:
		return false
	case codes.Aborted:
		return why == pb.ErrorReason_REPLACE_ROLLED_BACK.String() || why == pb.ErrorReason_REPLACE_INCOMPLETE.String()
	}
	return why != ""
}

// whole reports whether a response is definite. That of a batch is not if the outcome of an item is
// unknown.
func whole(answer proto.Message) bool {
	batch, ok := answer.(interface {
		GetResults() []*pb.ProductLicenseResult
	})
	return !ok || !slices.ContainsFunc(batch.GetResults(), func(r *pb.ProductLicenseResult) bool {
		return codes.Code(r.GetError().GetCode()) == codes.Unknown
	})
}

// hear records a definite response, which must be the same each time.
func (o *op) hear(answer proto.Message, refused *status.Status) {
	switch {
	case o.told == nil && o.refused == nil:
		o.told, o.refused = answer, refused
		if why := reason(refused); why.GetReason() == pb.ErrorReason_REQUEST_ID_REUSED.String() {
			o.isStrange("refused as if the request_id were another request's")
		}
	case refused != nil && (o.refused == nil || o.refused.Code() != refused.Code()):
		o.isStrange("got %v, and then %v", o.heard(), refused)
	case answer != nil && (o.told == nil || !equal(o.told, answer)):
		o.isStrange("got %v, and then %v", o.heard(), brief(answer))
	}
}

// equal reports whether two responses have the same content. The bytes of an Any differ from face
// to face.
func equal(a, b proto.Message) bool {
	return proto.Equal(a, b) || protojson.Format(a) == protojson.Format(b)
}

// leak records that somebody saw or did what its token does not allow.
func (o *op) leak(format string, args ...any) {
	o.leaks = append(o.leaks, fmt.Sprintf(format, args...))
}

// isStrange records an impossible thing that the client was told.
func (o *op) isStrange(format string, args ...any) {
	o.strange = append(o.strange, fmt.Sprintf(format, args...))
}

// heard returns what the client was told, for people.
func (o *op) heard() string {
	switch {
	case o.told != nil:
		return brief(o.told)
	case o.refused != nil:
		return o.refused.String()
	}
	return "nothing definite"
}

// named records the name of the op's record. There must be one.
func (o *op) named(name string) {
	switch {
	case o.record == "":
		o.record = name
	case name != "" && name != o.record:
		o.isStrange("has two records: %s and %s", o.record, name)
	}
}

// brief returns a message for people, cut if it is long.
func brief(m proto.Message) string {
	const longest = 700
	text := fmt.Sprintf("{%v}", m)
	if len(text) > longest {
		text = text[:longest] + " ...}"
	}
	return text
}
