// Package audit records who did what: an event for every mutation, for every read of a secret, and
// for calls that were refused because of their caller. Package refusal bounds the number of the
// last. Each event holds the hash of the event before it, so that tampering shows.
//
// Trail appends to a chain, and Recorder does so for a replica. Reads records the reads of secrets.
// Sink copies the events to a file. Verify and VerifyFiles check the chains. Service lists them.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/drmhub/drmhub/server/internal/store"
)

// An Event is one entry of the trail. As JSON, it is a line of a Sink.
type Event struct {
	// Chain is the replica that wrote the event, and Position its place in that chain, from 1.
	Chain    string `json:"chain"`
	Position int64  `json:"position"`
	// Time is the time of the event, in whole microseconds.
	Time time.Time `json:"time"`
	// Subject is the caller.
	Subject string `json:"subject"`
	// Method is the RPC, written "drmhub.v1.SiteService/DisableSite".
	Method string `json:"method"`
	// Resource is the name of the resource in the request.
	Resource string `json:"resource"`
	// RequestDigest is an HMAC of the request, in hexadecimal.
	RequestDigest string `json:"request_digest"`
	// Outcome is the name of the status code that the call ended with.
	Outcome string `json:"outcome"`
	// VendorCode is the vendor's own code in its response, or "".
	VendorCode string `json:"vendor_code"`
	// PreviousHash is the Hash of the event before in the chain, or "" for the first event. Hash is
	// the hash of all other fields. Both are in hexadecimal.
	PreviousHash string `json:"previous_hash"`
	Hash         string `json:"hash"`
}

// Name returns the event's resource name, "auditEvents/{chain}-{position}".
func (e Event) Name() string { return fmt.Sprintf("auditEvents/%s-%d", e.Chain, e.Position) }

// A Trail appends to the chain of one replica.
type Trail struct {
	chain string
	// The last event of the chain, as the transaction tx sees it.
	tx       *store.Tx
	position int64
	hash     string
}

// NewTrail returns the trail of a replica. No other replica may have the same id.
func NewTrail(replica string) *Trail { return &Trail{chain: replica} }

// Append adds an event to the chain at the end of a transaction. It sets Chain, Position, Time and
// the hashes, and puts the event into kept as it is stored. The function of a write calls it,
// outside of After. Only one Trail may append to a chain.
func (t *Trail) Append(tx *store.Tx, now time.Time, e Event, kept *Event) {
	e.Chain, e.Time = t.chain, now.UTC().Truncate(time.Microsecond)
	for _, text := range []*string{&e.Subject, &e.Method, &e.Resource, &e.RequestDigest, &e.Outcome, &e.VendorCode} {
		*text = storable(*text)
	}
	t.readHead(tx)
	tx.After(func(context.Context) error {
		e.Position, e.PreviousHash = t.position+1, t.hash
		e.Hash = e.sum()
		t.position, t.hash, *kept = e.Position, e.Hash, e
		const insert = "INSERT INTO audit_events (" + columns +
			") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		tx.Queue(nil, insert, e.Chain, e.Position, e.Time.UnixMicro(), e.Subject, e.Method, e.Resource,
			e.RequestDigest, e.Outcome, e.VendorCode, e.PreviousHash, e.Hash)
		return nil
	})
}

// readHead makes a transaction read the last event of the chain, once.
func (t *Trail) readHead(tx *store.Tx) {
	if t.tx == tx {
		return
	}
	t.tx, t.position, t.hash = tx, 0, ""
	tx.QueueRow([]any{&t.position, &t.hash},
		"SELECT position, hash FROM audit_events WHERE chain = $1 ORDER BY position DESC LIMIT 1", t.chain)
}

// Record is Append in a transaction of its own. After an error, the returned event may or may not
// be durable: Holds reports it.
func (t *Trail) Record(ctx context.Context, db *store.DB, e Event) (kept Event, err error) {
	err = db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		t.Append(tx, time.Now(), e, &kept)
		return nil
	})
	return kept, err
}

// Holds reports whether an event that Append returned is durable.
func (t *Trail) Holds(ctx context.Context, db *store.DB, e Event) (held bool, err error) {
	const query = "SELECT EXISTS (SELECT 1 FROM audit_events WHERE chain = $1 AND position = $2 AND hash = $3)"
	err = db.Reads().QueryRowContext(ctx, query, t.chain, e.Position, e.Hash).Scan(&held)
	return held, err
}

// storable replaces what a database or JSON would refuse or change. Otherwise the hash would not
// fit the stored text.
func storable(text string) string {
	const replacement = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// sum returns the hash that the event must have.
func (e Event) sum() string {
	h := sha256.New()
	add(h, e.Chain, e.Subject, e.Method, e.Resource, e.RequestDigest, e.Outcome, e.VendorCode, e.PreviousHash)
	_ = binary.Write(h, binary.BigEndian, []int64{e.Position, e.Time.UnixMicro()}) // A hash never fails.
	return hex.EncodeToString(h.Sum(nil))
}

// add hashes texts, each with its length, so that no text can pass for a part of the next one.
func add(h hash.Hash, texts ...string) {
	for _, text := range texts {
		_ = binary.Write(h, binary.BigEndian, int64(len(text)))
		h.Write([]byte(text))
	}
}
