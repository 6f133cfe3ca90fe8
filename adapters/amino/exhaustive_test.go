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
	"github.com/drmhub/drmhub/internal/faultplan"
)

// With -exhaustive, three faults occur in a run instead of two, which takes ten times as long. Run
// go test ./adapters/amino -run Exhaustive -exhaustive -v.
var exhaustive = flag.Bool("exhaustive", false, "let up to three faults occur in every combination, not two")

const (
	gold    = "vendors/acme/products/gold"
	oldName = "vendors/acme/productLicenses/old"
)

// An operation is a mutation that is tried with every combination of faults.
type operation struct {
	name  string
	held  []emulator.License
	call  func(context.Context, adapters.Adapter) (proto.Message, error)
	judge func(*judge) string
}

var operations = []operation{
	{"create", nil, func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
		wanted := &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-2"}
		req := &pb.CreateProductLicenseRequest{Parent: "vendors/acme", ProductLicense: wanted}
		return a.(adapters.ProductLicenseCreator).CreateProductLicense(ctx, req)
	}, (*judge).create},
	{"delete", []emulator.License{old()}, func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
		req := &pb.DeleteProductLicenseRequest{Name: oldName}
		return a.(adapters.ProductLicenseDeleter).DeleteProductLicense(ctx, req)
	}, (*judge).delete},
	{"replace", []emulator.License{old()}, func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
		return a.(adapters.ProductLicenseReplacer).ReplaceProductLicense(ctx, &pb.ReplaceProductLicenseRequest{
			Name: oldName, ProductLicense: silverFor("viewer"),
		})
	}, (*judge).replace},
	{"batch of three", nil, func(ctx context.Context, a adapters.Adapter) (proto.Message, error) {
		return a.(adapters.ProductLicenseBatchCreator).BatchCreateProductLicenses(ctx, batch(3))
	}, (*judge).batch},
}

// TestExhaustive lets up to two faults occur in a run, or three, in every combination: at every
// record that is kept and every request that is sent. It does so for both readings of what AminoTV
// does without Irdeto. Either the caller calls again, or the journal settles.
//
// No order may become two licenses. A caller who was told of a license has it. Irdeto holds what
// AminoTV holds, or the caller learns that this is unknown. docs/vendors/amino.md shows the
// outcomes.
func TestExhaustive(t *testing.T) {
	most := 2
	if *exhaustive {
		most = 3
	}
	var mu sync.Mutex
	plans, rows := 0, map[string]int{}
	t.Run("all", func(t *testing.T) {
		for i := range len(operations) * 4 {
			s := scenario{operations[i/4], i&1 != 0, i&2 != 0}
			t.Run(fmt.Sprintf("%s stands=%t settled=%t", s.name, s.stands, s.settled), func(t *testing.T) {
				t.Parallel()
				n := faultplan.Explore(t, faultplan.AtMost(most), func(p *faultplan.Plan) {
					row := s.outcome(t, p)
					mu.Lock()
					defer mu.Unlock()
					rows[row]++
				})
				mu.Lock()
				defer mu.Unlock()
				plans += n
			})
		}
	})
	t.Logf("%d plans", plans)
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		t.Logf("| %s | %d |", row, rows[row])
	}
	if os.Getenv(faultplan.ReplayVariable) == "" && !maps.Equal(documented(t, most), rows) {
		t.Errorf("docs/vendors/amino.md shows other outcomes of up to %d faults", most)
	}
}

// outcome runs a plan, and returns its row of the table.
func (s scenario) outcome(t *testing.T, p *faultplan.Plan) string {
	r := newFaultRun(t, s, p)
	j := &judge{T: t, faultRun: r}
	j.answer, j.err = r.run(t)
	j.held, j.entitled = r.licenses()
	if !p.Complete() {
		t.Error("a planned fault has not occurred: the run is not repeatable")
	}
	return fmt.Sprintf("%s | %t | %s", s.name, s.stands, s.judge(j))
}

// documented returns the outcomes that the documentation shows. Its last column counts the plans
// with up to three faults, and the column before it those with up to two.
func documented(t *testing.T, most int) map[string]int {
	page, err := os.ReadFile("../../docs/vendors/amino.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "<!-- outcomes -->\n")
	table, _, _ := strings.Cut(after, "<!-- end of outcomes -->")
	shown := map[string]int{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) < 3 {
			continue
		}
		if n, err := strconv.Atoi(cells[len(cells)-4+most]); err == nil && n > 0 {
			shown[strings.Join(cells[:len(cells)-2], " | ")] = n
		}
	}
	return shown
}
