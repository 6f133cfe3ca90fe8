//go:build !unix

package netlimit

import "math"

// descriptors returns how many files and connections the process may have open.
func descriptors() uint64 { return math.MaxInt64 }
