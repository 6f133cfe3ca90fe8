package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/suggest"
)

// vendorID matches the ids that a resource name holds without escapes. It excludes "-", which means
// all vendors.
var vendorID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// vendor decodes one item of the list: an id, one section whose key is the vendor's kind, and the
// lane and the breaker of the account.
func (d *decoder) vendor(node *yaml.Node, path string, out *Vendor) {
	entries, ok := d.entries(node, path)
	if !ok {
		return
	}
	kinds := slices.Sorted(maps.Keys(d.kinds))
	misspelled := false
	out.Lane, out.Breaker = upstream.DefaultLane(), upstream.DefaultBreaker()
	if onThisMachine(entries, kinds) {
		out.Lane.RequestsPerSecond = 0
	}
	for _, e := range entries {
		switch {
		case e.key == "id":
			d.value(e.value, e.path, reflect.ValueOf(&out.ID).Elem())
		case e.key == "lane":
			d.value(e.value, e.path, reflect.ValueOf(&out.Lane).Elem())
		case e.key == "breaker":
			d.value(e.value, e.path, reflect.ValueOf(&out.Breaker).Elem())
		case slices.Contains(kinds, e.key):
			d.section(e, out)
		default:
			d.unknownKind(e, kinds)
			misspelled = true
		}
	}
	if !vendorID.MatchString(out.ID) {
		d.fail(join(path, "id"), "must be this account's name in drmhub: "+
			"a lower-case letter, then up to 62 of a-z, 0-9 and -")
	}
	if out.Kind == "" && !misspelled {
		d.fail(path, "has no vendor's section: add one of "+strings.Join(kinds, ", "))
	}
}

// onThisMachine reports whether the base_url of a vendor is loopback. Then the vendor is a twin or
// a stand-in, which needs no protection from too many requests.
func onThisMachine(entries []entry, kinds []string) bool {
	for _, e := range entries {
		if !slices.Contains(kinds, e.key) || e.value.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(e.value.Content); i += 2 {
			if e.value.Content[i].Value == "base_url" {
				return upstream.IsLoopback(e.value.Content[i+1].Value)
			}
		}
	}
	return false
}

// unknownKind records a key that is no key of a vendor. It is probably a vendor that drmhub does
// not know, so the mistake lists those that it knows.
func (d *decoder) unknownKind(e entry, kinds []string) {
	known := strings.Join(kinds, ", ")
	switch meant := suggest.Nearest(e.key, append([]string{"id", "lane", "breaker"}, kinds...)); {
	case !plainKey.MatchString(e.key), meant != "" && !slices.Contains(kinds, meant):
		d.unknown(e, []string{"id", "lane", "breaker"})
	case meant != "":
		d.add(e.line, e.path, "unknown key; did you mean "+meant+"? The vendors are "+known)
	default:
		d.add(e.line, e.path, "unknown key; the vendors are "+known)
	}
}

// section decodes the vendor's own part into the settings of its kind.
func (d *decoder) section(e entry, out *Vendor) {
	if out.Kind != "" {
		d.add(e.line, e.path, "a vendor has one section, and this one already has "+out.Kind+
			": make this a separate vendor")
	} else {
		out.Kind = e.key
	}
	out.Settings = d.kinds[e.key]()
	d.value(e.value, e.path, reflect.ValueOf(out.Settings).Elem())
}
