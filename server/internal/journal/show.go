package journal

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal/decide"
	"github.com/drmhub/drmhub/server/internal/journal/records"
)

// show returns a mutation as the contract shows it.
func (s *Service) show(ctx context.Context, m *records.Mutation) (*pb.Mutation, error) {
	shown := &pb.Mutation{
		Name:             m.Name(),
		Method:           m.Method,
		Resource:         m.Resource,
		Subject:          m.Subject,
		RequestId:        m.RequestID,
		State:            m.State,
		VendorHttpStatus: m.VendorHTTPStatus,
		VendorCode:       m.VendorCode,
		CreateTime:       timestamppb.New(m.Created),
		SendTime:         stamp(m.Sent),
		SettleTime:       stamp(m.Settled),
		NextSettleTime:   stamp(m.SettleAt),
	}
	all, err := s.journal.records.Steps(ctx, m.ID)
	for _, known := range all {
		if known.State == mutation.Snapshotted {
			continue
		}
		shown.Steps = append(shown.Steps, &pb.Mutation_Step{
			Id: known.Name, State: stepState(m, known), SendTime: stamp(known.Sent), SettleTime: stamp(known.Settled),
			Message: advised(known.Err.Message(), m, adviceOnRecord),
		})
	}
	shown.Message = advised(message(m, shown.GetSteps()), m, adviceOnRecord)
	return shown, err
}

// message returns why a mutation failed or is in doubt. A batch has the message of its first item
// that did.
func message(m *records.Mutation, steps []*pb.Mutation_Step) string {
	if m.Err != nil || m.State != decide.Failed && m.State != decide.Unknown {
		return m.Err.GetMessage()
	}
	if batch, ok := m.Response.(results); ok {
		for i, item := range batch.GetResults() {
			if item.GetError() != nil {
				return fmt.Sprintf("item %d: %s", i, item.GetError().GetMessage())
			}
		}
	}
	for _, s := range steps {
		if s.GetState() != pb.Mutation_SUCCEEDED && s.GetMessage() != "" {
			return s.GetId() + ": " + s.GetMessage()
		}
	}
	return ""
}

// stepState returns the state of a step as the contract shows it. A step that was sent is SENT
// while a call runs the mutation, and FAILED once it is known not to have been made.
func stepState(m *records.Mutation, s *records.Step) pb.Mutation_State {
	switch {
	case s.State == mutation.Sent && m.State == decide.Unknown:
		return pb.Mutation_UNKNOWN
	case s.State == mutation.NotSent && !s.Sent.IsZero():
		return pb.Mutation_FAILED
	}
	return stepStates[s.State]
}

var stepStates = map[mutation.State]pb.Mutation_State{
	mutation.NotSent:      pb.Mutation_INTENDED,
	mutation.Sent:         pb.Mutation_SENT,
	mutation.Done:         pb.Mutation_SUCCEEDED,
	mutation.Refused:      pb.Mutation_FAILED,
	mutation.Unverifiable: pb.Mutation_UNKNOWN,
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
