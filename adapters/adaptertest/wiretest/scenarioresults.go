package wiretest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// wantRequests demands the requests of the scenario, in their order.
func (s *scenario) wantRequests(made []Request) {
	var got, want []string
	for i, r := range made {
		if i >= len(s.expects) {
			got = append(got, r.Name)
			continue
		}
		got = append(got, s.shown(r, s.expects[i]))
	}
	for _, e := range s.expects {
		want = append(want, strings.TrimSpace(e.name+e.query+" "+e.body))
	}
	wantLines(s.t, s.call+" sends", got, want)
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (s *scenario) wantResponse(got proto.Message, text string, whole bool) {
	s.t.Helper()
	if page, ok := got.(interface{ GetNextPageToken() string }); ok {
		s.values["token"] = page.GetNextPageToken()
	}
	if whole {
		want := got.ProtoReflect().New().Interface()
		s.parse(text, want)
		Same(s.t, s.call, got, want)
		return
	}
	asJSON, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(got)
	var tree any
	if err == nil {
		err = json.Unmarshal(asJSON, &tree)
	}
	if want := s.tree(text); err != nil || !covers(tree, want) {
		s.t.Errorf("%s returns\n%s\nwant in it\n%v; %v", s.call, asJSON, want, err)
	}
}

// covers reports whether got has what want has. Lists must have the same length.
func covers(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for key, value := range w {
			ok = ok && covers(g[key], value)
		}
		return ok
	case []any:
		g, ok := got.([]any)
		ok = ok && len(g) == len(w)
		for i := 0; ok && i < len(w); i++ {
			ok = covers(g[i], w[i])
		}
		return ok
	}
	return fmt.Sprint(got) == fmt.Sprint(want)
}

// wantError demands an error such as "Code REASON" or, for a mistake in a request, its fields. What
// follows "/" must be in the error.
func (s *scenario) wantError(err error, want string) {
	s.t.Helper()
	parts := strings.Split(want, " / ")
	if err == nil {
		s.t.Errorf("%s: no error, want %s", s.call, want)
		return
	}
	e := apierror.Convert(err)
	told := fmt.Sprint(e.Code, " ", e.Reason)
	if told == "InvalidArgument REQUEST_INVALID" && len(e.Violations) > 0 {
		var fields []string
		for _, v := range e.Violations {
			fields = append(fields, v.GetField())
		}
		told = strings.Join(fields, " ")
	}
	if told != parts[0] {
		s.t.Errorf("%s: %s, want %s; it says: %v", s.call, told, parts[0], err)
	}
	all := fmt.Sprint(err, e.Violations, e.Metadata)
	for _, part := range parts[1:] {
		part, absent := strings.CutPrefix(part, "no ")
		if strings.Contains(all, part) == absent {
			s.t.Errorf("%s: it says %s, want %s", s.call, all, want)
		}
	}
}

// tree reads text in YAML's flow style, without the outer braces.
func (s *scenario) tree(text string) any {
	s.t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte("{"+text+"}"), &node); err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
	return plain(node.Content[0])
}

func (s *scenario) parse(text string, into proto.Message) {
	s.t.Helper()
	asJSON, err := json.Marshal(s.tree(text))
	if err == nil {
		err = protojson.Unmarshal(asJSON, into)
	}
	if err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
}

// plain returns a node as protojson reads it, which takes texts for numbers.
func plain(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			object[node.Content[i].Value] = plain(node.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, element := range node.Content {
			list = append(list, plain(element))
		}
		return list
	}
	switch node.Tag {
	case "!!bool":
		return node.Value == "true"
	case "!!null":
		return nil
	}
	return node.Value
}
