package config

import (
	"fmt"
	"io"
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

// Print writes a configuration as a file would have it, with the defaults filled in. Secrets are
// [redacted].
func Print(w io.Writer, c *Config) error {
	root := printed(reflect.ValueOf(c).Elem())
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}

// printed returns a value as a node, or nil for one that is not set.
func printed(v reflect.Value) *yaml.Node {
	if k := (&Setting{Type: v.Type()}); k.secret() || isFileLoader(v) {
		return printedSecret(v)
	}
	switch one := v.Interface().(type) {
	case time.Duration:
		return text(shortDuration(one))
	case *time.Location:
		return text(one.String())
	case Vendor:
		return printedVendor(v, one)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return printed(v.Elem())
	case reflect.Struct:
		return printedSection(v)
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			item := printed(v.Index(i))
			if item == nil {
				item = text("") // such as the id of a customer
			}
			list.Content = append(list.Content, item)
		}
		return list
	case reflect.String:
		if v.String() == "" {
			return nil
		}
		return text(v.String())
	}
	node := &yaml.Node{}
	if err := node.Encode(v.Interface()); err != nil || v.Kind() == reflect.Map && v.IsNil() {
		return nil
	}
	return node
}

func isFileLoader(v reflect.Value) bool {
	_, ok := reflect.TypeAssert[fileLoader](reflect.New(v.Type()))
	return ok
}

// printedSecret returns [redacted] for a secret that is set, and a DSN without a password as it is.
func printedSecret(v reflect.Value) *yaml.Node {
	if dsn, ok := reflect.TypeAssert[DSN](v); ok && !holdsPassword(dsn.Reveal()) {
		return text(dsn.Reveal())
	}
	if v.IsZero() {
		return nil
	}
	return text("[redacted]")
}

func printedSection(v reflect.Value) *yaml.Node {
	section := &yaml.Node{Kind: yaml.MappingNode}
	for field, value := range v.Fields() {
		key := keyOf(field)
		if key == "" {
			if field.Anonymous && field.Type.Kind() == reflect.Struct && field.IsExported() {
				section.Content = append(section.Content, printedSection(value).Content...)
			}
			continue
		}
		if node := printed(value); node != nil && (node.Kind != yaml.MappingNode || len(node.Content) > 0) {
			section.Content = append(section.Content, text(key), node)
		}
	}
	return section
}

func printedVendor(v reflect.Value, one Vendor) *yaml.Node {
	section := printedSection(v)
	settings := printed(reflect.ValueOf(one.Settings).Elem())
	if settings == nil {
		panic(fmt.Sprintf("config: a vendor of kind %s has no settings", one.Kind))
	}
	section.Content = append(section.Content, text(one.Kind), settings)
	return section
}
