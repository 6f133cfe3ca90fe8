package pallycontest

import (
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// packagingPage is how many packagings the twin returns at once. It is so small that every list
// goes on by the cursor.
const packagingPage = 7

// withReports adds packagings and usage to a harness. The twin counts the usage of a day from its
// licenses.
func withReports(h adaptertest.Harness, vendorSide *emulator.Emulator) adaptertest.Harness {
	h.PutPackagings = func(siteID string, packagings ...*pb.Packaging) {
		for _, p := range packagings {
			vendorSide.PutPackagings(siteID, emulator.Packaging{
				CID: p.GetContentId(), Track: p.GetTrack(),
				CreatedTime: p.GetCreateTime().AsTime(), UpdateTime: p.GetUpdateTime().AsTime(),
			})
		}
	}
	h.ShowUsage = func(u *pb.Usage) *pb.Usage { return u }
	return h
}
