package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// completionTime bounds how long a completion waits for the server. Only tests change it.
var completionTime = 250 * time.Millisecond

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
	form := contract.NameForm(m.Fields().ByName(protoreflect.Name(path[len(path)-1])))
	found := r.client.namesOf(c, form, start)
	if all := r.defaultParent(); all != "" && strings.HasPrefix(all, start) {
		found = append([]string{all}, found...)
	}
	return found, directiveOf(found)
}

// directiveOf returns what a shell does with names: it adds no space to one that goes on.
func directiveOf(found []string) cobra.ShellCompDirective {
	if len(found) > 0 && strings.HasSuffix(found[0], "/") {
		return cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return cobra.ShellCompDirectiveNoFileComp
}

// completeField returns the completion of a flag with names that the server knows.
func completeField(path []protoreflect.FieldDescriptor) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
		f := path[len(path)-1]
		form := contract.NameForm(f)
		if form == "" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found := clientOf(c).namesOf(c, form, start)
		return found, directiveOf(found)
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
	if rpc, rows, suffix := listOf(form); rpc != nil {
		req := rpc.NewRequest()
		contract.Set(req, "page_size", int32(maxPage))
		contract.Set(req, "parent", parentOf(rpc, start))
		return l.namesIn(c, rpc, req, rows, start, suffix)
	}
	rpc, rows, holder := holderOf(form)
	if rpc == nil {
		return nil
	}
	segments, typed := strings.Count(string(holder), "/")+1, strings.Split(start, "/")
	if len(typed) > segments {
		req := rpc.NewRequest()
		contract.Set(req, "name", strings.Join(typed[:segments], "/"))
		return l.namesIn(c, rpc, req, rows, start, "")
	}
	found := l.namesOf(c, holder, start)
	for i := range found {
		found[i] += strings.TrimSuffix(string(form[len(holder):]), "*")
	}
	return found
}

// namesIn makes a call, and returns the names in the rows of its response that begin with some
// text, each with a suffix.
func (l *client) namesIn(
	c *cobra.Command, rpc *contract.RPC, req proto.Message, rows protoreflect.FieldDescriptor, start, suffix string,
) (found []string) {
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	s, err := l.dial(c)
	if err != nil {
		return nil
	}
	defer s.close()
	res := rpc.NewResponse()
	if s.conn.Invoke(ctx, rpc.FullMethod(), req, res) != nil {
		return nil
	}
	list := res.ProtoReflect().Get(rows).List()
	for i := range list.Len() {
		name := contract.Text(list.Get(i).Message(), "name") + suffix
		if strings.HasPrefix(name, start) && name == Clean(name) && name != suffix {
			found = append(found, name)
		}
	}
	return found
}

// holderOf returns the RPC that gets a resource which holds others with names of a form, the field
// with them, and the form of the resource's own name. The devices of an account have no list of
// their own. It returns nil if there is no such RPC.
func holderOf(form names.Pattern) (rpc *contract.RPC, rows protoreflect.FieldDescriptor, holder names.Pattern) {
	for _, rpc := range contract.RPCs() {
		name := rpc.Method.Input().Fields().ByName("name")
		if rpc.Mutating || rpc.Method.IsStreamingServer() || name == nil {
			continue
		}
		holder := contract.NameForm(name)
		for i := range rpc.Method.Output().Fields().Len() {
			f := rpc.Method.Output().Fields().Get(i)
			isWithin := strings.HasPrefix(string(form), string(holder)+"/")
			if f.IsList() && f.Message() != nil && rowForm(f) == form && isWithin {
				return rpc, f, holder
			}
		}
	}
	return nil, nil, ""
}

// rowForm returns the form of the names of rows, or "" if they have no name.
func rowForm(rows protoreflect.FieldDescriptor) names.Pattern {
	name := rows.Message().Fields().ByName("name")
	if name == nil {
		return ""
	}
	return contract.NameForm(name)
}

// listOf returns the list whose rows have names of a form, the field with the rows, and what
// follows their names in the form: there is one "/usage" of each site. It returns nil if there is
// no such list.
func listOf(form names.Pattern) (rpc *contract.RPC, rows protoreflect.FieldDescriptor, suffix string) {
	for _, rpc := range contract.RPCs() {
		rows := rowsField(rpc.Response.Descriptor())
		if rows != nil && !rpc.Method.IsStreamingServer() && rowForm(rows) != "" && rowForm(rows) == form {
			return rpc, rows, ""
		}
	}
	// A part that a resource has once has a name without an id at its end.
	i := strings.LastIndexByte(string(form), '/')
	if i < 0 || strings.HasSuffix(string(form), "*") {
		return nil, nil, ""
	}
	rpc, rows, _ = listOf(form[:i])
	return rpc, rows, string(form[i:])
}

// parentOf returns the parent that a list asks for the names that begin with some text: the one in
// the text, or all.
func parentOf(rpc *contract.RPC, start string) string {
	f := rpc.Method.Input().Fields().ByName("parent")
	if f == nil {
		return ""
	}
	segments := strings.Split(string(contract.NameForm(f)), "/")
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
