package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// reword returns the error of a call with the names of fields as the caller wrote them.
func (s *spelling) reword(e *apierror.Error) *apierror.Error {
	c := *e
	c.Violations = slices.Clone(e.Violations)
	var message strings.Builder
	rest := e.Message
	for i, v := range e.Violations {
		said := violationText(v)
		v = &errdetails.BadRequest_FieldViolation{
			Field: s.field(v.GetField()), Description: s.text(v.GetDescription(), v.GetField()), Reason: v.GetReason(),
		}
		c.Violations[i] = v
		if before, after, found := strings.Cut(rest, said); found {
			message.WriteString(s.text(before, "") + violationText(v))
			rest = after
		}
	}
	// The vendor's own text keeps its words.
	if vendor := e.Metadata[apierror.VendorMessage]; vendor != "" {
		if before, after, found := strings.Cut(rest, vendor); found {
			message.WriteString(s.text(before, "") + vendor)
			rest = after
		}
	}
	message.WriteString(s.text(rest, ""))
	c.Message = message.String()
	return &c
}

// violationText returns a violation as the message of an error has it.
func violationText(v *errdetails.BadRequest_FieldViolation) string {
	return strings.TrimPrefix(v.GetField()+": ", ": ") + v.GetDescription()
}

// fieldName matches what can be the path of a field in a text.
var fieldName = regexp.MustCompile(`[a-z][a-z0-9_]*(?:\[\d+\])?(?:\.[a-z][a-z0-9_]*(?:\[\d+\])?)*`)

// text returns a text with the names of fields as the caller wrote them. The text is about the
// field at a path, or about the whole request. In quotes are values of the caller, except for the
// paths of masks.
func (s *spelling) text(text, about string) string {
	parts := strings.Split(text, `"`)
	for i, part := range parts {
		if i%2 == 0 {
			parts[i] = s.unquoted(part, about)
		} else if written, ok := s.masks[part]; ok {
			parts[i] = written
		}
	}
	return strings.Join(parts, `"`)
}

func (s *spelling) unquoted(text, about string) string {
	var out strings.Builder
	end := 0
	for _, at := range fieldName.FindAllStringIndex(text, -1) {
		out.WriteString(text[end:at[0]])
		word := text[at[0]:at[1]]
		end = at[1]
		// Two names in one word are those of a field. Others are plain English, and the same in
		// JSON.
		if strings.ContainsAny(word, "_.") && !isPartOfWord(text, at) {
			word = s.word(word, about)
		}
		out.WriteString(word)
	}
	return out.String() + text[end:]
}

// isPartOfWord reports whether a match is only a part of something else, such as a URL or a method.
func isPartOfWord(text string, at []int) bool {
	const joins = "/%@-=&?'`"
	before, after := text[:at[0]], text[at[1]:]
	if before != "" {
		last := before[len(before)-1]
		if last >= 'A' && last <= 'Z' || last >= 'a' && last <= 'z' || last >= '0' && last <= '9' ||
			strings.IndexByte(joins+"._", last) >= 0 {
			return true
		}
	}
	return after != "" && (strings.IndexByte(joins, after[0]) >= 0 || after[0] >= 'A' && after[0] <= 'Z')
}

// word returns a name in a text as the caller wrote it. The name can be a path in the request, or
// one in the message that the text is about, or one in any message of the request.
func (s *spelling) word(name, about string) string {
	if written, ok := s.masks[name]; ok {
		return written
	}
	if written, ok := s.resolve(name); ok && written != "" {
		return written
	} else if ok { // It is the body.
		return s.route.Method.Input().Fields().ByTextName(name).JSONName()
	}
	for at := about; at != ""; {
		if written, ok := s.within(at, name); ok {
			return written
		}
		at = at[:max(0, strings.LastIndexByte(at, '.'))]
	}
	if s.item != "" {
		if written, ok := s.within(s.item, name); ok {
			return written
		}
	}
	if written, ok := s.below(s.route.Method.Input(), "", name); ok {
		return written
	}
	return name
}

// below looks for a field in the messages below the one at a path.
func (s *spelling) below(message protoreflect.MessageDescriptor, at, name string) (written string, ok bool) {
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		inner := strings.TrimPrefix(at+"."+string(field.Name()), ".")
		if field.Message() == nil || strings.Count(inner, ".") > maxSearchDepth {
			continue
		}
		if written, ok = s.within(inner, name); ok {
			return written, true
		}
		if written, ok = s.below(field.Message(), inner, name); ok {
			return written, true
		}
	}
	return "", false
}

// maxSearchDepth is how many messages deep a name in a text is looked for.
const maxSearchDepth = 3

// batch is the response to a batch. It has an error for each item that failed.
type batch interface {
	proto.Message
	GetResults() []*pb.ProductLicenseResult
}

// rewordItems returns a response with the errors of its items in the words of the caller.
func (s *spelling) rewordItems(res proto.Message) proto.Message {
	items, ok := res.(batch)
	failed := func(r *pb.ProductLicenseResult) bool { return r.GetError() != nil }
	if !ok || !slices.ContainsFunc(items.GetResults(), failed) {
		return res
	}
	list := "requests"
	if s.route.Method.Input().Fields().ByName("requests") == nil {
		list = "names"
	}
	s.bodyTree() // Each item has a copy of the spelling, and the body is read once for all of them.
	items = proto.CloneOf(items)
	for i, r := range items.GetResults() {
		if !failed(r) {
			continue
		}
		item := *s
		item.item = fmt.Sprintf("%s[%d]", list, i)
		e := item.reword(apierror.Convert(status.ErrorProto(r.GetError())))
		r.Result = &pb.ProductLicenseResult_Error{Error: e.GRPCStatus().Proto()}
	}
	return items
}
