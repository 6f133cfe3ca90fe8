package twin

import (
	"hash/fnv"
	"math/rand/v2"
)

// Rand is a reproducible source of random numbers: the same seed and purpose give the same numbers,
// and every purpose has a stream of its own, so that data added for one purpose leaves the others
// as they were.
func Rand(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose)) // a hash never fails to write
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
