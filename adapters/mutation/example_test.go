package mutation_test

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
)

// A method runs twice on one log. The response to the first write is lost, although the write took
// effect. The second run reads that back and sends nothing.
func ExampleDo() {
	suspended := false // at the vendor
	suspend := func(ctx context.Context) (*wrapperspb.StringValue, error) {
		return mutation.Do(ctx, mutation.Write[*wrapperspb.StringValue]{
			Step: "suspend",
			Send: func(ctx context.Context, _ mutation.Attempt) (*wrapperspb.StringValue, error) {
				if err := mutation.RecordSend(ctx, 30*time.Second); err != nil {
					return nil, err
				}
				fmt.Println("send")
				suspended = true
				return nil, apierror.OutcomeUnknown("the connection was cut")
			},
			ReadBack: func(context.Context) (*wrapperspb.StringValue, bool, error) {
				fmt.Println("read back")
				return wrapperspb.String("suspended"), suspended, nil
			},
			Preview: func() *wrapperspb.StringValue { return wrapperspb.String("suspended") },
		})
	}

	ctx := mutation.NewContext(context.Background(), mutation.NewMemory())
	_, err := suspend(ctx)
	fmt.Println("first run:", err)
	state, err := suspend(ctx)
	fmt.Println("second run:", state.GetValue(), err)
	// Output:
	// send
	// first run: the connection was cut
	// read back
	// second run: suspended <nil>
}
