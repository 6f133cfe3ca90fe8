package archivetest

import (
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// The world has what measurements and kill tests need: the promised size, refusals, equal rows and
// bursts.
func TestWorld(t *testing.T) {
	w := NewWorld(Size{Rows: 60_000, Days: 10, Sites: 4, Users: 5000, Contents: 100})
	rows, refused, equal, burst := 0, 0, 0, 0
	for site := range w.Sites {
		seconds, seen := map[int64]int{}, map[archive.Row]bool{}
		for _, r := range w.Range(site, archive.Span{From: w.From, To: w.End}) {
			rows++
			if r.Status == pb.License_FAILURE {
				refused++
			}
			if seen[r] {
				equal++
			}
			seen[r] = true
			seconds[r.Second]++
			burst = max(burst, seconds[r.Second])
		}
	}
	if rows < 54_000 || rows > 66_000 || refused*100/rows < 7 || refused*100/rows > 9 || equal < 300 || burst < 50 {
		t.Errorf("%d rows, %d of them refused, %d equal to another, %d in one second", rows, refused, equal, burst)
	}
}
