package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDSNsInTheFile(t *testing.T) {
	for _, dsn := range []string{
		"sqlite:drmhub.db", "sqlite:/var/lib/a b%.db", "sqlite:mail@example:x.db", "sqlite::memory:",
		"postgres://db/drmhub", "postgresql://u@db:5432/drmhub?sslmode=verify-full",
		"postgres:///drmhub?host=/run/postgresql",
	} {
		got, err := Parse([]byte(`store: {dsn: "`+dsn+`"}`+least), folder(t)+"/drmhub.yaml", kinds())
		if err != nil {
			t.Errorf("%s is refused:\n%v", dsn, err)
		} else if got.Store.DSN.Reveal() != dsn || got.Store.Keep != 720*time.Hour {
			t.Errorf("%s: %s, kept %v", dsn, got.Store.DSN.Reveal(), got.Store.Keep)
		}
	}
}

func TestReadStore(t *testing.T) {
	file := filepath.Join(folder(t), "drmhub.yaml")
	read := func(source string) (Store, error) {
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadStore(file)
	}
	const broken = "\nauth: {mode: hunter2}\nstorage: {}\nvendors: [{id: a, acme: {token: {env: ACME_ABSENT}}}]"
	for source, dsn := range map[string]string{
		`store: {dsn: "sqlite:other.db"}` + broken: "sqlite:other.db",
		broken: "sqlite:drmhub.db",
	} {
		if got, err := read(source); err != nil || got.DSN.Reveal() != dsn || got.Quiet != time.Minute {
			t.Errorf("%s: %+v, %v", source, got, err)
		}
	}
	for source, want := range map[string]string{
		`store: {dsn: "mysql://db"}` + broken: ":1: store.dsn: must be sqlite:FILE",
		"store: 5" + broken:                   ":1: store: must be a mapping",
		"store: [" + broken:                   "this is not YAML",
	} {
		_, err := read(source)
		if mistakes, _ := errors.AsType[Errors](err); len(mistakes) != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s alone", source, err, want)
		}
	}
	if _, err := ReadStore(filepath.Join(t.TempDir(), "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
