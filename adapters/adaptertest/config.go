package adaptertest

import (
	"maps"
	"slices"
)

// MistakenKeys returns the keys that check, the Check of a vendor's configuration, reports. They
// are sorted, each once.
func MistakenKeys(check func(report func(key, problem string))) []string {
	found := map[string]bool{}
	check(func(key, _ string) { found[key] = true })
	return slices.Sorted(maps.Keys(found))
}
