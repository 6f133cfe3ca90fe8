package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"

	"github.com/drmhub/drmhub/adapters/upstream"
)

// The tag `reload` of a field says what happens if a reload finds another value. Without the tag,
// the new value applies.
const (
	// needsRestart marks a key that only a restart changes. For a pointer to a section, that holds
	// for adding and removing the section. The keys of the section have tags of their own.
	needsRestart = "restart"
	// isAccount marks a key that says which account at the vendor is meant. A reload that changes
	// it is refused: the names, page tokens and mutations of the id would come to mean another
	// account.
	isAccount = "account"
)

// Merge makes next what a running server can change to: keys that need a restart keep their running
// values. It returns the keys that change, and those that need a restart. It leaves out vendors.
//
// One key that needs a restart does not stay: auth.oidc is a client of auth.issuer, so it goes with
// the issuer.
func Merge(running, next *Config) (changed, restart []string) {
	m := &merging{}
	if running.Auth.Mode != next.Auth.Mode { // The rest of the section belongs to the other mode.
		m.restart = append(m.restart, "auth.mode")
		next.Auth = running.Auth
		next.HTTP.AllowedHosts, next.HTTP.AllowedOrigins = running.HTTP.AllowedHosts, running.HTTP.AllowedOrigins
	}
	before := *running
	if before.Auth.OIDC != nil && next.Auth.OIDC == nil && before.Auth.Issuer != next.Auth.Issuer {
		before.Auth.OIDC, m.changed = nil, append(m.changed, "auth.oidc")
	}
	m.section("", reflect.ValueOf(&before).Elem(), reflect.ValueOf(next).Elem())
	next.Poll = running.Poll
	return m.changed, m.restart
}

type merging struct{ changed, restart []string }

func (m *merging) section(path string, running, next reflect.Value) {
	for field, value := range next.Fields() {
		key, before := keyOf(field), running.FieldByIndex(field.Index)
		if key == "" || field.Type == reflect.TypeFor[[]Vendor]() {
			continue
		}
		at, restart := join(path, key), field.Tag.Get("reload") == needsRestart
		switch {
		case value.Kind() == reflect.Struct && len(keys(value)) > 0:
			m.section(at, before, value)
		case isSection(value) && !before.IsNil() && !value.IsNil():
			m.section(at, before.Elem(), value.Elem())
		case same(before, value):
		case restart:
			m.restart = append(m.restart, at)
			value.Set(before)
		default:
			m.changed = append(m.changed, at)
		}
	}
}

// isSection reports whether a value is a pointer to a section.
func isSection(v reflect.Value) bool {
	return v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct &&
		len(keys(reflect.New(v.Type().Elem()).Elem())) > 0
}

// same reports whether two values of the configuration mean the same.
func same(a, b reflect.Value) bool {
	if ca, ok := reflect.TypeAssert[upstream.CA](a); ok { // It holds functions, which nothing equals.
		return ca.Equal(b.Interface().(upstream.CA))
	}
	switch {
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil() && isSection(a):
		return same(a.Elem(), b.Elem())
	case a.Kind() == reflect.Struct && len(keys(a)) > 0:
		others := keys(b)
		for key, value := range keys(a) {
			if !same(value, others[key]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// SameSettings reports whether the sections of two vendors of the same kind mean the same.
func (v Vendor) SameSettings(other Vendor) bool {
	return v.Kind == other.Kind && same(reflect.ValueOf(v.Settings), reflect.ValueOf(other.Settings))
}

// AccountDigest returns a text that differs between vendors that are not the same account.
func (v Vendor) AccountDigest() string {
	digest := sha256.New()
	fmt.Fprintf(digest, "%q", v.Kind)
	for field, value := range reflect.ValueOf(v.Settings).Elem().Fields() {
		if field.Tag.Get("reload") == isAccount {
			fmt.Fprintf(digest, " %q %q", keyOf(field), fmt.Sprint(value.Interface()))
		}
	}
	return hex.EncodeToString(digest.Sum(nil)[:16])
}

// OtherAccount returns the first key by which a vendor is another account than the running vendor
// with the same id, or "".
func (v Vendor) OtherAccount(running Vendor) string {
	if v.Kind != running.Kind {
		return v.Kind
	}
	return otherAccount(v.Kind, reflect.ValueOf(running.Settings).Elem(), reflect.ValueOf(v.Settings).Elem())
}

func otherAccount(path string, running, next reflect.Value) string {
	for field, value := range next.Fields() {
		if field.Tag.Get("reload") == isAccount && !same(running.FieldByIndex(field.Index), value) {
			return join(path, keyOf(field))
		}
	}
	return ""
}
