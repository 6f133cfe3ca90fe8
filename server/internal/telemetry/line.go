package telemetry

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

const (
	// refusalsPerSecond and burstOfRefusals bound the lines of calls that are refused because of
	// their caller, which cost an attacker little. Further lines have the level debug.
	refusalsPerSecond, burstOfRefusals = 5, 20
)

// isRefusal reports whether a reason says that a call is refused because of its caller.
func isRefusal(reason pb.ErrorReason) bool {
	switch reason {
	case pb.ErrorReason_TOKEN_INVALID, pb.ErrorReason_SCOPE_MISSING, pb.ErrorReason_CALLER_RATE_LIMITED:
		return true
	}
	return false
}

// writeLine writes the line of a call into the log. Times are in seconds.
func (c *call) writeLine(ctx context.Context, took time.Duration, result codes.Code, failure *apierror.Error) {
	level := slog.LevelDebug
	if failure != nil || c.method.rpc != nil && c.method.rpc.Mutating {
		level = slog.LevelInfo
	}
	caller := auth.FromContext(ctx).Subject
	if failure != nil && (caller == "" || isRefusal(failure.Reason)) && !c.calls.refusals.Allow() {
		level = slog.LevelDebug
	}
	if !c.calls.options.Log.Enabled(ctx, level) {
		return
	}
	c.mu.Lock()
	mutation, vendorTime, attempts := c.mutation, c.vendorTime, c.sent
	c.mu.Unlock()
	line := []slog.Attr{
		slog.String("method", c.method.name), slog.String("face", string(c.face)),
		slog.String("caller", cmp.Or(caller, "-")), slog.String("vendor", c.vendor),
		slog.String("resource", canonical(c.resource)), slog.String("code", code.Code(result).String()),
	}
	if failure != nil {
		line = append(line, slog.String("reason", failure.Reason.String()))
	}
	line = append(line, slog.Float64("duration", took.Seconds()), slog.Float64("vendor_time", vendorTime.Seconds()),
		slog.Int("vendor_attempts", attempts))
	if mutation != "" {
		line = append(line, slog.String("mutation", mutation))
	}
	c.calls.options.Log.LogAttrs(ctx, level, "call", append(line, slog.String("request_id", c.id))...)
}
