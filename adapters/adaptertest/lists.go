package adaptertest

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/paging"
)

// maxPages is after how many pages the suite gives up a list.
const maxPages = 5000

// pagings are sizes of the pages, in turn, with which a list of 130 rows is read.
var pagings = [][]int32{{0}, {1}, {7}, {25}, {50}, {65}, {129}, {130}, {1000}, {5000}, {1, 50, 3}, {3, 1000}}

// A listing is a list under one request. Its pages differ in page_size and page_token.
type listing[Row proto.Message] struct {
	Harness
	req proto.Message
}

// page reads one page.
func (l listing[Row]) page(
	ctx context.Context, size int32, token string,
) (rows []Row, next string, total int32, err error) {
	req := proto.Clone(l.req)
	setText(req, "page_token", token)
	req.ProtoReflect().Set(fieldOf(req, "page_size"), protoreflect.ValueOfInt32(size))
	res, err := l.ask(ctx, req)
	if err != nil {
		return nil, "", 0, err
	}
	m := res.ProtoReflect()
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if field.IsList() && field.Message() != nil {
			for i := range v.List().Len() {
				rows = append(rows, v.List().Get(i).Message().Interface().(Row))
			}
		}
		return true
	})
	if field := fieldOf(res, "total_size"); field != nil {
		total = int32(m.Get(field).Int())
	}
	return rows, m.Get(fieldOf(res, "next_page_token")).String(), total, nil
}

// from reads the list from a token on, with these page sizes in turn. It calls between after each
// page but the last, if it is set.
func (l listing[Row]) from(t T, token string, between func(page int, total int32), sizes ...int32) []Row {
	t.Helper()
	var all []Row
	for i := range maxPages {
		size := sizes[i%len(sizes)]
		rows, next, total, err := l.page(t.Context(), size, token)
		if err != nil {
			t.Fatalf("%s, page %d of size %d: %v", rpcOf(l.req), i, size, err)
		}
		if len(rows) > paging.Size(size) {
			t.Errorf("%s returns %d rows for page_size %d", rpcOf(l.req), len(rows), size)
		}
		all = append(all, rows...)
		if between != nil {
			between(i, total)
		}
		if token = next; token == "" {
			return all
		}
	}
	t.Fatalf("%s with page sizes %d does not end: %d rows on %d pages", rpcOf(l.req), sizes, len(all), maxPages)
	return nil
}

// all reads the whole list, with these page sizes in turn. So many rows match.
func (l listing[Row]) all(t T, matching int, sizes ...int32) []Row {
	t.Helper()
	return l.from(t, "", func(_ int, total int32) {
		if total != 0 && int(total) != matching {
			t.Errorf("%s has the total_size %d, and %d rows match", rpcOf(l.req), total, matching)
		}
	}, sizes...)
}

// wantRows demands these rows, with each of these page sizes.
func (l listing[Row]) wantRows(t T, want []Row, sizes ...int32) {
	t.Helper()
	for _, size := range sizes {
		what := fmt.Sprintf("%s of %v with page_size %d", rpcOf(l.req), l.req, size)
		sameRows(t, what, l.all(t, len(want), size), want)
	}
}

// token returns the page token after the first of many rows.
func (l listing[Row]) token(t T) string {
	t.Helper()
	_, next, _, err := l.page(t.Context(), 1, "")
	if err != nil || next == "" {
		t.Fatalf("%s, page 0 of size 1 of many: the token is %q, %v", rpcOf(l.req), next, err)
	}
	return next
}

// refusesTokens checks that the list refuses what is no page token, and that others refuse its
// token.
func (l listing[Row]) refusesTokens(t T, others map[string]listing[Row]) {
	t.Helper()
	token := l.token(t)
	for what, no := range noTokens(token) {
		l.refusesToken(t, what, no)
	}
	for what, other := range others {
		other.refusesToken(t, what, token)
	}
}

func (l listing[Row]) refusesToken(t T, what, token string) {
	t.Helper()
	_, _, _, err := l.page(t.Context(), 5, token)
	wantTokenRefused(t, rpcOf(l.req)+" with "+what, err)
}

// A kind is a kind of thing of a vendor account, which a call lists.
type kind[Row mutation.Resource] struct {
	rpc, row string // the call that lists it, and what it is in messages
	// list is the list of all that put puts.
	list func(Harness) listing[Row]
	// put adds up to n things at the vendor, as many as it can hold. It returns what the list must
	// show.
	put func(T, Harness, int) []Row
	// others are lists of other requests. The list's tokens are not theirs.
	others func(Harness) map[string]listing[Row]
	// unnamed says that the vendor makes the names, so that put does not know them.
	unnamed bool
}

func (k kind[Row]) promises() []Promise {
	needs, ofRequest := needs(k.rpc), ""
	if k.others != nil {
		ofRequest = " of this request"
	}
	every := fmt.Sprintf(" gives every %s exactly once, as the vendor holds it, whatever the page sizes", k.row)
	return []Promise{
		{k.rpc + every, needs, k.everyOnce},
		{k.rpc + " without " + k.row + "s is empty", needs, k.empty},
		{k.rpc + " refuses what is no page token" + ofRequest, needs, k.refusesTokens},
	}
}

func (k kind[Row]) everyOnce(t T, h Harness) {
	want := k.put(t, h, 130)
	for _, sizes := range pagings {
		what := fmt.Sprintf("%s with page sizes %d", k.rpc, sizes)
		got := k.list(h).all(t, len(want), sizes...)
		seen := map[string]bool{}
		for _, row := range got {
			checkNames(t, h.Vendor, what, row)
			if row.GetName() == "" || seen[row.GetName()] {
				t.Errorf("%s: the name %q comes twice, or a %s has none", what, row.GetName(), k.row)
			}
			seen[row.GetName()] = true
			if k.unnamed {
				setText(row, "name", "")
			}
		}
		sameRows(t, what, got, want)
	}
}

func (k kind[Row]) empty(t T, h Harness) { k.list(h).wantRows(t, nil, 0) }

func (k kind[Row]) refusesTokens(t T, h Harness) {
	k.put(t, h, 130)
	var others map[string]listing[Row]
	if k.others != nil {
		others = k.others(h)
	}
	k.list(h).refusesTokens(t, others)
}

// held puts those of the seeds that the vendor can hold, and returns what the adapter must show.
func held[M proto.Message](t T, r *Resource[M], seeds ...M) []M {
	t.Helper()
	var can, want []M
	for _, seed := range seeds {
		if shown := r.Show(proto.CloneOf(seed)); shown.ProtoReflect().IsValid() {
			can, want = append(can, seed), append(want, shown)
		}
	}
	if len(want) == 0 {
		t.Fatalf("the harness can hold no %T: its Show returns nil for each; let it show one", *new(M))
	}
	r.Put(can...)
	return want
}

// choose returns copies of the rows that match.
func choose[Row proto.Message](rows []Row, match func(Row) bool) []Row {
	var chosen []Row
	for _, r := range rows {
		if match(r) {
			chosen = append(chosen, proto.CloneOf(r))
		}
	}
	return chosen
}

// same demands one message to be like another.
func same[M proto.Message](t T, what string, got, want M) {
	t.Helper()
	sameRows(t, what, []M{got}, []M{want})
}
