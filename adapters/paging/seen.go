package paging

// Seen are the rows of a list that were returned before. Some vendors ignore the offset, or show
// the last part again beyond the end. A part without a new row is then the end of the list. The
// fields are part of a page token.
type Seen struct {
	First string `json:"f,omitempty"` // the id of the list's first row
	Last  string `json:"l,omitempty"` // the id of the last row before the next part

	ids map[string]bool // of the rows of this call
}

// Add adds the next row of the list.
func (s *Seen) Add(id string) {
	if s.First == "" {
		s.First = id
	}
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	s.Last, s.ids[id] = id, true
}

// Restarts reports whether a later part of the list begins with the list's first row. The vendor
// then ignored the offset, unless a new row pushed that row back.
func Restarts[Row any](s *Seen, part []Row, id func(Row) string) bool {
	return len(part) > 0 && s.First != "" && id(part[0]) == s.First
}

// New returns the rows of a part that were not seen, and that follow the last row that was.
func New[Row any](s *Seen, part []Row, id func(Row) string) []Row {
	var rows []Row
	for _, row := range part {
		switch key := id(row); {
		case key != "" && key == s.Last:
			rows = nil
		case key == "" || key != s.First && !s.ids[key]: // the caller refuses a row without an id
			rows = append(rows, row)
		}
	}
	return rows
}
