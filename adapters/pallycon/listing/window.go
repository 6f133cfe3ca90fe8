package listing

const (
	// MaxUnit is the largest page_unit.
	MaxUnit = 1000
	minUnit = 25 // smaller pages save nothing
)

// window returns a page_unit and a page number, from 0, of a page that begins at or before offset.
// It chooses the smallest page that holds as many rows from offset on as are needed. If no page of
// at most MaxUnit rows does, it chooses the page that holds most of them. The vendor accepts any
// page_unit, so numbered pages reach any row.
func window(offset, need int) (unit, number int) {
	best := 0
	for u := minUnit; u <= MaxUnit && best < need; u++ {
		if holds := u - offset%u; holds > best {
			unit, best = u, holds
		}
	}
	return unit, offset / unit
}
