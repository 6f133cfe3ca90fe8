package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

const tailHelp = `It prints a line for each license, oldest first, and continues until it is stopped.

A row may reach the vendor's history late. So each look reads again what is younger than --overlap before the
newest row, and prints the rows that were not there before. Equal rows are printed as often as there are.`

// tailCommand follows the license history.
func tailCommand(l *client) *cobra.Command {
	list := &command{rpc: contract.Lookup(pb.LicenseService_ListLicenses_FullMethodName), client: l}
	t := &tail{}
	c := &cobra.Command{
		Use:               "tail [PARENT]",
		Short:             "Follow the license history, one line a row",
		Long:              "Follow the license history, one line a row.\n\n" + tailHelp,
		Args:              list.args,
		ValidArgsFunction: list.completeName,
		RunE: func(c *cobra.Command, args []string) error {
			req, err := list.request(c, args)
			if err != nil {
				return err
			}
			if t.interval <= 0 || t.overlap < 0 {
				return Usagef("--interval must be more than 0s, and --overlap at least 0s")
			}
			return t.run(c, l, req.(*pb.ListLicensesRequest))
		},
	}
	c.Flags().DurationVar(&t.interval, "interval", 5*time.Second, "the pause between two looks at the history")
	c.Flags().DurationVar(&t.overlap, "overlap", 2*time.Minute, "how late a row may reach the history")
	for _, f := range fieldFlags(list.rpc.Request.Descriptor(), false) {
		if f.name == "end-time" || strings.HasPrefix(f.name, "page-") {
			continue
		}
		list.flags = append(list.flags, f)
		f.add(c)
	}
	return c
}

// tail follows the license history.
type tail struct {
	interval, overlap time.Duration
	seen              map[string]int // how often each row was there, by its bytes
}

// firstLook is how far back the first look goes, unless a flag says it.
const firstLook = 5 * time.Minute

func (t *tail) run(c *cobra.Command, l *client, req *pb.ListLicensesRequest) error {
	p, s, err := l.open(c)
	if err != nil {
		return err
	}
	defer s.close()
	if err := p.canPrint(c, contract.Lookup(pb.LicenseService_ListLicenses_FullMethodName)); err != nil {
		return err
	}
	if req.GetFilter() == nil {
		req.Filter = &pb.LicenseFilter{}
	}
	if req.Filter.StartTime == nil {
		req.Filter.StartTime = timestamppb.New(time.Now().Add(-firstLook))
	}
	for {
		now := time.Now()
		rows, complete, err := s.allLicenses(req)
		if err != nil {
			if c.Context().Err() != nil {
				return nil
			}
			return s.failed(contract.Lookup(pb.LicenseService_ListLicenses_FullMethodName), err)
		}
		fresh := &pb.ListLicensesResponse{Licenses: t.fresh(rows, complete, req, now)}
		if err := p.rows(rowsOf(fresh)); err != nil {
			return err
		}
		select {
		case <-c.Context().Done():
			return nil
		case <-time.After(t.interval):
		}
	}
}

// allLicenses returns the rows of all pages, and whether all parents could be reached. Where a page
// fails, its token asks for it again.
func (s *session) allLicenses(req *pb.ListLicensesRequest) (rows []*pb.License, complete bool, err error) {
	rpc := contract.Lookup(pb.LicenseService_ListLicenses_FullMethodName)
	req = proto.CloneOf(req)
	req.PageSize = maxPage
	complete = true
	for {
		page := &pb.ListLicensesResponse{}
		if err := s.invoke(rpc, req, page); err != nil {
			return nil, false, err
		}
		for _, name := range page.GetUnreachable() {
			complete = false
			fmt.Fprintf(s.errs, "Not reached, so its rows come later: %s\n", Clean(name))
		}
		rows = append(rows, page.GetLicenses()...)
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			return rows, complete, nil
		}
	}
}

// fresh returns the rows that the look at this time has and the one before did not have, oldest
// first. The next look begins where rows may still be missing. A row of the future, from a wrong
// clock, must not hide those that come before it.
func (t *tail) fresh(
	rows []*pb.License, complete bool, req *pb.ListLicensesRequest, now time.Time,
) (fresh []*pb.License) {
	counted := map[string]int{}
	newest := req.GetFilter().GetStartTime().AsTime()
	for _, row := range rows {
		raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(row) // Rows were just received.
		counted[string(raw)]++
		if counted[string(raw)] > t.seen[string(raw)] {
			fresh = append(fresh, row)
		}
		if at := row.GetCreateTime().AsTime(); at.After(newest) && !at.After(now) {
			newest = at
		}
	}
	if !complete { // The rows of a vendor that could not be reached count as seen until it is there again.
		for raw, n := range t.seen {
			counted[raw] = max(counted[raw], n)
		}
	} else if from := newest.Add(-t.overlap); from.After(req.GetFilter().GetStartTime().AsTime()) {
		req.Filter.StartTime = timestamppb.New(from)
	}
	t.seen = counted
	slices.SortStableFunc(fresh, func(a, b *pb.License) int {
		return a.GetCreateTime().AsTime().Compare(b.GetCreateTime().AsTime())
	})
	return fresh
}
