package main

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/bench/internal/program"
	"github.com/drmhub/drmhub/internal/postgres"
)

// short is the campaign for every change, with a few hundred mutations, two kills and a restart of
// a vendor.
var short = options{
	Seed: 1, Mutations: 400, Round: 400, Callers: 40, Patience: 13 * time.Second,
	Timeout: 700 * time.Millisecond, Late: 1200 * time.Millisecond, Quiet: 3 * time.Second,
	KillEvery: 700 * time.Millisecond, Kills: 2, Restarts: 2 * time.Second, Hurry: 2 * time.Second,
}

var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "campaign-server"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// server is built once for all tests.
var server = sync.OnceValues(func() (string, error) { return program.Build(context.Background(), folder) })

func TestOneServerOnSQLite(t *testing.T) {
	t.Parallel()
	short.run(t, "", 1)
}

func TestTwoReplicasOnPostgreSQL(t *testing.T) {
	t.Parallel()
	short.run(t, postgres.ForTest(t), 2)
}

func (o options) run(t *testing.T, dsn string, replicas int) {
	binary, err := server()
	if err != nil {
		t.Fatal(err)
	}
	res, err := run(t.Context(), o, binary, dsn, replicas, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	res.print(t.Output())
	res.explain(t.Output(), o)
	if err := res.err(o); err != nil {
		t.Error(err)
	}
	if res.kills != o.Kills {
		t.Errorf("%d processes were killed, want %d", res.kills, o.Kills)
	}
	if res.refused == 0 || res.denied == 0 {
		t.Errorf("%d calls by wrong callers, and %d for records of others", res.refused, res.denied)
	}
	for _, k := range kinds() {
		if res.rows[k.String()].mutations == 0 {
			t.Errorf("there was no %v", k)
		}
	}
}
