package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/server/internal/suggest"
)

// decoder fills Go values from YAML nodes and collects what is wrong on the way.
type decoder struct {
	file, dir string
	kinds     Kinds
	files     Content // what was read; nil if nobody asks
	errors    Errors
	lines     map[string]int    // path → line of its key
	variables map[string]string // path → variable that set it
	reported  map[string]bool   // paths that already have a mistake
}

// fail records that the value at path cannot be used, unless it or a section around it already has
// a mistake.
func (d *decoder) fail(path, text string) {
	for p := path; ; p = parent(p) {
		if d.reported[p] {
			return
		}
		if p == "" {
			break
		}
	}
	d.reported[path] = true
	d.add(0, path, text)
}

// add records a mistake on a line, or, for line 0, where the value at path or the section around it
// comes from.
func (d *decoder) add(line int, path, text string) {
	m := Mistake{File: d.file, Line: line, Path: path, Text: text}
	for p := path; m.Line == 0 && m.Variable == ""; p = parent(p) {
		if m.Variable = d.variables[p]; m.Variable == "" {
			m.Line = d.lines[p]
		}
	}
	d.errors = append(d.errors, m)
}

// value decodes node into out. Its key is path.
func (d *decoder) value(node *yaml.Node, path string, out reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.ShortTag() == "!!null" {
		d.fail(path, "is empty: give it a value, or leave the key out")
		return
	}
	switch target := out.Addr().Interface().(type) {
	case *secret.Text:
		d.secret(node, path, target)
		return
	case *DSN:
		d.dsn(node, path, target)
		return
	case *PEM:
		d.pem(node, path, target)
		return
	case *Path:
		d.path(node, path, target)
		return
	case *OutFile:
		d.outFile(node, path, target)
		return
	case *time.Duration:
		d.duration(node, path, target)
		return
	case **time.Location:
		d.location(node, path, target)
		return
	case *Vendor:
		d.vendor(node, path, target)
		return
	case fileLoader:
		d.loadFile(node, path, target)
		return
	case textSetter:
		d.setText(node, path, target)
		return
	}
	switch out.Kind() {
	case reflect.Struct:
		d.structure(node, path, out)
	case reflect.Pointer:
		out.Set(reflect.New(out.Type().Elem()))
		d.value(node, path, out.Elem())
	case reflect.Slice:
		d.list(node, path, out)
	case reflect.Map:
		d.dictionary(node, path, out)
	case reflect.String:
		d.scalar(node, path, out, "must be text: write it in quotes", "!!str")
	case reflect.Bool:
		d.scalar(node, path, out, "must be true or false", "!!bool")
	case reflect.Int, reflect.Int32, reflect.Int64:
		d.scalar(node, path, out, "must be a whole number", "!!int")
	case reflect.Float64:
		d.scalar(node, path, out, "must be a number", "!!int", "!!float")
	default:
		panic(fmt.Sprintf("config: %s: a field of type %s cannot be read from a file", path, out.Type()))
	}
}

// scalar decodes a node whose YAML type is one of tags. It makes none of YAML's own conversions,
// such as 5 to "5".
func (d *decoder) scalar(node *yaml.Node, path string, out reflect.Value, otherwise string, tags ...string) {
	fits := node.Kind == yaml.ScalarNode && slices.Contains(tags, node.ShortTag())
	if fits && out.CanInt() {
		if n, err := strconv.ParseInt(node.Value, 10, out.Type().Bits()); err == nil {
			out.SetInt(n) // 016 is 16, and not octal.
			return
		}
	}
	if !fits || node.Decode(out.Addr().Interface()) != nil {
		d.fail(path, otherwise)
	}
}

func (d *decoder) structure(node *yaml.Node, path string, out reflect.Value) {
	fields := keys(out)
	entries, ok := d.entries(node, path)
	if !ok {
		return
	}
	for _, e := range entries {
		if field, known := fields[e.key]; known {
			d.value(e.value, e.path, field)
		} else {
			d.unknown(e, slices.Sorted(maps.Keys(fields)))
		}
	}
	if checker, ok := reflect.TypeAssert[Checker](out.Addr()); ok {
		checker.Check(func(key, problem string) { d.fail(join(path, key), problem) })
	}
}

// keys returns the fields of a struct by their keys. The keys of an embedded struct are keys of the
// struct around it.
func keys(out reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for field, value := range out.Fields() {
		switch key := keyOf(field); {
		case key != "":
			fields[key] = value
		case field.Anonymous && field.Type.Kind() == reflect.Struct && field.IsExported():
			maps.Copy(fields, keys(value))
		}
	}
	return fields
}

// keyOf returns the key of a field, or "".
func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return strings.TrimPrefix(key, "-")
}

func (d *decoder) list(node *yaml.Node, path string, out reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.fail(path, "must be a list")
		return
	}
	items := reflect.MakeSlice(out.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		d.value(item, at, items.Index(i))
	}
	out.Set(items)
}

func (d *decoder) dictionary(node *yaml.Node, path string, out reflect.Value) {
	entries, _ := d.entries(node, path)
	out.Set(reflect.MakeMapWithSize(out.Type(), len(entries)))
	for _, e := range entries {
		if !plainKey.MatchString(e.key) {
			d.unknown(e, nil)
			continue
		}
		item := reflect.New(out.Type().Elem()).Elem()
		d.value(e.value, e.path, item)
		out.SetMapIndex(reflect.ValueOf(e.key), item)
	}
}

// entry is a key of a mapping, and its value.
type entry struct {
	key, path string
	line      int
	value     *yaml.Node
}

// entries returns the keys of a mapping. It records repeated keys as mistakes, and keeps the first
// of them. ok is false if node is not a mapping.
func (d *decoder) entries(node *yaml.Node, path string) (entries []entry, ok bool) {
	if node.Kind != yaml.MappingNode {
		d.fail(path, "must be a mapping of keys to values")
		return nil, false
	}
	first := map[string]int{}
	for pair := range slices.Chunk(node.Content, 2) {
		e := entry{key: pair[0].Value, line: pair[0].Line, value: pair[1]}
		e.path = join(path, "?")
		if plainKey.MatchString(e.key) {
			e.path = join(path, e.key)
		}
		if line, again := first[e.key]; again {
			d.add(e.line, e.path, fmt.Sprintf("appears twice, first on line %d: keep one", line))
			continue
		}
		first[e.key], d.lines[e.path] = e.line, e.line
		entries = append(entries, e)
	}
	return entries, true
}

// unknown records a key that is not in known.
func (d *decoder) unknown(e entry, known []string) {
	switch meant := suggest.Nearest(e.key, known); {
	case !plainKey.MatchString(e.key):
		d.add(e.line, e.path, "this key is not a plain name, so it is not shown: is the space after its colon missing?")
	case meant != "":
		d.add(e.line, e.path, "unknown key; did you mean "+meant+"?")
	default:
		d.add(e.line, e.path, "unknown key; known here: "+strings.Join(known, ", "))
	}
}

// join returns the path of a key inside the section at path.
func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// parent returns the path of the section that holds path.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }
