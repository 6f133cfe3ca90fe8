package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/bench/internal/issuer"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// wrongShare is the share of the ops that a wrong caller tries too, with the same request.
const wrongShare = 0.25

// A wrong is a way of being the wrong caller.
type wrong struct {
	name string
	code codes.Code
	// token returns the token with which somebody tries the op, or one for its caller's subject.
	token func(b *testbed, o *op) string
}

// wrongs are all of them. Most have the subject of the op's own caller, as after the loss of a
// scope.
var wrongs = []wrong{
	{"without a token", codes.Unauthenticated, func(*testbed, *op) string { return "" }},
	{"with an expired token", codes.Unauthenticated, func(_ *testbed, o *op) string {
		return idp().Token("EdDSA", o.caller.subject, -time.Minute, o.caller.claims())
	}},
	{"with a token of the future", codes.Unauthenticated, bad("nbf", time.Now().Add(24*time.Hour).Unix())},
	{"with a token for another audience", codes.Unauthenticated, bad("aud", "billing")},
	{"with a token of another issuer", codes.Unauthenticated, bad("iss", "https://id.example.evil")},
	{"with the key of another algorithm", codes.Unauthenticated, func(_ *testbed, o *op) string {
		return idp().Sign("HS256", "EdDSA", o.caller.subject, time.Hour, o.caller.claims())
	}},
	{"with a broken signature", codes.Unauthenticated, func(_ *testbed, o *op) string {
		signed := []byte(idp().Token("EdDSA", o.caller.subject, time.Hour, o.caller.claims()))
		signed[len(signed)-10] ^= 1
		return string(signed)
	}},
	{"without the scope", codes.PermissionDenied, weak(issuer.Claims{"roles": []string{"viewer"}})},
	{"with a role that does not exist", codes.PermissionDenied, weak(issuer.Claims{"roles": "root"})},
	{"for no vendor", codes.PermissionDenied, weak(issuer.Claims{"roles": "admin", "vendors": []string{}})},
	{"for another site", codes.PermissionDenied, weak(issuer.Claims{
		"roles": "admin", "sites": []string{"vendors/pallycon/sites/S", "vendors/ncp/sites/default"},
	})},
	{"for another vendor", codes.PermissionDenied, func(_ *testbed, o *op) string {
		others := slices.DeleteFunc([]string{"pallycon", "ncp", "telecomx", "amino"},
			func(v string) bool { return v == o.vendor })
		return idp().Token("RS256", o.caller.subject, time.Hour, issuer.Claims{"roles": "admin", "vendors": others})
	}},
	{"as another caller", codes.PermissionDenied, func(b *testbed, o *op) string {
		others := slices.DeleteFunc(b.everyone(), func(c *caller) bool { return c.may(o) })
		return others[o.number%len(others)].token()
	}},
}

// bad returns a maker of tokens with one claim that is wrong.
func bad(claim string, value any) func(*testbed, *op) string {
	return func(_ *testbed, o *op) string {
		claims := o.caller.claims()
		claims[claim] = value
		return idp().Token("EdDSA", o.caller.subject, time.Hour, claims)
	}
}

// weak returns a maker of valid tokens with too few rights.
func weak(claims issuer.Claims) func(*testbed, *op) string {
	return func(_ *testbed, o *op) string { return idp().Token("ES256", o.caller.subject, time.Hour, claims) }
}

// tryWrong has a wrong caller try some of the ops, with the op's own request_id. It must be
// refused. If it had an effect, the ledger would show one too many.
func (c *client) tryWrong(ctx context.Context, b *testbed, seed uint64, o *op) {
	random := twin.Rand(seed, fmt.Sprintf("wrong %d", o.number))
	if random.Float64() >= wrongShare {
		return
	}
	how := wrongs[random.IntN(len(wrongs))]
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	record, err := c.face(random.IntN(2*len(c.conns))).call(ctx, how.token(b, o), o.method, o.request, o.answer())
	refused, sure := wasRefused(err, how.code)
	switch {
	case !sure:
		return
	case !refused || record != "":
		o.leak("the same request %s got the record %q and %v, not %v", how.name, record, err, how.code)
	}
	b.count(&b.refused)
}

// wasRefused reports whether a call was refused as one by a wrong caller. It is not sure where the
// server was down.
func wasRefused(err error, want codes.Code) (refused, sure bool) {
	said := status.Convert(err)
	if err != nil && slices.Contains(unsure, said.Code()) {
		return false, false
	}
	is := pb.ErrorReason_SCOPE_MISSING
	if want == codes.Unauthenticated {
		is = pb.ErrorReason_TOKEN_INVALID
	}
	return said.Code() == want && reason(said).GetReason() == is.String(), true
}

// unsure are the codes of calls that a kill or a deadline cut.
var unsure = []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.Canceled}
