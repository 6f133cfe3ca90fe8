package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// rowColumns are those of the two tables of rows. k is an archive.Key. who is the hash of the
// viewer, zeros without one. The rows of an erased viewer have who, but no user and no user_md5.
const rowColumns = "k, site, who, user, user_md5, drm, status, content, device, code, model, platform, " +
	"integration, vendor_drm, vendor_status, load"

const rowTypes = "(k Int64, site UInt16, who FixedString(16), user String, user_md5 String, drm Int32, status Int32, " +
	"content String, device String, code String, model String, platform String, integration String, " +
	"vendor_drm String, vendor_status String, load UInt64) ENGINE = MergeTree " +
	"PARTITION BY toYYYYMM(toDateTime(intDiv(k, 4294967296) + 1262304000, 'UTC')) "

// prepare makes the tables that are missing, and reads the key. It checks that each server is the
// one that it was, and that it still has what it confirmed.
func (e *Engine) prepare(ctx context.Context) error {
	for i, conn := range e.shards {
		if err := e.create(ctx, conn, i == 0); err != nil {
			return fmt.Errorf("host %d of archive.dsn: %w", i+1, err)
		}
	}
	key, err := e.readKey(ctx, e.first(), rand.Text(), "first")
	if err != nil {
		return err
	}
	e.key = []byte(key)
	for i, conn := range e.shards[1:] {
		if _, err := e.readKey(ctx, conn, key, "other"); err != nil {
			return fmt.Errorf("host %d of archive.dsn: %w", i+2, err)
		}
	}
	if err := e.checkShards(ctx); err != nil {
		return err
	}
	return e.verify(ctx, math.MaxUint64)
}

// create makes the database and the tables of one server.
func (e *Engine) create(ctx context.Context, conn driver.Conn, first bool) error {
	found := uint64(0)
	row := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = "+literal(e.database))
	if err := row.Scan(&found); err != nil {
		return err
	}
	durable := ""
	if version, err := conn.ServerVersion(); err != nil {
		return err
	} else if version.Version.Major >= 21 {
		durable = ", fsync_after_insert = 1, fsync_part_directory = 1"
	}
	var all []string
	if found == 0 {
		all = append(all, "CREATE DATABASE IF NOT EXISTS "+strings.TrimSuffix(e.local(""), "."))
	}
	all = append(all,
		"CREATE TABLE IF NOT EXISTS "+e.local("licenses")+" "+rowTypes+
			"ORDER BY (site, k) SETTINGS index_granularity = 8192"+durable,
		"CREATE TABLE IF NOT EXISTS "+e.local("by_user")+" "+rowTypes+
			"ORDER BY (who, k) SETTINGS index_granularity = 1024"+durable,
		"CREATE MATERIALIZED VIEW IF NOT EXISTS "+e.local("to_user")+" TO "+e.local("by_user")+
			" AS SELECT "+rowColumns+" FROM "+e.local("licenses"))
	if first {
		all = append(all,
			"CREATE TABLE IF NOT EXISTS "+e.local("loads")+
				" (site UInt16, kind String, id UInt64, who FixedString(16), version UInt64, state String, lo Int64, "+
				"hi Int64, rows Int64, ranges Array(Int64)) ENGINE = ReplacingMergeTree(version) "+
				"ORDER BY (site, kind, id, who) SETTINGS index_granularity = 8192"+durable,
			"CREATE TABLE IF NOT EXISTS "+e.local("sites")+
				" (number UInt16, name String, claim UInt64, version UInt64, zone String) "+
				"ENGINE = ReplacingMergeTree(version) ORDER BY (number, name, claim) "+
				"SETTINGS index_granularity = 8192"+durable,
			"CREATE TABLE IF NOT EXISTS "+e.local("states")+
				" (site UInt16, version UInt64, state String) ENGINE = ReplacingMergeTree(version) ORDER BY site "+
				"SETTINGS index_granularity = 8192"+durable)
	}
	for _, statement := range all {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// readKey returns the key of a server's archive. Without one, it makes the given key the server's,
// under a name that no other process can take at the same time. role says which server of the
// archive it is.
func (e *Engine) readKey(ctx context.Context, conn driver.Conn, key, role string) (string, error) {
	there := uint8(0)
	if err := conn.QueryRow(ctx, "EXISTS TABLE "+e.local("archive_key")).Scan(&there); err != nil {
		return "", err
	}
	if there == 0 {
		if err := e.placeKey(ctx, conn, key, role); err != nil {
			return "", err
		}
	}
	var foundKey, foundRole string
	row := conn.QueryRow(ctx, "SELECT key, role FROM "+e.local("archive_key"))
	if err := row.Scan(&foundKey, &foundRole); err != nil {
		return "", err
	}
	switch {
	case foundRole != role:
		return "", errors.New("the archive began with another first host: restore the order of the hosts")
	case role == "other" && foundKey != key:
		return "", errors.New("this host has rows of another archive: choose another database")
	}
	return foundKey, nil
}

func (e *Engine) placeKey(ctx context.Context, conn driver.Conn, key, role string) error {
	draft := e.local("archive_key_" + strings.ToLower(rand.Text()))
	err := conn.Exec(ctx, "CREATE TABLE "+draft+" (key String, role String) ENGINE = MergeTree ORDER BY key "+
		"SETTINGS index_granularity = 8192")
	if err != nil {
		return err
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+draft+" (key, role)")
	if err == nil {
		err = errors.Join(batch.Append(key, role), batch.Send())
	}
	if err != nil {
		return err
	}
	if err := conn.Exec(ctx, "RENAME TABLE "+draft+" TO "+e.local("archive_key")); err != nil {
		// Another process was faster.
		return conn.Exec(ctx, "DROP TABLE "+draft)
	}
	return nil
}

// checkShards refuses to leave out a server that has rows, and checks that the first server reaches
// exactly the servers of the DSN.
func (e *Engine) checkShards(ctx context.Context) error {
	if len(e.shards) > 1 {
		var reached, archives uint64
		row := e.first().QueryRow(ctx, "SELECT count(), uniqExact(key) FROM "+e.all("archive_key"))
		if err := row.Scan(&reached, &archives); err != nil {
			return fmt.Errorf("the first host does not reach the others: %w", err)
		}
		if reached != uint64(len(e.shards)) || archives != 1 {
			return fmt.Errorf("the first host reaches %d hosts of this archive instead of the %d of archive.dsn",
				reached, len(e.shards))
		}
	}
	lines, err := e.read(ctx, "kind = "+literal(kindShards))
	if err != nil {
		return err
	}
	before, newest := int64(0), uint64(0)
	for _, l := range lines {
		before, newest = l.Rows, l.Version
	}
	if before > int64(len(e.shards)) {
		return fmt.Errorf("the archive has %d hosts, and archive.dsn names %d: name all of them", before, len(e.shards))
	}
	if before == int64(len(e.shards)) {
		return nil
	}
	return e.write(ctx, line{Kind: kindShards, Version: e.numbers.next(newest), Rows: int64(len(e.shards))})
}
