// Package cli is drmhub's client on the command line: every RPC of the contract as a command.
//
// The commands are made from the descriptors, so a new RPC is a new command with no line written
// here. The files:
//
//   - place.go: which command an RPC is,
//   - flags.go, values.go: a flag for each field of a request,
//   - request.go: the request that a command line means,
//   - call.go, retry.go, pages.go, stream.go: the call, again where that is safe,
//   - output.go, table.go, columns.go: how a response is printed,
//   - errors.go, exit.go: how a failure is printed, and the exit codes,
//   - dial.go, credentials.go, contexts.go, contextcommand.go: which server, and by which identity,
//   - complete.go, comments.go: completion, and the words of the contract,
//   - tail.go, watch.go, check.go: the commands that are no RPC.
package cli

import (
	"cmp"
	"net/http"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// GroupID is the group of the client's commands in the help.
const GroupID = "client"

// Commands returns the client's commands. The root of the tree needs a group with GroupID.
func Commands() []*cobra.Command {
	groups, clients := map[string]*cobra.Command{}, map[string]*client{}
	var all []*cobra.Command
	for _, rpc := range listsFirst() {
		noun, verb := place(rpc)
		if groups[noun] == nil {
			groups[noun], clients[noun] = newNoun(noun, rpc), &client{}
			clients[noun].addFlags(groups[noun])
			all = append(all, groups[noun])
		}
		groups[noun].AddCommand(newCommand(rpc, verb, clients[noun]))
	}
	groups["licenses"].AddCommand(tailCommand(clients["licenses"]))
	groups["mutations"].AddCommand(watchCommand(clients["mutations"]))
	all = append(all, whoamiCommand(), checkCommand(), contextCommand())
	for _, c := range all {
		c.GroupID = GroupID
	}
	slices.SortFunc(all, func(a, b *cobra.Command) int { return cmp.Compare(a.Name(), b.Name()) })
	return all
}

// listsFirst returns all RPCs, with those first whose rows say what their collection holds.
func listsFirst() []*contract.RPC {
	all := contract.RPCs()
	order := func(rpc *contract.RPC) int {
		switch {
		case strings.HasPrefix(string(rpc.Method.Name()), "List"):
			return 0
		case strings.HasPrefix(string(rpc.Method.Name()), "Get"):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b *contract.RPC) int { return cmp.Compare(order(a), order(b)) })
	return all
}

// newNoun returns the group of a collection. Its help is what the contract says of a row.
func newNoun(noun string, rpc *contract.RPC) *cobra.Command {
	row := rpc.Response.Descriptor()
	if rows := rowsField(row); rows != nil {
		row = rows.Message()
	}
	return Group(&cobra.Command{Use: noun, Short: firstSentence(comment(row)), Long: comment(row)})
}

// command is an RPC as a command.
type command struct {
	rpc    *contract.RPC
	client *client
	flags  []*fieldFlag
	json   string
	all    bool
	limit  int
}

func newCommand(rpc *contract.RPC, verb string, l *client) *cobra.Command {
	r := &command{rpc: rpc, client: l}
	c := &cobra.Command{
		Use:               verb,
		Short:             verb,
		Args:              r.args,
		ValidArgsFunction: r.completeName,
		RunE:              r.run,
		Annotations:       map[string]string{annotation: rpc.Name},
	}
	if arg := r.argument(); arg != "" {
		c.Use += " " + arg
	}
	describe(c, rpc)
	r.addFlags(c)
	return c
}

// annotation is the key of the annotation of a command that names its RPC.
const annotation = "drmhub.rpc"

// addFlags adds a flag for each field of the request, and those of the command itself.
func (r *command) addFlags(c *cobra.Command) {
	if r.paged() {
		c.Flags().BoolVar(&r.all, "all", false, "print the rows of all pages")
		c.Flags().IntVar(&r.limit, "limit", 0, "print at most this `number` of rows, from as many pages as needed")
	}
	body := "the request"
	if r.rpc.HTTP.Body != "" {
		body = "the body of the REST call"
	}
	c.Flags().StringVar(&r.json, "json", "",
		body+" as JSON, from a `file` or from standard input (-). Flags override it")
	r.flags = fieldFlags(r.rpc.Request.Descriptor(), r.rpc.HTTP.Method == http.MethodPatch)
	for _, f := range r.flags {
		f.add(c)
	}
}

// paged reports whether the responses are pages of a list.
func (r *command) paged() bool {
	return !r.rpc.Method.IsStreamingServer() && rowsField(r.rpc.Response.Descriptor()) != nil &&
		r.rpc.Request.Descriptor().Fields().ByName("page_token") != nil
}

func (r *command) run(c *cobra.Command, args []string) error {
	req, err := r.request(c, args)
	if err != nil {
		return err
	}
	p, s, err := r.client.open(c)
	if err != nil {
		return err
	}
	defer s.close()
	if err := p.canPrint(c, r.rpc); err != nil {
		return err
	}
	if isWrite(r.rpc) {
		// A closed pipe must not end the process: it is still to say what the call did.
		signal.Ignore(syscall.SIGPIPE)
	}
	switch {
	case r.rpc.Method.IsStreamingServer():
		return s.stream(r.rpc, req, p)
	case r.paged():
		return s.pages(r.rpc, req, p, r.all, r.limit)
	case fieldOf(req, "request_id") != nil:
		return s.change(r.rpc, req, p)
	}
	res := r.rpc.NewResponse()
	if err := s.invoke(r.rpc, req, res); err != nil {
		return s.failed(r.rpc, err)
	}
	if err := p.response(r.rpc, res); err != nil {
		return notPrinted(r.rpc, req, res, err)
	}
	return outcome(res)
}

// fieldOf returns a field of a message, or nil.
func fieldOf(m interface{ ProtoReflect() protoreflect.Message }, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}
