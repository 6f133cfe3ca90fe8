package pallycon

const (
	maxUnit = 1000 // the largest page_unit
	minUnit = 25   // smaller pages save nothing
)

// window chooses the page of the vendor's, page_unit and page number from 0, that begins at or
// before the row at offset and holds as many of the rows from there on as are needed, if one of at
// most maxUnit rows can. Since any page_unit may be asked for, numbered pages reach any row.
func window(offset, need int) (unit, number int) {
	best := 0
	for u := minUnit; u <= maxUnit && best < need; u++ {
		if holds := u - offset%u; holds > best {
			unit, best = u, holds
		}
	}
	return unit, offset / unit
}
