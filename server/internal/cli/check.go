package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/messagejson"
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
	p, s, err := l.open(c)
	if err != nil {
		return err
	}
	defer s.close()
	if len(names) == 0 {
		if names, err = s.allVendors(); err != nil {
			return err
		}
	}
	results := make([]*pb.CheckVendorResponse, len(names))
	check := contract.Lookup(pb.VendorService_CheckVendor_FullMethodName)
	places := make(chan struct{}, maxChecks)
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			one := *s // The state of a call.
			results[i] = &pb.CheckVendorResponse{}
			if err := one.invoke(check, &pb.CheckVendorRequest{Name: name}, results[i]); err != nil {
				failure := status.Convert(err).Proto()
				failure.Message = explainShort(err)
				results[i] = &pb.CheckVendorResponse{Error: failure}
			}
		})
	}
	all.Wait()
	return p.checks(names, results)
}

// allVendors returns the names of all vendor accounts of the server.
func (s *session) allVendors() (names []string, err error) {
	rpc := contract.Lookup(pb.VendorService_ListVendors_FullMethodName)
	req := &pb.ListVendorsRequest{PageSize: maxPage}
	for {
		page := &pb.ListVendorsResponse{}
		if err := s.invoke(rpc, req, page); err != nil {
			return nil, s.failed(rpc, err)
		}
		for _, v := range page.GetVendors() {
			names = append(names, v.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			return names, nil
		}
	}
}

// checks prints how the accounts are. It fails if one is not well.
func (p *printer) checks(names []string, results []*pb.CheckVendorResponse) error {
	w := tabwriter.NewWriter(p.out, 0, 0, columnGap, ' ', 0)
	failed := 0
	for i, name := range names {
		line, err := p.check(name, results[i])
		if err != nil {
			return err
		}
		if !results[i].GetOk() {
			failed++
		}
		to := io.Writer(w)
		if !p.forPeople() {
			to = p.out
		}
		if _, err := fmt.Fprintln(to, line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return exitError{fmt.Errorf("%d of %d vendor accounts are not well", failed, len(names)), ExitFailed}
	}
	return nil
}

// check returns the line of an account. JSON is the body that REST returns, with the name before
// it.
func (p *printer) check(name string, result *pb.CheckVendorResponse) (string, error) {
	switch p.format {
	case formatJSON, formatNDJSON:
		quoted, err := json.Marshal(name)
		if err != nil {
			return "", err
		}
		body, err := messagejson.Append(nil, result)
		return `{"name":` + string(quoted) + "," + strings.TrimPrefix(string(body), "{"), err
	case formatName:
		return Clean(name), nil
	}
	said, detail := "ok", result.GetAccessLevel()
	if !result.GetOk() {
		said, detail = reasonOf(status.ErrorProto(result.GetError())), result.GetError().GetMessage()
	}
	took := result.GetLatency().AsDuration()
	return fmt.Sprintf("%s\t%s\t%s\t%s", Clean(name), said, took, Clean(detail)), nil
}
