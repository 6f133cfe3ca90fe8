package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/server/internal/environment"
	"github.com/drmhub/drmhub/server/internal/suggest"
)

// prefix begins the name of each variable that sets a key. The rest is the path of the key in upper
// case, with _ between its parts: DRMHUB_GRPC_TLS_CERT is grpc.tls.cert, and DRMHUB_VENDORS_0_ID is
// vendors[0].id.
const prefix = "DRMHUB_"

// links matches the variables that Kubernetes sets for a Service whose name begins with drmhub.
// DRMHUB_TEST_ belongs to the tests.
var links = regexp.MustCompile(
	`^DRMHUB_(([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)|TEST_.*)$`)

// A variable is one of the environment that sets a key.
type variable struct{ name, value string }

// Variables returns the names of the variables that set keys, or are meant to.
func Variables(environ []string) (names []string) {
	for _, v := range variables(environ) {
		if !links.MatchString(v.name) {
			names = append(names, v.name)
		}
	}
	return names
}

func variables(environ []string) (all []variable) {
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, prefix) && !slices.Contains(environment.Names, name) {
			all = append(all, variable{name, value})
		}
	}
	// Numbers in their order, so that DRMHUB_VENDORS_10_ID comes after DRMHUB_VENDORS_9_ID.
	slices.SortFunc(all, func(a, b variable) int { return strings.Compare(padded(a.name), padded(b.name)) })
	return all
}

var number = regexp.MustCompile(`\d+`)

func padded(name string) string {
	return number.ReplaceAllStringFunc(name, func(n string) string { return fmt.Sprintf("%9s", n) })
}

// A step leads from a section, list or mapping to a value in it.
type step struct {
	name  string
	index int // of an item of a list; -1 for a name
}

// resolve returns the key that the rest of a variable's name means, and the way to it.
func (k *Setting) resolve(rest string) (way []step, found *Setting) {
	for _, below := range k.Keys {
		name := strings.ToUpper(below.Name)
		if rest == name {
			return []step{{below.Name, -1}}, below
		}
		if more, ok := strings.CutPrefix(rest, name+"_"); ok {
			if way, found = below.resolve(more); found != nil {
				return append([]step{{below.Name, -1}}, way...), found
			}
		}
	}
	if k.Item == nil || rest == "" {
		return nil, nil
	}
	if strings.HasSuffix(k.Item.Path, ".*") {
		return []step{{strings.ToLower(rest), -1}}, k.Item
	}
	digits, more, below := strings.Cut(rest, "_")
	index, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(index) != digits {
		return nil, nil
	}
	if !below {
		return []step{{"", index}}, k.Item
	}
	way, found = k.Item.resolve(more)
	return append([]step{{"", index}}, way...), found
}

// overlay puts the values of variables into the document. They win over the file. Unless the kinds
// are unknown, an unknown variable is a mistake.
func (d *decoder) overlay(root *yaml.Node, environ []string) {
	if root.Kind != yaml.MappingNode {
		return
	}
	all := Layout(d.kinds)
	for _, v := range variables(environ) {
		way, key := all.resolve(strings.TrimPrefix(v.name, prefix))
		if key == nil {
			if d.kinds != nil && !links.MatchString(v.name) {
				d.errors = append(d.errors, Mistake{Variable: v.name, Text: unknownVariable(v.name, all)})
			}
			continue
		}
		node, problem := key.node(v)
		if problem == "" {
			problem = d.place(root, way, v.name, node)
		}
		if problem != "" {
			d.errors = append(d.errors, Mistake{Variable: v.name, Path: pathOf(way), Text: problem})
		}
	}
}

func unknownVariable(name string, all *Setting) string {
	var known []string
	all.walk(func(k *Setting) { known = append(known, k.Variable()) })
	numbers := number.FindAllString(name, -1)
	meant := suggest.Nearest(number.ReplaceAllString(name, "0"), known)
	if meant == "" {
		return "sets no key of the configuration: unset it, or see docs/configuration.md for the names"
	}
	meant = number.ReplaceAllStringFunc(meant, func(zero string) string {
		if len(numbers) > 0 {
			zero, numbers = numbers[0], numbers[1:]
		}
		return zero
	})
	return "sets no key of the configuration; did you mean " + meant + "?"
}

