package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/bench/internal/load"
)

// callers returns the callers of a case.
func (s *server) callers(c testCase, f face) (load.Caller, error) {
	request, err := proto.Marshal(c.request)
	if err != nil {
		return nil, err
	}
	if f == overREST {
		return load.Each(func(ctx context.Context, _ int) error { return s.callREST(ctx, c, discard) }), nil
	}
	return func(ctx context.Context, number int) (once func() error) {
		ctx = s.withToken(ctx)
		conn := s.conns[number%len(s.conns)]
		return func() error {
			var size int
			return conn.Invoke(ctx, c.method, request, &size, grpc.ForceCodecV2(raw{}))
		}
	}, nil
}

func discard(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return err
}

// withToken returns a context whose calls over gRPC have the caller's token.
func (s *server) withToken(ctx context.Context) context.Context {
	if s.token == "" {
		return ctx
	}
	return metadata.NewOutgoingContext(ctx, metadata.Pairs("authorization", "Bearer "+s.token))
}

// callGRPC makes a call, and returns the bytes of the response.
func (s *server) callGRPC(ctx context.Context, c testCase, number int) (response []byte, err error) {
	request, err := proto.Marshal(c.request)
	if err != nil {
		return nil, err
	}
	err = s.conns[number].Invoke(ctx, c.method, request, &response, grpc.ForceCodecV2(raw{}))
	return response, err
}

// callREST makes a call, and has the body of the response read.
func (s *server) callREST(ctx context.Context, c testCase, read func(body io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.HTTP+c.path, http.NoBody)
	if err != nil {
		return err
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.web.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %s", res.Status)
	}
	return read(res.Body)
}

// raw is a codec that sends bytes as they are. Of a response, it keeps the bytes, or their number
// alone.
type raw struct{}

// Name returns the name of the codec that the servers have.
func (raw) Name() string { return "proto" }

// Marshal returns the bytes of a request.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// Unmarshal keeps a response.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	switch v := v.(type) {
	case *[]byte:
		*v = data.Materialize()
	case *int:
		*v = data.Len()
	}
	return nil
}
