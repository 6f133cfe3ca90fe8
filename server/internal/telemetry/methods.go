package telemetry

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/contract"
)

const (
	// otherMethod is the label of every method that drmhub does not have, as the conventions say.
	otherMethod = "_OTHER"
	// noVendor is the label of a call that belongs to no configured vendor account, or to several.
	noVendor = "-"
)

// A method is one RPC, as metrics and spans name it.
type method struct {
	name string
	rpc  *contract.RPC // nil: it is not in the contract
}

// A setKey is what tells the sets of calls apart.
type setKey struct {
	method, vendor string
	face           Face
	code           codes.Code
}

func newMethod(name string, rpc *contract.RPC) *method { return &method{name: name, rpc: rpc} }

// beside are the methods that the server has beside the contract.
var beside = []string{
	"grpc.health.v1.Health/Check", "grpc.health.v1.Health/List", "grpc.health.v1.Health/Watch",
	"grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	"grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// knownMethods returns all methods by their full names.
func knownMethods() map[string]*method {
	all := map[string]*method{}
	for _, rpc := range contract.RPCs() {
		all[rpc.FullMethod()] = newMethod(rpc.Name, rpc)
	}
	for _, name := range beside {
		all["/"+name] = newMethod(name, nil)
	}
	return all
}

// attributes returns what metrics say of a call.
func (k setKey) attributes() []attribute.KeyValue {
	word := code.Code(k.code).String()
	all := []attribute.KeyValue{
		attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", k.method),
		attribute.String("rpc.response.status_code", word),
		attribute.String("drmhub.vendor", k.vendor), attribute.String("drmhub.face", string(k.face)),
	}
	if k.code != codes.OK {
		all = append(all, attribute.String("error.type", word))
	}
	return all
}

// sets holds sets of attributes by what they are made of. The zero value is empty.
type sets[K comparable] struct {
	all atomic.Pointer[map[K][]metric.RecordOption]
	mu  sync.Mutex // held while a set is added
}

// get returns a set, which attributes makes at its first use.
func (s *sets[K]) get(k K, attributes func(K) []attribute.KeyValue) []metric.RecordOption {
	if all := s.all.Load(); all != nil {
		if set, ok := (*all)[k]; ok {
			return set
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	grown := map[K][]metric.RecordOption{}
	if all := s.all.Load(); all != nil {
		grown = maps.Clone(*all)
	}
	set := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attributes(k)...))}
	grown[k] = set
	s.all.Store(&grown)
	return set
}

// vendorIn returns the configured vendor account in a resource name, or noVendor.
func (c *Calls) vendorIn(resource string) string {
	rest, ok := strings.CutPrefix(resource, "vendors/")
	if !ok {
		return noVendor
	}
	id, _, _ := strings.Cut(rest, "/")
	if c.options.HasVendor(id) {
		return id
	}
	if strings.Contains(id, "%") { // Validation makes the name canonical only later.
		name, err := names.Canonical("vendors/" + id)
		if id = strings.TrimPrefix(name, "vendors/"); err == nil && c.options.HasVendor(id) {
			return id
		}
	}
	return noVendor
}

// canonical returns the canonical form of a resource name, or "" for what is no name.
func canonical(name string) string {
	c, err := names.Canonical(name)
	if name == "" || err != nil {
		return ""
	}
	return c
}
