// Package config reads drmhub's configuration file: YAML into typed values, with every mistake
// reported at once.
//
// Structs name their keys with the tag `yaml:"key"`. A field without the tag has no key. A field
// whose key the file leaves out keeps its value. Types: string, bool, integers, float64,
// time.Duration ("30s"), *time.Location (an IANA name), secret.Text ({env: NAME} or {file: PATH}),
// DSN, PEM, Path, OutFile, and structs, pointers, lists and maps of these. A struct that is a
// Checker then checks its own values.
//
// The decoder walks the YAML nodes itself. General decoders stop early, know no lines, or quote the
// value that they reject, which may be a secret.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
)

// Config is the whole configuration file.
type Config struct {
	// GRPC is where the gRPC server listens, by default 127.0.0.1:9090.
	GRPC Listener `yaml:"grpc"`
	// HTTP is where REST, OpenAPI and health are served, by default 127.0.0.1:8080.
	HTTP Listener `yaml:"http"`
	// Ops, unless nil, is where health and metrics are served instead, without identity.
	Ops *Ops `yaml:"ops" reload:"restart"`
	// Auth says who may call. Its mode has no default.
	Auth Auth `yaml:"auth" required:"true"`
	// Store is where the journal and the audit trail are kept, by default the file drmhub.db.
	Store Store `yaml:"store"`
	// Audit is where audit events are written beside the store, by default nowhere.
	Audit Audit `yaml:"audit"`
	// Log says which lines the log has, and how they look.
	Log Log `yaml:"log"`
	// Canary says how often drmhub makes a cheap read at each vendor account.
	Canary Canary `yaml:"canary"`
	// Archive is the copy of the vendors' license histories that drmhub keeps, by default none.
	Archive Archive `yaml:"archive"`
	// Vendors are the vendor accounts, at least one, each with an id of its own.
	Vendors []Vendor `yaml:"vendors" required:"true" range:"1.."`

	// Source is where the configuration can be read again, or nil. Content is what its files held.
	Source  *Source
	Content Content
	// Poll is how often the files are read. It has no key; 0 means the default of package app.
	Poll time.Duration
}

// Listener is one address that the server listens on.
type Listener struct {
	// Listen is host:port, with the port as a number. Port 0 means any free port, and an empty host
	// means all interfaces.
	Listen string `yaml:"listen" reload:"restart" pattern:"^(\\[[^\\]]*\\]|[0-9A-Za-z.-]*):[0-9]+$"`
	// TLS is nil if the listener speaks plain text.
	TLS *TLS `yaml:"tls" reload:"restart"`
	// AllowedHosts are the hosts, besides loopback and the address itself, by which callers may
	// reach REST. In mode jwt over TLS, the names of the certificate count too. grpc has no such
	// key.
	AllowedHosts []string `yaml:"allowed_hosts" pattern:"^([0-9A-Za-z.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:.*)$"`
	// AllowedOrigins are the origins whose web pages may call REST, such as https://app.example.
	// grpc has no such key.
	AllowedOrigins []string `yaml:"allowed_origins" pattern:"^https?://[\\[\\]a-z0-9.:_-]*[\\]a-z0-9._-]$"`
}

// Ops is a plain listener for health and metrics. A listener that asks for client certificates lets
// no probe in, so that its health needs another one.
type Ops struct {
	// Listen is host:port, as in Listener.
	Listen string `yaml:"listen" reload:"restart" required:"true" pattern:"^(\\[[^\\]]*\\]|[0-9A-Za-z.-]*):[0-9]+$"`
}

// TLS names the PEM files of a listener. They are read again when their content changes.
type TLS struct {
	// Cert is the certificate chain, leaf first.
	Cert Path `yaml:"cert" required:"true"`
	// Key is the private key of Cert.
	Key Path `yaml:"key" required:"true"`
	// ClientCA, unless empty, holds the authorities that a client's certificate must come from. In
	// mode none, a client without a certificate cannot connect. In mode jwt it can, and shows a
	// token.
	ClientCA Path `yaml:"client_ca"`
	// Poll is how often the files are read. It has no key; 0 means the default of package certs.
	Poll time.Duration
}

