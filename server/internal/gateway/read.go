package gateway

import (
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// read returns the message of a request, and notes how the caller wrote it. It refuses what the
// route does not take.
func (g *gateway) read(
	w http.ResponseWriter, r *http.Request, params params, s *spelling,
) (proto.Message, error) {
	if err := g.checkNames(r.URL.EscapedPath(), params, s); err != nil {
		return nil, err
	}
	if err := checkHeaders(r.Header); err != nil {
		return nil, err
	}
	request, err := s.route.readQuery(r.URL.RawQuery, s)
	if err != nil {
		return nil, err
	}
	body, implied, err := s.route.readBody(w, r, params, g.maxBody, s)
	if err != nil {
		return nil, err
	}
	switch of := s.route.HTTP.Body; {
	case of == "*" && body != nil:
		request = body.Interface() // The query has no part of it.
	case of != "" && of != "*":
		if body == nil {
			body = s.route.body.New()
		}
		field := s.route.Method.Input().Fields().ByName(protoreflect.Name(of))
		request.ProtoReflect().Set(field, protoreflect.ValueOfMessage(body))
	}
	for _, v := range s.route.variables {
		v.set(request.ProtoReflect(), params.of(v.field))
	}
	if _, sent := s.query[updateMask]; len(implied) > 0 && !sent {
		err = runtime.PopulateFieldFromPath(request, updateMask, strings.Join(implied, ","))
	}
	return request, err
}
