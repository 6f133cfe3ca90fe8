package cli

import (
	"fmt"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

const checkHelp = `It asks the server for all its vendor accounts, and has it check each one with CheckVendor: one
cheap read with the account's credentials. It fails if an account is not well.`

// checkCommand checks all vendor accounts, or some of them, at once.
func checkCommand() *cobra.Command {
	l := &client{}
	c := &cobra.Command{
		Use:   "check [VENDOR]...",
		Short: "Check all vendor accounts of the server at once",
		Long:  "Check all vendor accounts of the server at once.\n\n" + checkHelp,
		RunE:  func(c *cobra.Command, args []string) error { return l.check(c, args) },
		ValidArgsFunction: func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
			return l.namesOf(c, "vendors/*", start), cobra.ShellCompDirectiveNoFileComp
		},
	}
	l.addFlags(c)
	return c
}

// maxChecks is how many vendor accounts are checked at the same time.
const maxChecks = 16

func (l *client) check(c *cobra.Command, names []string) error {
	if _, err := l.printer(c); err != nil {
		return err
	}
	s, err := l.dial(c)
	if err != nil {
		return err
	}
	defer s.close()
	if len(names) == 0 {
		vendors := &pb.ListVendorsResponse{}
		list := contract.Lookup(pb.VendorService_ListVendors_FullMethodName)
		if err := s.invoke(list, &pb.ListVendorsRequest{PageSize: maxPage}, vendors); err != nil {
			return s.failed(list, err)
		}
		for _, v := range vendors.GetVendors() {
			names = append(names, v.GetName())
		}
	}
	results := make([]*pb.CheckVendorResponse, len(names))
	errs := make([]error, len(names))
	check := contract.Lookup(pb.VendorService_CheckVendor_FullMethodName)
	places := make(chan struct{}, maxChecks)
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			one := *s // The state of a call.
			results[i] = &pb.CheckVendorResponse{}
			errs[i] = one.invoke(check, &pb.CheckVendorRequest{Name: name}, results[i])
		})
	}
	all.Wait()
	return l.showChecks(c, names, results, errs)
}

func (l *client) showChecks(c *cobra.Command, names []string, results []*pb.CheckVendorResponse, errs []error) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, columnGap, ' ', 0)
	failed := 0
	for i, name := range names {
		said, detail := "ok", results[i].GetAccessLevel()
		switch {
		case errs[i] != nil:
			said, detail = reasonOf(errs[i]), explainShort(errs[i])
		case !results[i].GetOk():
			said, detail = infoOf(results[i].GetError()).GetReason(), results[i].GetError().GetMessage()
		}
		if said != "ok" {
			failed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", Clean(name), said, results[i].GetLatency().AsDuration(), Clean(detail))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return exitError{fmt.Errorf("%d of %d vendor accounts are not well", failed, len(names)), ExitFailed}
	}
	return nil
}
