package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/code"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// web keeps a connection for each call at the same time.
var web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// A face is one way to call a replica.
type face struct {
	replica *replica
	conn    *grpc.ClientConn // nil for REST
}

// call calls as the owner of a token. It returns the name of the mutation's record, if the response
// has it.
func (f face) call(
	ctx context.Context, token, method string, req, answer proto.Message,
) (record string, err error) {
	var header metadata.MD
	if f.conn == nil {
		header, err = f.replica.rest(ctx, token, method, req, answer)
	} else {
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		err = f.conn.Invoke(ctx, method, req, answer, grpc.Header(&header))
	}
	if names := header.Get("drmhub-mutation"); len(names) > 0 {
		record = names[0]
	}
	return record, err
}

// rest makes a call over REST.
func (r *replica) rest(
	ctx context.Context, token, method string, req, answer proto.Message,
) (metadata.MD, error) {
	request, err := r.restRequest(ctx, method, req)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := web.Do(request)
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		var body []byte
		if body, err = io.ReadAll(response.Body); err == nil {
			header := metadata.Pairs("drmhub-mutation", response.Header.Get("Drmhub-Mutation"))
			if response.StatusCode == http.StatusOK {
				return header, protojson.Unmarshal(body, answer)
			}
			return header, restError(body)
		}
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return nil, status.Error(codes.Unavailable, err.Error())
}

// restError returns the error in a body.
func restError(body []byte) error {
	var failed struct {
		Error struct {
			Status, Message string
			Details         []json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &failed); err != nil {
		return status.Errorf(codes.Unavailable, "%v: %s", err, body)
	}
	s := &spb.Status{Code: code.Code_value[failed.Error.Status], Message: failed.Error.Message}
	for _, text := range failed.Error.Details {
		detail := &anypb.Any{}
		if err := protojson.Unmarshal(text, detail); err != nil {
			return status.Errorf(codes.Unavailable, "%v: %s", err, body)
		}
		s.Details = append(s.Details, detail)
	}
	return status.ErrorProto(s)
}

var pathField = regexp.MustCompile(`\{([a-z_.]+)(=[^}]*)?\}`)

// restRequest returns a request as the RPC's HTTP rule has it.
func (r *replica) restRequest(ctx context.Context, method string, m proto.Message) (*http.Request, error) {
	address := r.http()
	if address == "" {
		return nil, errors.New("the replica is down")
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	rule := proto.GetExtension(rpcOf(method).Options(), annotations.E_Http).(*annotations.HttpRule)
	verb, path := verbOf(rule)
	path = pathField.ReplaceAllStringFunc(path, func(variable string) string {
		return take(fields, strings.Split(pathField.FindStringSubmatch(variable)[1], "."))
	})
	var body any
	switch rule.GetBody() {
	case "":
	case "*":
		body, fields = fields, nil
	default:
		body = fields[inJSON(rule.GetBody())]
		delete(fields, inJSON(rule.GetBody()))
	}
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return nil, err
		}
	}
	query := url.Values{}
	flatten(query, "", fields)
	target := "http://" + address + path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, verb, target, &content)
	if err == nil && body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, err
}

func verbOf(rule *annotations.HttpRule) (verb, path string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	}
	panic(fmt.Sprintf("the HTTP rule %v is of another kind", rule))
}

// inJSON returns a field's name in JSON.
func inJSON(field string) string {
	words := strings.Split(field, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// take removes a field, and returns its value.
func take(fields map[string]any, path []string) string {
	key := inJSON(path[0])
	if len(path) > 1 {
		return take(fields[key].(map[string]any), path[1:])
	}
	value, _ := fields[key].(string)
	delete(fields, key)
	return value
}

// flatten adds fields to a query.
func flatten(query url.Values, prefix string, fields map[string]any) {
	for key, value := range fields {
		if inner, nested := value.(map[string]any); nested {
			flatten(query, prefix+key+".", inner)
			continue
		}
		query.Add(prefix+key, fmt.Sprint(value))
	}
}
