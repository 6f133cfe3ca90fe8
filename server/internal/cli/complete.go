package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// completionTime bounds how long a completion waits for the server.
const completionTime = 250 * time.Millisecond

// completeName completes the argument of a command with the names that the server knows.
func (r *command) completeName(c *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || r.rpc.Resource == "" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	m := r.rpc.Method.Input()
	path := strings.Split(r.rpc.Resource, ".")
	for _, holder := range path[:len(path)-1] {
		m = m.Fields().ByName(protoreflect.Name(holder)).Message()
	}
	form := contract.NameForm(m, m.Fields().ByName(protoreflect.Name(path[len(path)-1])))
	found := r.client.namesOf(c, form, start)
	if all := r.defaultParent(); all != "" && strings.HasPrefix(all, start) {
		found = append([]string{all}, found...)
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeField returns the completion of a flag with names that the server knows.
func completeField(path []protoreflect.FieldDescriptor) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		f := path[len(path)-1]
		form := contract.NameForm(f.ContainingMessage(), f)
		if form == "" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return clientOf(c).namesOf(c, form, start), cobra.ShellCompDirectiveNoFileComp
	}
}

// clientOf returns the client's settings as the flags of a command say them.
func clientOf(c *cobra.Command) *client {
	l := &client{timeout: completionTime}
	for name, to := range map[string]*string{
		"server": &l.Server, "context": &l.context, "token-file": &l.TokenFile, "token-command": &l.TokenCommand,
		"tls-ca": &l.TLSCA, "tls-cert": &l.TLSCert, "tls-key": &l.TLSKey, "tls-server-name": &l.TLSServerName,
	} {
		*to, _ = c.Flags().GetString(name) // Every command of the client has the flag.
	}
	l.plaintext, _ = c.Flags().GetBool("plaintext")
	return l
}

// namesOf returns the names of a form that begin with some text. It is silent without a server.
func (l *client) namesOf(c *cobra.Command, form names.Pattern, start string) []string {
	rpc, suffix := listOf(form)
	if rpc == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	s, err := l.dial(c)
	if err != nil {
		return nil
	}
	defer s.close()
	req, res := rpc.NewRequest(), rpc.NewResponse()
	contract.Set(req, "page_size", int32(maxPage))
	contract.Set(req, "parent", parentOf(rpc, start))
	if s.conn.Invoke(ctx, rpc.FullMethod(), req, res) != nil {
		return nil
	}
	var found []string
	for i := range rowsOf(res).Len() {
		name := contract.Text(rowsOf(res).Get(i).Message(), "name") + suffix
		if strings.HasPrefix(name, start) && name == Clean(name) && name != suffix {
			found = append(found, name)
		}
	}
	return found
}

// listOf returns the list whose rows have names of a form, and what follows them in the form: there is one
// "/usage" of each site. It returns nil if there is no such list.
func listOf(form names.Pattern) (rpc *contract.RPC, suffix string) {
	for _, rpc := range contract.RPCs() {
		rows := rowsField(rpc.Response.Descriptor())
		if rows == nil || rpc.Method.IsStreamingServer() || rows.Message().Fields().ByName("name") == nil {
			continue
		}
		of := contract.NameForm(rows.Message(), rows.Message().Fields().ByName("name"))
		if of == form {
			return rpc, ""
		}
	}
	// A part that a resource has once has a name without an id at its end.
	i := strings.LastIndexByte(string(form), '/')
	if i < 0 || strings.HasSuffix(string(form), "*") {
		return nil, ""
	}
	rpc, _ = listOf(form[:i])
	return rpc, string(form[i:])
}

// parentOf returns the parent that a list asks for the names that begin with some text: the one in the
// text, or all.
func parentOf(rpc *contract.RPC, start string) string {
	f := rpc.Method.Input().Fields().ByName("parent")
	if f == nil {
		return ""
	}
	segments := strings.Split(string(contract.NameForm(rpc.Method.Input(), f)), "/")
	typed := strings.Split(start, "/")
	for i, s := range segments {
		switch {
		case s != "*":
		case i < len(typed)-1 && slices.Equal(typed[:1], segments[:1]): // Its id is complete: a slash follows.
			segments[i] = typed[i]
		default:
			segments[i] = names.Wildcard
		}
	}
	return strings.Join(segments, "/")
}
