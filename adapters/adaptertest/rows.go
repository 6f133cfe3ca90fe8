package adaptertest

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// examples is how many rows of each kind a failure shows.
const examples = 3

// sameRows demands that got has the rows of want, each as often, in any order. The rows of may can
// be there too, each as often as in may.
func sameRows[Row proto.Message](t T, what string, got, want []Row, may ...Row) {
	t.Helper()
	var lost, doubled, strange []string
	have, wanted, allowed := count(got), count(want), count(may)
	for key, n := range wanted {
		lost = append(lost, slices.Repeat([]string{key}, max(0, n-have[key]))...)
	}
	for key, n := range have {
		extra := slices.Repeat([]string{key}, max(0, n-wanted[key]-allowed[key]))
		if wanted[key]+allowed[key] == 0 {
			strange = append(strange, extra...)
		} else {
			doubled = append(doubled, extra...)
		}
	}
	if len(lost)+len(doubled)+len(strange) > 0 {
		t.Errorf("%s: %d rows for %d:%s%s%s", what, len(got), len(want),
			show[Row]("lost", lost), show[Row]("too often", doubled), show[Row]("not held", strange))
	}
}

// count counts equal rows. A row's key is its wire form.
func count[Row proto.Message](rows []Row) map[string]int {
	n := map[string]int{}
	for _, r := range rows {
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
		if err != nil {
			panic(fmt.Sprintf("adaptertest: a row that cannot be marshalled: %v", err))
		}
		n[string(wire)]++
	}
	return n
}

func show[Row proto.Message](what string, keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	slices.Sort(keys)
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %d %s, such as", len(keys), what)
	for _, key := range keys[:min(examples, len(keys))] {
		var none Row
		r := none.ProtoReflect().New().Interface()
		if err := proto.Unmarshal([]byte(key), r); err != nil {
			panic(fmt.Sprintf("adaptertest: a key that is no row: %v", err))
		}
		fmt.Fprintf(&b, "\n    %s", prototext.MarshalOptions{}.Format(r))
	}
	return b.String()
}

// newestFirst demands that rows come newest first.
func newestFirst(t T, what string, rows []*pb.License) {
	t.Helper()
	for i := 1; i < len(rows); i++ {
		before, after := rows[i-1].GetCreateTime().AsTime(), rows[i].GetCreateTime().AsTime()
		if after.After(before) {
			t.Errorf("%s: not newest first: row %d is of %s, and row %d of %s", what, i-1, before, i, after)
			return
		}
	}
}
