package upstream

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

const (
	// compareEvery is how often a response to one call is compared with its shape, besides canary
	// reads.
	compareEvery = time.Minute
	// maxCompared is how much of a response is compared, in bytes.
	maxCompared = 256 << 10
)

// Drift returns how the responses of the vendor differ from its documents.
func (a *Account) Drift() []shape.Seen { return a.drift.Seen() }

func (a *Account) noteDrift(f shape.Finding) { a.drift.Add(f) }

type compareKey struct{}

// CompareShapes has every response to the reads of ctx compared with its shape. Of other reads, one
// in a minute is.
func CompareShapes(ctx context.Context) context.Context {
	return context.WithValue(ctx, compareKey{}, true)
}

// A prefix keeps the beginning of what is written to it.
type prefix struct{ bytes.Buffer }

func (p *prefix) Write(b []byte) (int, error) {
	_, _ = p.Buffer.Write(b[:min(len(b), maxCompared-p.Len())]) // It never fails.
	return len(b), nil
}

// keepForShape makes a copy of the body while it is decoded, if its shape is to be compared.
// Otherwise it returns nil.
func (a *attempt) keepForShape(ctx context.Context, answer *http.Response) *prefix {
	s := a.Shape
	if s == nil || ctx.Value(compareKey{}) == nil && !a.client.account.drift.Due(s, compareEvery) {
		return nil
	}
	kept := &prefix{}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(answer.Body, kept), answer.Body}
	return kept
}

// compareShape notes how a response that was decoded differs from its shape.
func (a *attempt) compareShape(kept *prefix) {
	if kept == nil {
		return
	}
	for _, f := range a.Shape.Compare(kept.Bytes()) {
		if f.Word != "" {
			f.Word = shape.Word(secret.Clean(f.Word, a.secrets...))
		}
		a.client.account.noteDrift(f)
	}
}

// noteCode notes the code of a refusal that the vendor's documents do not have, once for each
// response.
func (r *Response) noteCode(e *apierror.Error) {
	code := e.Metadata[apierror.VendorCode]
	if r.coded || code == "" || r.client == nil {
		return
	}
	r.coded = true
	known := r.client.opts.KnownCode
	if known == nil || known(code) {
		return
	}
	f := shape.Finding{Kind: shape.UnknownCode, Call: r.call, Word: shape.Word(secret.Clean(code, r.secrets...))}
	r.client.account.noteDrift(f)
}
