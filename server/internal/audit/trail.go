// Package audit keeps who did what: one event for every mutation and every read of a secret,
// chained by hash, so that tampering shows.
package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// Event is one entry of the trail. As JSON it is a line of a Sink.
type Event struct {
	// Chain is the replica that wrote it, and Position its place in that replica's chain, from 1.
	Chain    string `json:"chain"`
	Position int64  `json:"position"`
	// Time is when it happened, in whole microseconds.
	Time time.Time `json:"time"`
	// Subject is who called.
	Subject string `json:"subject"`
	// Method is the RPC, written "drmhub.v1.SiteService/DisableSite".
	Method string `json:"method"`
	// Resource is the name of what the call was for.
	Resource string `json:"resource"`
	// RequestDigest is an HMAC of the request, in hexadecimal.
	RequestDigest string `json:"request_digest"`
	// Outcome is the status code that the call ended with, by name.
	Outcome string `json:"outcome"`
	// VendorCode is the vendor's own code in its answer, where there was one.
	VendorCode string `json:"vendor_code"`
	// PreviousHash is the Hash of the event before in the chain, "" for the first. Hash is of all
	// that stands above, and PreviousHash. Both in hexadecimal.
	PreviousHash string `json:"previous_hash"`
	Hash         string `json:"hash"`
}

// Name is the event's resource name, "auditEvents/{chain}-{position}".
func (e Event) Name() string { return fmt.Sprintf("auditEvents/%s-%d", e.Chain, e.Position) }

// Trail appends to the chain of one replica.
type Trail struct{ chain string }

// NewTrail makes the trail of a replica, whose id is its own.
func NewTrail(replica string) *Trail { return &Trail{chain: replica} }

// Append adds an event to the chain within a transaction, and answers it as it was kept. Its Time,
// and what comes after in the chain, are the trail's to set. Nobody else may append to the same
// chain at the same time.
func (t *Trail) Append(ctx context.Context, tx *sql.Tx, now time.Time, e Event) (Event, error) {
	e.Chain, e.Time = t.chain, now.UTC().Truncate(time.Microsecond)
	e.Position, e.PreviousHash = 0, ""
	for _, text := range []*string{&e.Subject, &e.Method, &e.Resource, &e.RequestDigest, &e.Outcome, &e.VendorCode} {
		*text = storable(*text)
	}
	err := tx.QueryRowContext(ctx, "SELECT position, hash FROM audit_events WHERE chain = $1 ORDER BY position DESC LIMIT 1", e.Chain).Scan(&e.Position, &e.PreviousHash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Event{}, err
	}
	e.Position++
	e.Hash = e.sum()
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_events (chain, position, time, subject, method, resource, request_digest, outcome, vendor_code, previous_hash, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.Chain, e.Position, e.Time.UnixMicro(), e.Subject, e.Method, e.Resource, e.RequestDigest, e.Outcome, e.VendorCode, e.PreviousHash, e.Hash)
	return e, err
}

// Record is Append in a transaction of its own. It is for events that are not written together with
// something else. After an error, the event that it answers may be durable or not, which Holds
// tells.
func (t *Trail) Record(ctx context.Context, db *store.DB, e Event) (kept Event, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		kept, err = t.Append(ctx, tx, time.Now(), e)
		return err
	})
	return kept, err
}

// Holds reports whether an event is durable that Append has answered.
func (t *Trail) Holds(ctx context.Context, db *store.DB, e Event) (held bool, err error) {
	err = db.Reads().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM audit_events WHERE chain = $1 AND position = $2 AND hash = $3)", t.chain, e.Position, e.Hash).Scan(&held)
	return held, err
}

// storable is text as every database and JSON can keep it: what they would refuse or change is
// replaced, before it is hashed.
func storable(text string) string {
	const replacement = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// sum is the hash that the event must have.
func (e Event) sum() string {
	h := sha256.New()
	add(h, e.Chain, e.Subject, e.Method, e.Resource, e.RequestDigest, e.Outcome, e.VendorCode, e.PreviousHash)
	// a hash takes everything
	_ = binary.Write(h, binary.BigEndian, []int64{e.Position, e.Time.UnixMicro()})
	return hex.EncodeToString(h.Sum(nil))
}

// add hashes texts, each with its length, so that none can pass for a part of its neighbour.
func add(h hash.Hash, texts ...string) {
	for _, text := range texts {
		_ = binary.Write(h, binary.BigEndian, int64(len(text)))
		h.Write([]byte(text))
	}
}
