package vendors

import (
	"context"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// Checked is the result of a cheap, authenticated read at a vendor.
type Checked struct {
	Vendor Vendor
	// AccessLevel is the level that the credentials give, in the vendor's words, or "".
	AccessLevel string
	// Latency is how long the read took.
	Latency time.Duration
	// Err is the vendor's refusal, or why there was no response. It is nil after a success.
	Err *apierror.Error
}

// Check makes one cheap, authenticated read at the vendor.
func (v Vendor) Check(ctx context.Context) Checked {
	begin := time.Now()
	level, err := v.Adapter.Check(ctx)
	c := Checked{Vendor: v, AccessLevel: level, Latency: time.Since(begin)}
	if err != nil {
		c.Err = apierror.Convert(err).With(apierror.Vendor, v.ID)
	}
	return c
}
