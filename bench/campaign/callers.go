package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/bench/internal/issuer"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// shareID is the share of the pairs of ops with the same request_id, each of another caller.
const shareID = 0.2

// idp is the identity provider of all callers.
var idp = sync.OnceValue(func() *issuer.Issuer {
	i, err := issuer.New()
	if err != nil {
		panic(err)
	}
	return i
})

// A caller makes ops, each of which it may make. What it may do and see is in its token. The
// campaign knows it too, without the server's code.
type caller struct {
	subject        string
	roles, scopes  []string
	vendors, sites []string // what confines it; nil is everything

	mu     sync.Mutex
	signed string
	renew  time.Time
}

// newCallers returns two teams of callers. Each team may do everything together, and its admin
// alone.
func newCallers() (teams [2][]*caller) {
	for team := range teams {
		sites := []string{}
		for n := team; n < pallyconSites; n += 2 {
			sites = append(sites, fmt.Sprintf("vendors/pallycon/sites/S%03d", n))
		}
		for n := team; n < ncpSites; n += 2 {
			sites = append(sites, "vendors/ncp/sites/"+ncpSiteID(n))
		}
		operator, audit := []string{"operator"}, "audit:read"
		accounts := []string{"vendors/" + []string{"telecomx", "amino"}[team] + "/sites/default"}
		teams[team] = []*caller{
			{subject: "admin", roles: []string{"admin"}},
			{subject: "sites", roles: operator, scopes: []string{audit}, sites: sites},
			{
				subject: "pallycon", roles: operator, scopes: []string{"members:write", audit},
				vendors: []string{"pallycon"},
			},
			{subject: "ncp", roles: operator, vendors: []string{"ncp"}},
			{subject: "television", roles: operator, vendors: []string{"telecomx", "amino"}},
			{subject: "account", roles: operator, scopes: []string{audit}, sites: accounts},
			{subject: "members", scopes: []string{"members:write", "mutations:read", "mutations:write"}},
			{subject: "blind", scopes: []string{"sites:write", "product-licenses:write", "drm-accounts:write"}},
		}
		for _, c := range teams[team] {
			c.subject = fmt.Sprintf("%s-of-team-%d", c.subject, team)
		}
	}
	return teams
}

// everyone returns the callers of both teams.
func (b *testbed) everyone() []*caller { return slices.Concat(b.teams[0], b.teams[1]) }

// choose returns the caller of an op. Ops that follow each other have callers of different teams.
func (b *testbed) choose(seed uint64, o *op) *caller {
	team := slices.DeleteFunc(slices.Clone(b.teams[o.number%2]), func(c *caller) bool { return !c.may(o) })
	return team[twin.Rand(seed, fmt.Sprintf("the caller of %d", o.number)).IntN(len(team))]
}

// sharesID reports whether an op has the request_id of the op before.
func sharesID(seed uint64, number int) bool {
	return number%2 == 1 && twin.Rand(seed, fmt.Sprintf("the id of %d", number)).Float64() < shareID
}

// claims are the claims of the caller's tokens.
func (c *caller) claims() issuer.Claims {
	claims := issuer.Claims{"scope": strings.Join(c.scopes, " ")}
	if c.roles != nil {
		claims["roles"] = c.roles
	}
	if c.vendors != nil {
		claims["vendors"] = c.vendors
	}
	if c.sites != nil {
		claims["sites"] = c.sites
	}
	return claims
}

// token returns a valid token. Now and then it is a new one, as it is from a real provider.
func (c *caller) token() string {
	const valid = 20 * time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().After(c.renew) {
		c.signed = idp().Token("EdDSA", c.subject, valid, c.claims())
		c.renew = time.Now().Add(valid / 2)
	}
	return c.signed
}

// has reports whether the caller holds a scope.
func (c *caller) has(scope string) bool {
	reads := strings.HasSuffix(scope, ":read") && scope != "audit:read" && scope != "secrets:read"
	operates := []string{"sites:write", "product-licenses:write", "drm-accounts:write", "mutations:write"}
	switch {
	case slices.Contains(c.scopes, scope):
		return true
	case slices.Contains(c.roles, "admin"):
		return scope != "secrets:read"
	case slices.Contains(c.roles, "operator"):
		return reads || slices.Contains(operates, scope)
	}
	return false
}

// may reports whether the caller may make an op.
func (c *caller) may(o *op) bool {
	ok := c.has(scopeOf(o.method))
	for _, name := range namesIn(o.request.ProtoReflect()) {
		ok = ok && c.seesName(name)
	}
	return ok
}

// seesName reports whether the caller may see a thing of a vendor.
func (c *caller) seesName(name string) bool {
	parts := strings.Split(name, "/")
	site := "vendors/" + parts[1] + "/sites/default" // of a vendor without sites, the whole account
	if len(parts) > 3 && parts[2] == "sites" {
		site = strings.Join(parts[:4], "/")
	}
	return (c.vendors == nil || slices.Contains(c.vendors, parts[1])) &&
		(c.sites == nil || slices.Contains(c.sites, site))
}

// seesRecord reports whether the caller may see a record of this resource and subject.
func (c *caller) seesRecord(resource, subject string) bool {
	switch {
	case c.vendors == nil && c.sites == nil:
		return true
	case !strings.HasPrefix(resource, "vendors/"):
		return subject == c.subject
	}
	return c.seesName(resource)
}

// maySettle reports whether the caller may settle a mutation, or send it again.
func (c *caller) maySettle(m *pb.Mutation) bool {
	return c.has("mutations:write") && c.has(scopeOf("/"+m.GetMethod())) &&
		c.seesRecord(m.GetResource(), m.GetSubject())
}

// rpcOf returns the description of an RPC.
func rpcOf(method string) protoreflect.MethodDescriptor {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		panic(err) // The contract has all methods.
	}
	return found.(protoreflect.MethodDescriptor)
}

// scopeOf returns the scope that an RPC asks for.
func scopeOf(method string) string {
	return proto.GetExtension(rpcOf(method).Options(), pb.E_Scope).(string)
}

// namesIn returns all names of things at vendors in a message.
func namesIn(m protoreflect.Message) (names []string) {
	look := func(v protoreflect.Value) {
		switch v := v.Interface().(type) {
		case string:
			if strings.HasPrefix(v, "vendors/") {
				names = append(names, v)
			}
		case protoreflect.Message:
			names = append(names, namesIn(v)...)
		}
	}
	for field, value := range m.Range {
		if field.IsMap() {
			continue
		}
		if !field.IsList() {
			look(value)
			continue
		}
		for i := range value.List().Len() {
			look(value.List().Get(i))
		}
	}
	return names
}
