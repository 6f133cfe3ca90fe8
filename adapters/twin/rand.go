package twin

import (
	"hash/fnv"
	"math/rand/v2"
)

// Rand returns a reproducible source of random numbers. The same seed and purpose give the same
// numbers. Each purpose has its own stream, so more data for one purpose does not change the
// others.
func Rand(seed uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose)) // A hash never fails.
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
