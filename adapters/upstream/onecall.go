package upstream

import (
	"container/list"
	"context"
	"sync"
)

// A share is what one call has of one lane. The mutex of the lane guards it.
type share struct {
	inside int       // how many of its requests have a place or wait in a line of the lane
	next   list.List // of *waiter: those that wait behind the ones inside
	turn   *list.Element
}

// shares are what one call has of all lanes.
type shares struct {
	mu sync.Mutex
	of map[*places]*share
}

type callKey struct{}

// OneCall marks the requests of ctx as those of one call, which may make many of them at once.
// Those that find no place wait until another one of the call has ended. So a call is never refused
// because of its own requests. A mark that ctx has stays.
func OneCall(ctx context.Context) context.Context {
	if ctx.Value(callKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, callKey{}, &shares{of: map[*places]*share{}})
}

// shareOf returns what the call of ctx has of a lane. It returns nil for a request without a mark,
// which is a call of its own.
func shareOf(ctx context.Context, lane *places) *share {
	all, ok := ctx.Value(callKey{}).(*shares)
	if !ok {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.of[lane] == nil {
		all.of[lane] = &share{}
	}
	return all.of[lane]
}
