package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// of the calls without a definite answer are not made again: then the server has to settle it
	// by itself
	giveUp   = 0.04
	askAgain = 0.1 // of the definite answers are asked for a second time
)

// client calls the replicas, each over a connection of its own.
type client struct {
	replicas []*replica
	conns    []*grpc.ClientConn
	patience time.Duration // how long it calls again, at most
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

// carryOut calls until there is a definite answer, or nobody wants to know any more: always with
// the same request_id, and each time one of the replicas.
func (c *client) carryOut(ctx context.Context, w *world, o *op) {
	patient := time.Now().Add(c.patience)
	for {
		c.call(ctx, o.random.IntN(len(c.conns)), o, o.deadline())
		switch {
		case o.told != nil:
			if change, ok := o.told.(*pb.StatusChange); ok {
				w.hearChange(change)
			}
			if o.chance(askAgain) {
				c.call(ctx, o.random.IntN(len(c.conns)), o, o.deadline())
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

// deadline is how long the client waits for an answer this time: mostly long enough, sometimes not.
func (o *op) deadline() time.Duration {
	switch which := o.random.Float64(); {
	case which < 0.1:
		return time.Duration(10+o.random.IntN(90)) * time.Millisecond
	case which < 0.25:
		return time.Duration(100+o.random.IntN(900)) * time.Millisecond
	}
	return 5 * time.Second
}

// call makes one call, and notes what is heard.
func (c *client) call(ctx context.Context, which int, o *op, deadline time.Duration) {
	life := c.replicas[which].life()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var header metadata.MD
	answer := o.answer()
	err := c.conns[which].Invoke(ctx, o.method, o.request, answer, grpc.Header(&header))
	o.calls++
	if err == nil {
		if whole(answer) {
			o.hear(answer, nil)
		}
		o.named(slices.Concat(header.Get("drmhub-mutation"), []string{""})[0])
		return
	}
	said := status.Convert(err)
	why := reason(said)
	if why == nil && said.Code() == codes.Unavailable && life != 0 && c.replicas[which].life() != life {
		o.cut++
	}
	o.named(why.GetMetadata()["mutation"])
	if definite(said.Code(), why.GetReason()) {
		o.hear(nil, said)
	}
}

// reason is the ErrorInfo of an error of drmhub's; nil where the error is the connection's.
func reason(s *status.Status) *errdetails.ErrorInfo {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// definite reports whether an error says that the call has failed for good. After any other the same
// call may be made again.
func definite(code codes.Code, why string) bool {
	switch code {
	case codes.Unknown, codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled, codes.Internal:
		return false
	case codes.Aborted:
		return why == pb.ErrorReason_REPLACE_ROLLED_BACK.String() || why == pb.ErrorReason_REPLACE_INCOMPLETE.String()
	}
	return why != ""
}

// whole reports whether an answer is definite: a batch's is not where it does not know of some items.
func whole(answer proto.Message) bool {
	batch, ok := answer.(interface {
		GetResults() []*pb.ProductLicenseResult
	})
	return !ok || !slices.ContainsFunc(batch.GetResults(), func(r *pb.ProductLicenseResult) bool {
		return codes.Code(r.GetError().GetCode()) == codes.Unknown
	})
}

// hear notes a definite answer, which must be the same each time.
func (o *op) hear(answer proto.Message, refused *status.Status) {
	switch {
	case o.told == nil && o.refused == nil:
		o.told, o.refused = answer, refused
		if why := reason(refused); why.GetReason() == pb.ErrorReason_REQUEST_ID_REUSED.String() {
			o.strange = append(o.strange, "refused as if the request_id were another request's")
		}
	case refused != nil && (o.refused == nil || o.refused.Code() != refused.Code()):
		o.strange = append(o.strange, fmt.Sprintf("was answered %v, and then %v", o.heard(), refused))
	case answer != nil && (o.told == nil || !proto.Equal(o.told, answer)):
		o.strange = append(o.strange, fmt.Sprintf("was answered %v, and then %v", o.heard(), brief(answer)))
	}
}

// heard is what the client was told, for people.
func (o *op) heard() string {
	switch {
	case o.told != nil:
		return brief(o.told)
	case o.refused != nil:
		return o.refused.String()
	}
	return "nothing definite"
}

// named notes the name of the op's record, of which there must be one.
func (o *op) named(name string) {
	switch {
	case o.record == "":
		o.record = name
	case name != "" && name != o.record:
		o.strange = append(o.strange, "has two records: "+o.record+" and "+name)
	}
}

// brief is a message for people, without what is too long for them.
func brief(m proto.Message) string {
	const longest = 700
	text := fmt.Sprintf("{%v}", m)
	if len(text) > longest {
		text = text[:longest] + " ...}"
	}
	return text
}
