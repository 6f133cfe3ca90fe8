package contract_test

import (
	"os"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An rpc is what clients and scripts depend on.
type rpc struct {
	rest    string // The verb and path.
	body    string // The field that is the body, or "*" for the whole request.
	scope   string
	mutates bool // It changes something at a vendor, so it takes request_id and validate_only.
}

// promised are the published RPCs by service and name. A service's line has its scope. An RPC's
// line has the access, the REST verb and path, and the body. The access "mutate" is "write" for an
// RPC that takes request_id and validate_only. An access with a colon is a whole scope.
var promised = parse(testdata("published.txt"))

// testdata returns the text of a file in testdata.
func testdata(name string) string {
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// parse reads the table of published RPCs.
func parse(table string) map[string]rpc {
	all := map[string]rpc{}
	var service, collection string
	for line := range strings.Lines(table) {
		switch words := strings.Fields(line); len(words) {
		case 0:
		case 2:
			service, collection = words[0], words[1]
		case 4, 5:
			access, body := strings.Replace(words[1], "mutate", "write", 1), strings.Join(words[4:], "")
			if !strings.Contains(access, ":") {
				access = collection + ":" + access
			}
			rest := words[2] + " " + words[3]
			all[service+"/"+words[0]] = rpc{rest, body, access, words[1] == "mutate"}
		default:
			panic("a line of the table has the wrong number of words: " + line)
		}
	}
	return all
}

// short returns the name of an RPC in the table.
func short(m protoreflect.MethodDescriptor) string {
	return strings.TrimPrefix(string(m.Parent().FullName())+"/"+string(m.Name()), "drmhub.v1.")
}

func published(c contract, bad complaint) {
	missing := map[string]bool{}
	for name := range promised {
		missing[name] = true
	}
	for m := range c.methods() {
		want, ok := promised[short(m)]
		if !ok {
			bad(m, "is not in the table of what is published")
			continue
		}
		delete(missing, short(m))
		verb, path, body := binding(m)
		if rest := verb + " " + path; rest != want.rest || body != want.body {
			bad(m, "is %s with the body %q, published as %s with %q", rest, body, want.rest, want.body)
		}
		if got := scope(m); got != want.scope {
			bad(m, "takes the scope %q, published as %q", got, want.scope)
		}
	}
	for name := range missing {
		bad(c[0], "has no %s, which is published", name)
	}
}

// binding returns the REST binding of an RPC, or empty strings without one.
func binding(m protoreflect.MethodDescriptor) (verb, path, body string) {
	h := http(m).ProtoReflect()
	if f := h.WhichOneof(h.Descriptor().Oneofs().ByName("pattern")); f != nil {
		return strings.ToUpper(string(f.Name())), h.Get(f).String(), http(m).GetBody()
	}
	return "", "", ""
}

func http(m protoreflect.MethodDescriptor) *annotations.HttpRule {
	h, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	return h
}

func scope(m protoreflect.MethodDescriptor) string {
	s, _ := proto.GetExtension(m.Options(), pb.E_Scope).(string)
	return s
}