func pathOf(way []step) (path string) {
	for _, s := range way {
		if s.index >= 0 {
			path += fmt.Sprintf("[%d]", s.index)
		} else {
			path = join(path, s.name)
		}
	}
	return path
}

// node returns the value of a variable as the file would hold it. Text is taken as it is. A list of
// texts has commas between them. A secret is the value itself, or {env: NAME} or {file: PATH}.
// Sections are YAML.
func (k *Setting) node(v variable) (node *yaml.Node, problem string) {
	value := strings.TrimSpace(v.value)
	switch {
	case k.secret() && !strings.HasPrefix(value, "{"):
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v.name}
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{text("env"), name}}, ""
	case k.Type.Kind() == reflect.Slice && k.Item.plain() && !strings.HasPrefix(value, "["):
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for item := range strings.SplitSeq(value, ",") {
			list.Content = append(list.Content, text(strings.TrimSpace(item)))
		}
		return list, ""
	case k.plain() && !k.secret():
		return k.scalar(v.value), ""
	}
	root, mistake := parseYAML([]byte(v.value))
	if mistake != nil {
		return nil, "is not YAML: write it as in the file, such as {key: value}"
	}
	withoutLines(root)
	return root, ""
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// scalar returns a value with the type that it looks like, if its key is no text.
func (k *Setting) scalar(value string) *yaml.Node {
	node := text(value)
	switch {
	case value == "true" || value == "false":
		node.Tag = "!!bool"
	case isInteger(value):
		node.Tag = "!!int"
	case isNumber(value):
		node.Tag = "!!float"
	}
	if k.isText() {
		node.Tag = "!!str"
	}
	return node
}

// isText reports whether the file holds the value as text.
func (k *Setting) isText() bool {
	switch k.Type.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Float64:
		return false
	case reflect.Int64:
		return k.Type == reflect.TypeFor[time.Duration]()
	}
	return true
}

func isInteger(value string) bool {
	_, err := strconv.ParseInt(value, 10, 64)
	return err == nil
}

func isNumber(value string) bool {
	_, err := strconv.ParseFloat(value, 64)
	return err == nil
}

// withoutLines removes the lines of a value that is not in the file.
func withoutLines(node *yaml.Node) {
	node.Line = 0
	for _, below := range node.Content {
		withoutLines(below)
	}
}

// place puts a value at the end of a way. It makes the sections on the way that the file lacks.
func (d *decoder) place(at *yaml.Node, way []step, variable string, value *yaml.Node) (problem string) {
	for i, s := range way {
		slot := child(at, s)
		path := pathOf(way[:i+1])
		switch {
		case slot == nil && s.index >= 0:
			return fmt.Sprintf("the list has %d items, so that the next one has the number %[1]d", len(at.Content))
		case i == len(way)-1:
			*slot = value
			d.variables[path] = variable
			return ""
		}
		*slot = own(*slot, way[i+1])
		if len((*slot).Content) == 0 && d.variables[path] == "" && (*slot).Line == 0 {
			d.variables[path] = variable
		}
		at = *slot
	}
	return ""
}

// child returns the place of a value in a section or list, which may be new.
func child(at *yaml.Node, s step) **yaml.Node {
	if s.index >= 0 {
		if s.index == len(at.Content) {
			at.Content = append(at.Content, &yaml.Node{})
		}
		if s.index > len(at.Content) {
			return nil
		}
		return &at.Content[s.index]
	}
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Value == s.name {
			return &at.Content[i+1]
		}
	}
	at.Content = append(at.Content, text(s.name), &yaml.Node{})
	return &at.Content[len(at.Content)-1]
}

// own returns a node that can be changed without changing another part of the document: a copy of
// one that several parts share. What the next step cannot lead into is replaced.
func own(node *yaml.Node, next step) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	kind, tag := yaml.MappingNode, "!!map"
	if next.index >= 0 {
		kind, tag = yaml.SequenceNode, "!!seq"
	}
	if node.Kind != kind {
		return &yaml.Node{Kind: kind, Tag: tag}
	}
	one := *node
	one.Anchor, one.Content = "", slices.Clone(node.Content)
	return &one
}
