// Package token verifies bearer tokens: signed JSON Web Tokens (RFC 7519) of one issuer.
//
// What RFC 8725 asks for holds here. The key, not the token, decides the algorithm. Issuer,
// audience and expiry are required. Claims count by their exact names. What a header says about
// keys, other than the id, is ignored.
package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

const (
	// cacheSize is how many verified tokens are remembered.
	cacheSize = 10_000
	// cacheTime is how long a verified token is remembered at most.
	cacheTime = time.Minute
)

// Options says which tokens are valid.
type Options struct {
	// Issuer and Audience are the required iss and aud.
	Issuer, Audience string
	// Leeway is how far the clocks of issuer and server may differ.
	Leeway time.Duration
	// Keys are fixed keys. Sets are those of the issuer's URLs. A fixed key is preferred to one of
	// a set, and a set to those after it.
	Keys []Key
	Sets []*keyset.Set
	// Reserved are the subjects of callers with client certificates.
	Reserved []string
	// Derive, unless nil, returns what is made of the claims of each token. It is called when a
	// token is verified, and not when a token is remembered.
	Derive func(*Claims) any
}

// A Verifier verifies tokens. It remembers those that it has verified, until they end or keys
// change.
type Verifier struct {
	fixed     map[string]keyset.Key
	named     map[string]string // the names of fixed keys in Claims.Key, by their ids
	sets      []*keyset.Set
	methods   []string
	parser    *jwt.Parser
	validator *jwt.Validator
	leeway    time.Duration
	reserved  map[string]bool
	derive    func(*Claims) any
	cache     *lru.Cache[[sha256.Size]byte, remembered]
	// hits and misses count the tokens that were remembered, and those that were not.
	hits, misses atomic.Int64
}

// remembered is a verified token. It counts until a moment, and while no set has changed.
type remembered struct {
	claims     *Claims
	until      time.Time
	generation uint64
}

// New returns a verifier. The error says which option cannot be used.
func New(o Options) (*Verifier, error) {
	if o.Issuer == "" || o.Audience == "" {
		return nil, errors.New("issuer and audience are required")
	}
	if o.Leeway < 0 {
		return nil, errors.New("leeway must not be negative")
	}
	if len(o.Keys)+len(o.Sets) == 0 {
		return nil, errors.New("at least one key is required")
	}
	v := &Verifier{
		fixed: map[string]keyset.Key{}, named: map[string]string{}, sets: o.Sets, leeway: o.Leeway,
		reserved: map[string]bool{}, derive: o.Derive,
	}
	for _, subject := range o.Reserved {
		v.reserved[strings.ToLower(subject)] = true
	}
	if err := v.addKeys(o.Keys); err != nil {
		return nil, err
	}
	rules := []jwt.ParserOption{
		jwt.WithValidMethods(v.methods), jwt.WithStrictDecoding(),
		jwt.WithIssuer(o.Issuer), jwt.WithAudience(o.Audience), jwt.WithLeeway(o.Leeway),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
	}
	v.parser, v.validator = jwt.NewParser(rules...), jwt.NewValidator(rules...)
	var err error
	v.cache, err = lru.New[[sha256.Size]byte, remembered](cacheSize)
	return v, err
}

func (v *Verifier) addKeys(keys []Key) error {
	for _, k := range keys {
		if _, again := v.fixed[k.ID]; again {
			return errors.New("two keys have the same id")
		}
		material, err := k.material()
		if err != nil {
			return err
		}
		v.fixed[k.ID] = keyset.Key{Public: material, Algorithms: []string{k.Algorithm}}
		if v.named[k.ID], err = nameOf(k); err != nil {
			return err
		}
		v.methods = append(v.methods, k.Algorithm)
	}
	if len(v.sets) > 0 {
		v.methods = append(v.methods, asymmetric...)
	}
	slices.Sort(v.methods)
	v.methods = slices.Compact(v.methods)
	return nil
}

// Verify returns the claims of a token, which the caller must not change. The error is an Error
// with the reason, or that of ctx if the caller leaves while the token's key is looked for.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Claims, error) {
	if len(raw) > MaxSize {
		return nil, refuse(Malformed, "it is larger than 8 KiB")
	}
	now, generation := time.Now(), v.generation()
	digest := digestOf(raw)
	if known, ok := v.cache.Get(digest); ok && known.generation == generation && now.Before(known.until) {
		v.hits.Add(1)
		return known.claims, nil
	}
	v.misses.Add(1)
	claims, err := v.verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if v.derive != nil {
		claims.Derived = v.derive(claims)
	}
	until := claims.Expires.Add(v.leeway)
	if latest := now.Add(cacheTime); latest.Before(until) {
		until = latest
	}
	v.cache.Add(digest, remembered{claims: claims, until: until, generation: generation})
	return claims, nil
}

