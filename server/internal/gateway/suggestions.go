package gateway

import (
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/suggest"
)

// didYouMean returns the end of a message that suggests a word, or "".
func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return ": did you mean " + word + "?"
}

// unknownParameter says what is wrong with a parameter that the route does not have.
func (rt *route) unknownParameter(key string) string {
	if rt.body != nil && rt.HTTP.Body != "*" && fieldOf(rt.body.Descriptor(), key) != nil {
		return noParameter + ": send it in the body"
	}
	return noParameter + didYouMean(likely(key, rt.parameters()))
}

// parameters returns the JSON names of the parameters that the route takes.
func (rt *route) parameters() []string {
	if rt.HTTP.Body == "*" {
		return nil
	}
	var all []string
	eachPath(rt.Method.Input(), func(path, name string, field protoreflect.FieldDescriptor) {
		if expectation(field) != "" && !slices.Contains(rt.HTTP.Fields, name) && rt.HTTP.Body != name &&
			(rt.HTTP.Body == "" || !strings.HasPrefix(name, rt.HTTP.Body+".")) {
			all = append(all, path)
		}
	})
	return all
}

// unknownField says what is wrong with a key that a message in the body does not have. The key is
// the last one of the path.
func (rt *route) unknownField(path []string) string {
	const problem = "no such field"
	key, above := path[len(path)-1], path[:len(path)-1]
	if field := fieldOf(rt.Method.Input(), key); field != nil && len(above) == 0 && rt.HTTP.Body != "*" {
		switch name := string(field.Name()); {
		case name == rt.HTTP.Body:
			return problem + ": the body is the " + field.JSONName() + " itself, so send its fields without this level"
		case slices.Contains(rt.HTTP.Fields, name):
			return "is set by the path: leave it out"
		}
		return problem + ": send it as a parameter in the query"
	}
	_, message := follow(rt.body.Descriptor(), above)
	if message == nil {
		return problem
	}
	var known []string
	eachPath(message, func(path, _ string, _ protoreflect.FieldDescriptor) { known = append(known, path) })
	meant := likely(key, known)
	if meant == "" {
		return problem
	}
	return problem + didYouMean(join(append(slices.Clip(above), meant)))
}

// eachPath calls yield with every field of a message and of the messages within. Its path is in the
// JSON form, and its name in the proto form. It does not look into lists.
func eachPath(message protoreflect.MessageDescriptor, yield func(path, name string, f protoreflect.FieldDescriptor)) {
	var walk func(m protoreflect.MessageDescriptor, path, name string, depth int)
	walk = func(m protoreflect.MessageDescriptor, path, name string, depth int) {
		for i := range m.Fields().Len() {
			field := m.Fields().Get(i)
			path := strings.TrimPrefix(path+"."+field.JSONName(), ".")
			name := strings.TrimPrefix(name+"."+field.TextName(), ".")
			yield(path, name, field)
			plain := field.Message() != nil && !field.IsList() && !field.IsMap() && expectation(field) == ""
			if plain && depth < maxSearchDepth {
				walk(field.Message(), path, name, depth+1)
			}
		}
	}
	walk(message, "", "", 0)
}

// likely returns the known path that an unknown one probably means, or "". The unknown one can lack
// the messages around the field.
func likely(unknown string, known []string) string {
	if path := suggest.Nearest(unknown, known); path != "" {
		return path
	}
	last := func(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
	paths, names := map[string]string{}, []string{}
	for _, path := range known {
		name := last(path)
		if first, twice := paths[name]; !twice || strings.Count(path, ".") < strings.Count(first, ".") {
			paths[name] = path
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return paths[suggest.NearestOrAlike(last(unknown), slices.Compact(names))]
}

// likelyValue returns the value of an enum that a text probably means, or "".
func likelyValue(field protoreflect.FieldDescriptor, text string) string {
	if field.Enum() == nil {
		return ""
	}
	values := enumValues(field.Enum())
	for _, value := range values { // such as STATUS_FAILURE
		if strings.HasSuffix(strings.ToUpper(text), "_"+value) {
			return value
		}
	}
	return suggest.NearestOrAlike(text, values)
}

// textAt returns the text at a path in JSON, or "".
func textAt(raw []byte, path []string) string {
	var tree any
	_ = json.Unmarshal(raw, &tree) // The caller has read it.
	for _, name := range path {
		if n, isItem := itemNumber(name); isItem {
			tree = itemOf(tree, n)
		} else {
			object, _ := tree.(map[string]any)
			tree = object[name]
		}
	}
	text, _ := tree.(string)
	return text
}
