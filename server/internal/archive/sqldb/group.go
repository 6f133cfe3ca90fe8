package sqldb

import (
	"math/bits"
	"slices"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// groups are the groups of rows, and what they count. A group is a number. Each part of its key
// leads from a number to the next one, so that a group needs little memory.
type groups struct {
	levels  []level
	tallies []tally
	users   distinct
	devices distinct
}

// A level holds one part of the keys: by the number that the parts before it have, and the part,
// which is in the lower 32 bits.
type level struct {
	ids   map[uint64]uint32
	parts []uint64 // by number
}

// A tally is what a group counts, by archive.Figure. Hashed is false where a row shows the id of
// the user.
type tally struct {
	figures [archive.ByDevices + 1]uint32
	hashed  bool
}

func newGroups(levels int) *groups {
	g := &groups{levels: make([]level, levels)}
	for i := range g.levels {
		g.levels[i].ids = map[uint64]uint32{}
	}
	return g
}

// step returns the number of a key from the number of its first parts and the next part.
func (l *level) step(before int, part int64) int {
	key := uint64(before)<<32 | uint64(part)
	id, ok := l.ids[key]
	if !ok {
		id = uint32(len(l.parts))
		l.ids[key], l.parts = id, append(l.parts, key)
	}
	return int(id)
}

// key returns the parts of the key of a group.
func (g *groups) key(group int) []int64 {
	key := make([]int64, len(g.levels))
	for i := len(g.levels) - 1; i >= 0; i-- {
		part := g.levels[i].parts[group]
		group, key[i] = int(part>>32), int64(part&lower)
	}
	return key
}

// add counts a row in a group.
func (g *groups) add(group int, start, person, device int64, s shape) {
	if group == len(g.tallies) {
		g.tallies = append(g.tallies, tally{hashed: true})
	}
	t := &g.tallies[group]
	t.figures[archive.ByStart] = uint32(start)
	t.figures[archive.ByTotal]++
	switch pb.License_Status(s.status) {
	case pb.License_SUCCESS:
		t.figures[archive.ByIssued]++
	case pb.License_FAILURE:
		t.figures[archive.ByRefused]++
	}
	t.hashed = t.hashed && s.hashed == 1
	if person != 0 {
		g.users.add(group, max(person, -person), int64(t.figures[archive.ByTotal]))
	}
	if device != 0 {
		g.devices.add(group, device, int64(t.figures[archive.ByTotal]))
	}
}

// distinct adds the distinct users and devices since the last call to the figures.
func (g *groups) distinct() {
	g.users.count(func(group, n int) { g.tallies[group].figures[archive.ByUsers] += uint32(n) })
	g.devices.count(func(group, n int) { g.tallies[group].figures[archive.ByDevices] += uint32(n) })
}

// distinct are the different users or devices of groups. A group with many rows has bits, and the
// others have pairs.
type distinct struct {
	pairs pairs
	bits  map[int][]uint64 // by group: one bit for each id
}

// manyRows is from how many rows on a group can have bits.
const manyRows = 1024

// add adds an id to a group, which has this number of rows. Bits need no more memory than a pair
// for each row. A small id can also be among the pairs, from when the group had few rows.
func (d *distinct) add(group int, id, rows int64) {
	if rows < manyRows || id >= 64*rows {
		d.pairs.add(group, id)
		return
	}
	all := d.bits[group]
	if word := int(id / 64); word >= len(all) {
		if d.bits == nil {
			d.bits = map[int][]uint64{}
		}
		all = append(all, make([]uint64, word+1-len(all))...)
		d.bits[group] = all
	}
	all[id/64] |= 1 << (id % 64)
}

// count calls each with groups and numbers of different ids, and removes all. A group can come up
// again.
func (d *distinct) count(each func(group, n int)) {
	for group, all := range d.bits {
		n := 0
		for _, word := range all {
			n += bits.OnesCount64(word)
		}
		each(group, n)
	}
	d.pairs.each(func(group int, id uint64) {
		if all := d.bits[group]; id/64 >= uint64(len(all)) || all[id/64]>>(id%64)&1 == 0 {
			each(group, 1)
		}
	})
	clear(d.bits)
}

// pairs are groups with one of their users or devices each, with repetitions.
type pairs struct{ all []uint64 }

// minPairs is how many pairs have room at first.
const minPairs = 1 << 16

// add adds a pair. Where there is no more room, it removes the repetitions, and makes room if that
// is not enough.
func (p *pairs) add(group int, id int64) {
	if len(p.all) == cap(p.all) {
		p.unite()
		if n := cap(p.all); len(p.all) >= n/2 {
			p.all = append(make([]uint64, 0, max(2*n, minPairs)), p.all...)
		}
	}
	p.all = append(p.all, uint64(group)<<32|uint64(id))
}

// unite removes repetitions.
func (p *pairs) unite() {
	slices.Sort(p.all)
	p.all = slices.Compact(p.all)
}

// each calls use with every different pair, and removes all.
func (p *pairs) each(use func(group int, id uint64)) {
	p.unite()
	for _, pair := range p.all {
		use(int(pair>>32), pair&lower)
	}
	p.all = p.all[:0]
}