// buffers hold tokens while digestOf reads them.
var buffers = sync.Pool{New: func() any { return new([MaxSize]byte) }}

// digestOf returns the SHA-256 of a token, which is not longer than MaxSize.
func digestOf(raw string) [sha256.Size]byte {
	buffer := buffers.Get().(*[MaxSize]byte)
	defer buffers.Put(buffer)
	token := buffer[:copy(buffer[:], raw)]
	defer clear(token)
	return sha256.Sum256(token)
}

// Lookups returns how many tokens were remembered when they came, and how many were not. A nil
// Verifier has had none.
func (v *Verifier) Lookups() (hits, misses int64) {
	if v == nil {
		return 0, 0
	}
	return v.hits.Load(), v.misses.Load()
}

// generation returns a number that grows whenever a set changes. It is read before a key is: a
// token that was verified with a key that is gone since then has an older number.
func (v *Verifier) generation() uint64 {
	var sum uint64
	for _, set := range v.sets {
		sum += set.Generation()
	}
	return sum
}

func (v *Verifier) verify(ctx context.Context, raw string) (*Claims, error) {
	h, err := readHeader(raw)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(v.methods, h.algorithm) {
		return nil, refuse(WrongAlgorithm, "no key is for it")
	}
	p := &payload{}
	_, err = v.parser.ParseWithClaims(raw, p, func(*jwt.Token) (any, error) { return v.key(ctx, h, p) })
	if err != nil {
		return nil, reasonOf(err)
	}
	p.claims.Key = v.named[h.kid]
	return &p.claims, checkSubject(p.claims.Subject, v.reserved)
}

// Holds reports whether tokens of the key with this name are still valid. It is true for "", the
// name of all keys of sets.
func (v *Verifier) Holds(key string) bool {
	for _, name := range v.named {
		if name == key {
			return true
		}
	}
	return key == ""
}

// key returns the key of a token. It looks for an unknown key only if a set can have it, and the
// rest of the token could be valid. So a client with an old token causes no fetch.
func (v *Verifier) key(ctx context.Context, h *header, p *payload) (any, error) {
	if !p.read { // JSON's null does not reach UnmarshalJSON.
		return nil, refuse(Malformed, "the claims are not a JSON object")
	}
	key, ok := v.lookup(h.kid)
	if !ok && (len(v.sets) == 0 || slices.Contains(symmetric, h.algorithm)) {
		return nil, refuse(UnknownKey, "")
	}
	if !ok {
		if err := v.validator.Validate(p); err != nil {
			return nil, err
		}
		var err error
		if key, err = v.find(ctx, h.kid); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(key.Algorithms, h.algorithm) {
		return nil, refuse(WrongAlgorithm, "the key is for another one")
	}
	return key.Public, nil
}

// lookup returns the key of an id that is known now.
func (v *Verifier) lookup(kid string) (keyset.Key, bool) {
	if key, ok := v.fixed[kid]; ok {
		return key, true
	}
	for _, set := range v.sets {
		if key, ok := set.Lookup(kid); ok {
			return key, true
		}
	}
	return keyset.Key{}, false
}

// find looks for a key in all sets at once, each of which may fetch.
func (v *Verifier) find(ctx context.Context, kid string) (keyset.Key, error) {
	type result struct {
		key keyset.Key
		err error
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	results := make(chan result, len(v.sets))
	for _, set := range v.sets {
		go func() {
			key, err := set.Find(looking, kid)
			results <- result{key, err}
		}()
	}
	for range v.sets {
		if found := <-results; found.err == nil {
			return found.key, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return keyset.Key{}, err
	}
	return keyset.Key{}, refuse(UnknownKey, "")
}

// reasonOf returns the error of a token that package jwt refuses.
func reasonOf(err error) error {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused
	}
	for _, known := range []struct {
		is     error
		reason Reason
	}{
		{context.Canceled, ""}, {context.DeadlineExceeded, ""},
		{jwt.ErrTokenMalformed, Malformed},
		{jwt.ErrTokenSignatureInvalid, BadSignature},
		{jwt.ErrTokenRequiredClaimMissing, BadClaim},
		{jwt.ErrTokenInvalidIssuer, WrongIssuer},
		{jwt.ErrTokenInvalidAudience, WrongAudience},
		{jwt.ErrTokenExpired, Expired},
		{jwt.ErrTokenNotValidYet, NotYetValid},
		{jwt.ErrTokenUsedBeforeIssued, NotYetValid},
	} {
		if errors.Is(err, known.is) {
			if known.reason == "" {
				return known.is
			}
			return refuse(known.reason, "")
		}
	}
	return refuse(Malformed, "it cannot be read")
}
