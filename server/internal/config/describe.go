package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

//go:embed descriptions.json
var descriptionsFile []byte

// descriptions returns the comments of the fields, by package, struct and field. A server needs
// none of them.
var descriptions = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	_ = json.Unmarshal(descriptionsFile, &all) // A test writes the file.
	return all
})

// Description returns what a key means.
func (k *Setting) Description() string { return descriptions()[k.Struct+"."+k.Field] }

// OnReload says what a reload does with another value of the key.
func (k *Setting) OnReload() string {
	switch k.Tag.Get("reload") {
	case needsRestart:
		if k.Keys != nil {
			return "adding or removing it needs a restart"
		}
		return "needs a restart"
	case isAccount:
		return "refused"
	}
	if k.Keys != nil {
		return ""
	}
	return "applies"
}

// Kind names the type of a key's value.
func (k *Setting) Kind() string {
	switch reflect.New(k.Type).Interface().(type) {
	case *DSN, textSetter:
		return "text or secret"
	case *Path, fileLoader:
		return "file to read"
	case *OutFile:
		return "file to write"
	case *time.Duration:
		return "duration"
	case **time.Location:
		return "time zone"
	}
	switch {
	case k.secret():
		return "secret"
	case k.Keys != nil:
		return "section"
	case k.Item != nil && k.Type.Kind() == reflect.Map:
		return "mapping"
	case k.Item != nil:
		return "list"
	}
	switch k.Type.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "whole number"
	case reflect.Float64:
		return "number"
	}
	return "text"
}

// DefaultText returns the value without the key, as the file would have it, or "".
func (k *Setting) DefaultText() string {
	if !k.Default.IsValid() || !k.plain() {
		return ""
	}
	if dsn, ok := reflect.TypeAssert[DSN](k.Default); ok {
		return dsn.Reveal()
	}
	if k.Kind() == "duration" {
		return shortDuration(k.Default.Interface().(time.Duration))
	}
	return fmt.Sprint(k.Default.Interface())
}

// shortDuration returns a length of time without the units that are zero.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