// Vendor is one account at one vendor.
type Vendor struct {
	// ID is the account's name in drmhub, and so in every resource name.
	ID string `yaml:"id" required:"true" pattern:"^[a-z][a-z0-9-]{0,62}$"`
	// Kind is the name of the section that the file gives it, such as pallycon.
	Kind string
	// Settings is that section: the struct that the kind's function in Kinds returned, filled in.
	Settings any
	// Lane and Breaker bound the requests to the account. A key that is left out has its default.
	Lane    upstream.Lane    `yaml:"lane"`
	Breaker upstream.Breaker `yaml:"breaker"`
}

// Kinds are the vendor sections that a file may have. The function of a kind returns a pointer to
// its configuration struct, which holds the defaults.
type Kinds map[string]func() any

// Read reads the configuration file at path, and the environment. Without a path, it reads the
// environment alone. Relative paths in it start at its own folder. The error is Errors, unless the
// file itself cannot be read.
func Read(path string, kinds Kinds) (*Config, error) {
	config, _, err := (&Source{File: path, Kinds: kinds}).Read()
	return config, err
}

// ReadStore reads the store's section alone, for commands that only read the store. It ignores
// mistakes and missing secrets in other sections, and in the digest key.
func ReadStore(path string) (Store, error) {
	config, err := readSection(path, "store", "store.digest_key")
	return config.Store, err
}

// ReadAuth reads the section auth alone, for commands that sign tokens. It ignores mistakes and
// missing secrets in other sections and in its keys, since a machine that signs tokens has no
// secrets of the server.
func ReadAuth(path string) (Auth, error) {
	config, err := readSection(path, "auth", "auth.keys", "auth.oidc", "auth.clients")
	return config.Auth, err
}

// ReadListeners reads where REST and ops listen, for commands that ask the server on this machine.
// It ignores mistakes and missing secrets in other sections.
func ReadListeners(path string) (rest Listener, ops *Ops, err error) {
	config, err := readSection(path, "http")
	if err != nil {
		return rest, nil, err
	}
	rest = config.HTTP
	config, err = readSection(path, "ops")
	return rest, config.Ops, err
}

// readSection reads a section, and ignores mistakes in others and in some parts of it.
func readSection(path, section string, parts ...string) (*Config, error) {
	source, err := readFile(path)
	if err != nil {
		return &Config{}, err
	}
	config, mistakes := parse(source, path, nil, nil, os.Environ())
	mistakes = slices.DeleteFunc(mistakes, func(m Mistake) bool {
		return m.Path != "" && !within(m.Path, section) ||
			slices.ContainsFunc(parts, func(part string) bool { return within(m.Path, part) })
	})
	if len(mistakes) > 0 {
		return &Config{}, mistakes
	}
	return config, nil
}

// within reports whether a path is that of a section, or of something in it.
func within(path, section string) bool {
	rest, ok := strings.CutPrefix(path, section)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// readFile returns the content of a file, or nothing for the file "".
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	source, err := readAll(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	return source, nil
}

func readAll(path string) ([]byte, error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// open opens a file to read it. A reload reads each file again, which would block on a pipe until
// somebody writes into it.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() { // What reads the file refuses a folder.
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a pipe, a socket or a device: " +
			"name a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Parse reads source as the configuration file at path, which it does not open. The error is
// Errors.
func Parse(source []byte, path string, kinds Kinds) (*Config, error) {
	config, mistakes := parse(source, path, kinds, nil, nil)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return config, nil
}

// defaults returns the values of the keys that are left out.
func defaults() *Config {
	return &Config{
		GRPC:  Listener{Listen: "127.0.0.1:9090"},
		HTTP:  Listener{Listen: "127.0.0.1:8080"},
		Auth:  defaultAuth(),
		Store: defaultStore(),
		Log:   defaultLog(), Canary: DefaultCanary(), Archive: DefaultArchive(),
	}
}

// parse notes in files what the configuration names, unless files is nil. The variables of environ
// win over the source.
func parse(source []byte, path string, kinds Kinds, files Content, environ []string) (*Config, Errors) {
	config := defaults()
	root, syntax := parseYAML(source)
	if syntax != nil {
		syntax.File = path
		return config, Errors{*syntax}
	}
	dir := filepath.Dir(path)
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	d := &decoder{
		file: path, dir: dir, kinds: kinds, files: files,
		lines: map[string]int{"": 1}, variables: map[string]string{}, reported: map[string]bool{},
	}
	d.overlay(root, environ)
	d.value(root, "", reflect.ValueOf(config).Elem())
	return config, d.errors.sorted()
}
