package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// A Setting is a key of the configuration, or an item of a list or of a mapping. All keys follow
// from the structs that hold the values, so what is made of them is never out of date: variables,
// the schema and the page of keys.
type Setting struct {
	// Name is the key, or "" for an item.
	Name string
	// Path is where it is: vendors[0].id, with 0 for every number, and auth.roles.* for an item of
	// a mapping.
	Path string
	Type reflect.Type
	// Default is the value without the key. Without one it is not valid.
	Default reflect.Value
	// Struct and Field name the Go field: auth.Mode and such. They are "" for an item.
	Struct, Field string
	Tag           reflect.StructTag
	// Keys are those of a section. Item is that of a list or a mapping. Both are nil for a plain
	// value.
	Keys []*Setting
	Item *Setting
}

// Layout returns the whole file as a section.
func Layout(kinds Kinds) *Setting {
	root := &Setting{Type: reflect.TypeFor[Config]()}
	root.Keys = sectionKeys("", reflect.ValueOf(defaults()).Elem(), kinds)
	return root
}

func sectionKeys(path string, section reflect.Value, kinds Kinds) (all []*Setting) {
	for field, value := range section.Fields() {
		name := keyOf(field)
		if name == "" {
			if field.Anonymous && field.Type.Kind() == reflect.Struct && field.IsExported() {
				all = append(all, sectionKeys(path, value, kinds)...)
			}
			continue
		}
		k := newSetting(join(path, name), value.Type(), value, kinds)
		k.Name, k.Struct, k.Field, k.Tag = name, section.Type().String(), field.Name, field.Tag
		all = append(all, k)
	}
	return all
}

func newSetting(path string, t reflect.Type, value reflect.Value, kinds Kinds) *Setting {
	if t.Kind() == reflect.Pointer && t != reflect.TypeFor[*time.Location]() {
		if t = t.Elem(); value.IsValid() {
			value = value.Elem() // not valid for nil
		}
	}
	k := &Setting{Path: path, Type: t}
	if value.IsValid() && !value.IsZero() {
		k.Default = value
	}
	switch {
	case k.plain():
		if t.Kind() == reflect.Pointer && t != reflect.TypeFor[*time.Location]() { // a value that may be left out
			k.Type = t.Elem()
		}
	case t == reflect.TypeFor[Vendor]():
		k.Keys = vendorKeys(path, kinds)
	case t.Kind() == reflect.Struct:
		if !value.IsValid() {
			value = reflect.New(t).Elem()
		}
		k.Keys = sectionKeys(path, value, kinds)
	case t.Kind() == reflect.Slice:
		k.Item = newSetting(path+"[0]", t.Elem(), reflect.Value{}, kinds)
	case t.Kind() == reflect.Map:
		k.Item = newSetting(path+".*", t.Elem(), reflect.Value{}, kinds)
	}
	return k
}

// vendorKeys returns the keys of a vendor: those of every kind.
func vendorKeys(path string, kinds Kinds) []*Setting {
	bare := Vendor{Lane: upstream.DefaultLane(), Breaker: upstream.DefaultBreaker()}
	all := sectionKeys(path, reflect.ValueOf(&bare).Elem(), nil)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		settings := reflect.ValueOf(kinds[kind]()).Elem()
		section := &Setting{Name: kind, Path: join(path, kind), Type: settings.Type(), Struct: settings.Type().String()}
		section.Keys = sectionKeys(section.Path, settings, kinds)
		all = append(all, section)
	}
	return all
}

// plain reports whether the decoder reads the value as a whole, and not key by key.
func (k *Setting) plain() bool {
	switch reflect.New(k.Type).Interface().(type) {
	case *secret.Text, *DSN, *PEM, *Path, *OutFile, *time.Duration, **time.Location, fileLoader, textSetter:
		return true
	}
	switch k.Type.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
		return false
	}
	return true
}

// secret reports whether a value never stands in the file: it is text from the environment or from
// a file.
func (k *Setting) secret() bool {
	switch reflect.New(k.Type).Interface().(type) {
	case *secret.Text, *PEM, *DSN, textSetter:
		return true
	}
	return false
}

// walk calls visit for k and every key below it.
func (k *Setting) walk(visit func(*Setting)) {
	visit(k)
	for _, below := range k.Keys {
		below.walk(visit)
	}
	if k.Item != nil {
		k.Item.walk(visit)
	}
}

// Variable returns the name of the environment variable of a key. For an item, 0 is any number, and
// * any name.
func (k *Setting) Variable() string { return variableOf(k.Path) }

func variableOf(path string) string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "", "-", "_").Replace(path))
}
