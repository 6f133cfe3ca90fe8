package config

import (
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/secret"
)

// Store is where the journal and the audit trail are kept.
type Store struct {
	// DSN is sqlite:FILE, where a relative file starts at the folder that the program runs in, or
	// postgres://….
	DSN DSN `yaml:"dsn" reload:"restart" pattern:"^(sqlite:.+|postgres(ql)?://([^:/?#@]*@)?[^@?]*([?].*)?)$"`
	// Keep is how long a settled mutation is kept, with its request_id. It is at least a day, and
	// by default 30 days.
	Keep time.Duration `yaml:"keep" reload:"restart" range:"24h.."`
	// Quiet is the quiet time: how long after a write's call the vendor may still be working on it.
	// By default it is a minute.
	Quiet time.Duration `yaml:"quiet" reload:"restart" range:">0s.."`
	// DigestKey, unless nil, is the key by which drmhub recognizes a repeated request with secrets.
	// Who reads the store without the key cannot try passwords.
	DigestKey *secret.Text `yaml:"digest_key" reload:"restart"`
}

// DSN names a database. It may hold a password, and so prints like a secret. In the file it is text
// without a password, or {env: NAME} or {file: PATH}.
type DSN struct{ secret.Text }

// NewDSN returns the DSN with this text.
func NewDSN(dsn string) DSN { return DSN{secret.New(dsn)} }

// mistake returns what is wrong with a DSN, or "". It does not quote the DSN.
func (d DSN) mistake() string {
	scheme, rest, _ := strings.Cut(d.Reveal(), ":")
	isURL := strings.HasPrefix(rest, "//")
	u, err := url.Parse(d.Reveal())
	switch scheme {
	case "sqlite":
		if rest == ":memory:" || strings.HasPrefix(rest, "///") || rest != "" && rest[0] != ':' && !isURL {
			return ""
		}
	case "postgres", "postgresql":
		if isURL && (err != nil || strings.Contains(u.Path, "@")) {
			return "is not a valid URL: write %25 for %, %2F for / and %40 for @ in the password"
		}
		if isURL {
			return ""
		}
	}
	return "must be sqlite:FILE or postgres://USER@HOST:5432/DATABASE"
}

// minKeep is the minimum of Keep. Clients may repeat a call with the same request_id the next day.
const minKeep = 24 * time.Hour

// minDigestKey is the minimum length of DigestKey. A shorter one could be guessed, and the secrets
// with it.
const minDigestKey = 32

func defaultStore() Store {
	return Store{DSN: NewDSN("sqlite:drmhub.db"), Keep: 30 * 24 * time.Hour, Quiet: time.Minute}
}

// Check reports the values that cannot be used.
func (s *Store) Check(report func(key, problem string)) {
	if problem := s.DSN.mistake(); problem != "" {
		report("dsn", problem)
	}
	if s.Keep < minKeep {
		report("keep", "must be at least 24h, so that a client can repeat a call with the same request_id")
	}
	if s.Quiet <= 0 {
		report("quiet", "must be longer than 0s: a vendor needs time to show a change")
	}
	if s.DigestKey != nil && len(s.DigestKey.Reveal()) < minDigestKey {
		report("digest_key", "is too short: it must have at least 32 characters, such as those of openssl rand -hex 32")
	}
}

func (d *decoder) dsn(node *yaml.Node, path string, out *DSN) {
	const passwordInFile = "a password is never written in the file: " +
		"leave it out, or give the whole dsn as {env: NAME} or {file: PATH}"
	switch {
	case node.Kind == yaml.MappingNode:
		if text, ok := d.secretText(node, path, passwordInFile); ok {
			*out = NewDSN(text)
		}
	case node.ShortTag() != "!!str":
		d.fail(path, "must be text: write it in quotes")
	case holdsPassword(node.Value):
		d.fail(path, passwordInFile)
	default:
		*out = NewDSN(node.Value)
	}
}

// holdsPassword reports whether a DSN holds a password. One that cannot be parsed may hold one.
func holdsPassword(dsn string) bool {
	if strings.HasPrefix(dsn, "sqlite:") {
		return false
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return true
	}
	_, given := u.User.Password()
	query := u.Query()
	return given || strings.Contains(u.Path, "@") || query.Has("password") || query.Has("sslpassword")
}

// Audit is where audit events are written, as JSON lines, beside the store.
type Audit struct {
	// File is the file that events are appended to, or "".
	File OutFile `yaml:"file" reload:"restart"`
	// Stdout writes them to standard output instead.
	Stdout bool `yaml:"stdout" reload:"restart"`
}

// Check reports a second place.
func (a *Audit) Check(report func(key, problem string)) {
	if a.Stdout && a.File != "" {
		report("stdout", "does not go with file: leave one of them out")
	}
}
