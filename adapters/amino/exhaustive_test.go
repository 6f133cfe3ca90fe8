package amino_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// With -exhaustive three things go wrong in a run instead of two, which takes ten times as long: go
// test ./adapters/amino -run Exhaustive -exhaustive -v
var exhaustive = flag.Bool("exhaustive", false, "let up to three things go wrong in every combination, not two")

// operation is a mutation that is tried with every combination of faults.
type operation struct {
	name  string
	held  []emulator.License
	call  call
	judge func(*verdict) string
}

var operations = []operation{
	{
		name: "create",
		call: func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
			return a.(adapters.ProductLicenseCreator).CreateProductLicense(ctx, &pb.CreateProductLicenseRequest{
				Parent: "vendors/acme", ProductLicense: &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-2"},
			})
		},
		judge: (*verdict).create,
	},
	{
		name: "delete", held: []emulator.License{old()},
		call: func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
			return a.(adapters.ProductLicenseDeleter).DeleteProductLicense(ctx, &pb.DeleteProductLicenseRequest{Name: oldName})
		},
		judge: (*verdict).delete,
	},
	{
		name: "replace", held: []emulator.License{old()},
		call: func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
			return a.(adapters.ProductLicenseReplacer).ReplaceProductLicense(ctx, &pb.ReplaceProductLicenseRequest{
				Name: oldName, ProductLicense: &pb.ProductLicense{User: "viewer", Product: "vendors/acme/products/silver"},
			})
		},
		judge: (*verdict).replace,
	},
	{
		name: "batch of three",
		call: func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
			req := &pb.BatchCreateProductLicensesRequest{Parent: "vendors/acme"}
			for i := range 3 {
				req.Requests = append(req.Requests, &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: fmt.Sprint("viewer-", i), Product: gold}})
			}
			return a.(adapters.ProductLicenseBatchCreator).BatchCreateProductLicenses(ctx, req)
		},
		judge: (*verdict).batch,
	},
}

const (
	gold    = "vendors/acme/products/gold"
	oldName = "vendors/acme/productLicenses/old"
)

// TestExhaustive lets everything go wrong that can, up to two things in a run, or three, in every
// combination: at every record that is kept and every request that is sent, for both readings of
// what AminoTV does without Irdeto, and whether the caller comes back or the journal settles what
// was left.
//
// Whatever happens: no request makes two licenses; who was promised one has one; and Irdeto holds
// what AminoTV holds, or the answer says that this is not known. What came of it is counted in a
// table, which docs/vendors/amino.md shows.
func TestExhaustive(t *testing.T) {
	most := 2
	if *exhaustive {
		most = 3
	}
	outcomes := &table{counts: map[string]int{}}
	var runs sync.WaitGroup
	for _, o := range operations {
		for _, stands := range []bool{false, true} {
			for _, settled := range []bool{false, true} {
				runs.Go(func() { o.explore(t, outcomes, stands, settled, nil, most) })
			}
		}
	}
	runs.Wait()
	t.Logf("%d plans\n%s", outcomes.plans, outcomes)
	outcomes.compare(t, most)
}

// explore tries a plan, and every plan that lets one thing more go wrong after what this one does.
func (o operation) explore(t *testing.T, outcomes *table, stands, settled bool, p plan, more int) {
	w := newWorld(t, p, stands)
	w.vendor.PutLicenses(o.held...)
	end := w.run(t, o.call, settled)
	v := &verdict{T: t, world: w, operation: o, stands: stands, end: end}
	outcomes.count(o.name, stands, o.judge(v))
	if more == 0 {
		return
	}
	next := 0
	for at := range p {
		next = max(next, at+1)
	}
	for at := next; at < len(w.points); at++ {
		for _, f := range w.points[at] {
			o.explore(t, outcomes, stands, settled, p.with(at, f), more-1)
		}
	}
}

// table counts what the plans came to.
type table struct {
	mu     sync.Mutex
	plans  int
	counts map[string]int // by row
}

func (o *table) count(operation string, stands bool, row string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.plans++
	o.counts[fmt.Sprintf("%s | %t | %s", operation, stands, row)]++
}

// String is the table's rows, in Markdown.
func (o *table) String() string {
	var b strings.Builder
	for _, row := range slices.Sorted(maps.Keys(o.counts)) {
		fmt.Fprintf(&b, "| %s | %d |\n", row, o.counts[row])
	}
	return b.String()
}

// compare demands that the documentation shows what was measured: its last column counts the plans
// with up to three faults, the one before those with up to two.
func (o *table) compare(t *testing.T, most int) {
	page, err := os.ReadFile("../../docs/vendors/amino.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "<!-- outcomes -->\n")
	rows, _, _ := strings.Cut(after, "<!-- end of outcomes -->")
	shown := map[string]int{}
	for line := range strings.Lines(rows) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) < 3 {
			continue
		}
		if n, err := strconv.Atoi(cells[len(cells)-1-(3-most)]); err == nil && n > 0 {
			shown[strings.Join(cells[:len(cells)-2], " | ")] = n
		}
	}
	if !maps.Equal(shown, o.counts) {
		t.Errorf("docs/vendors/amino.md shows another table of what comes of up to %d faults: %v", most, shown)
	}
}
