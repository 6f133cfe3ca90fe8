package validation_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// reason matches the reasons that google.rpc.BadRequest allows. A violation of a mask has none.
var reason = regexp.MustCompile(`^([A-Z][A-Z0-9_]{0,61}[A-Z0-9])?$`)

// violations returns the violations of an error, one a line: field, reason and description.
func violations(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e := apierror.Convert(err)
	if e.Code != codes.InvalidArgument || e.Reason != pb.ErrorReason_REQUEST_INVALID {
		t.Fatalf("%s %s: %v", e.Code, e.Reason, err)
	}
	var all strings.Builder
	for _, v := range e.Violations {
		if !reason.MatchString(v.GetReason()) || strings.HasPrefix(v.GetDescription(), "value ") {
			t.Errorf("reason %q, description %q", v.GetReason(), v.GetDescription())
		}
		fmt.Fprintf(&all, "%s: %s\n", strings.TrimSpace(v.GetField()+" "+v.GetReason()), v.GetDescription())
	}
	return all.String()
}

// TestRequests checks the requests in testdata/requests.txt.
// TestListsAreBoundedBeforeAllElse sends lists whose items are all wrong.
func TestListsAreBoundedBeforeAllElse(t *testing.T) {
	v := validation.New()
	names := make([]string, 200_000)
	began := time.Now()
	for want, req := range map[string]proto.Message{
		"names: must contain no more than 1000 item(s), and contains 200000": &pb.BatchDeleteProductLicensesRequest{
			Parent: "vendors/v", Names: names,
		},
		"requests: must contain no more than 1000 item(s), and contains 1001": &pb.BatchCreateProductLicensesRequest{
			Parent: "vendors/v", Requests: make([]*pb.CreateProductLicenseRequest, 1001),
		},
		"update_mask.paths: must contain no more than 1000 item(s), and contains 200000": &pb.UpdateSiteRequest{
			Site: &pb.Site{Name: "vendors/v/sites/s"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: names},
		},
	} {
		if err := v.Request(req); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the checks took %v", took)
	}
}

func TestCallbackURLs(t *testing.T) {
	v := validation.New()
	for url, fits := range map[string]bool{
		"": true, "https://shop.example/license?a=1": true, "http://10.0.0.1:8080/": true, "HTTPS://shop.example": true,
		"javascript:alert(1)": false, "http://169.254.169.254/latest": false, "ftp://shop.example": false,
		"https://": false, "shop.example/license": false, "https://%zz": false,
		"http://[::ffff:169.254.169.254]/": false,
		"http://[fe80::1]/":                false,
	} {
		err := v.Request(&pb.UpdateIntegrationRequest{
			Integration: &pb.Integration{Name: "vendors/v/sites/s/integration", LicenseCallbackUrl: url},
			UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"license_callback_url"}},
		})
		if fits != (err == nil) {
			t.Errorf("%q: %v", url, err)
		}
		err = v.Request(&pb.UpdateIntegrationRequest{
			Integration: &pb.Integration{Name: "vendors/v/sites/s/integration", LicenseCallbackUrl: url},
			UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"package_callback_url"}},
		})
		if err != nil {
			t.Errorf("%q is no change: %v", url, err)
		}
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	v := validation.New()
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 9999, protowire.VarintType), 1)
	top := &pb.DisableSiteRequest{Name: "vendors/v/sites/s"}
	top.ProtoReflect().SetUnknown(unknown)
	inside := &pb.Member{Email: "a@example.com"}
	inside.ProtoReflect().SetUnknown(unknown)
	const text = "this version of drmhub knows no field 9999: leave it out, or upgrade drmhub"
	for want, req := range map[string]proto.Message{
		text: top, "member: " + text: &pb.CreateMemberRequest{Parent: "vendors/v", Member: inside},
	} {
		if err := v.Request(req); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestRequests(t *testing.T) {
	text, err := os.ReadFile("testdata/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	v := validation.New()
	rows := regexp.MustCompile(`(?m)^([A-Z]\w+) (.*)\n((?:    .*\n)+)`).FindAllStringSubmatch(string(text), -1)
	if n := regexp.MustCompile(`(?m)^\w`).FindAllString(string(text), -1); len(rows) != len(n) {
		t.Errorf("%d of %d rows can be read", len(rows), len(n))
	}
	for _, row := range rows {
		method, body, want := row[1], row[2], strings.ReplaceAll(row[3], "    ", "")
		t.Run(method+" "+body, func(t *testing.T) {
			body := strings.ReplaceAll(body, "$long", strings.Repeat("x", 3000))
			req := request(t, method, body)
			err := v.Request(req)
			canonical, isOK := strings.CutPrefix(want, "ok")
			if isOK {
				if strings.TrimSpace(canonical) != "" {
					body = canonical
				}
				if want := request(t, method, body); err != nil || !proto.Equal(req, want) {
					t.Errorf("%v, %v; want %v", req, err, want)
				}
				return
			}
			form := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".+") + "$"
			if got := violations(t, err); !regexp.MustCompile(form).MatchString(got) {
				t.Errorf("violations\n%swant\n%s", got, want)
			}
		})
	}
}

// request returns the request of an RPC from its JSON.
func request(t *testing.T, method, body string) proto.Message {
	t.Helper()
	for _, rpc := range contract.RPCs() {
		if string(rpc.Method.Name()) == method {
			req := rpc.NewRequest()
			if err := protojson.Unmarshal([]byte(body), req); err != nil {
				t.Fatal(err)
			}
			return req
		}
	}
	t.Fatalf("no RPC %s", method)
	return nil
}

// TestMasksWithoutJSON checks masks that have no form in JSON.
func TestMasksWithoutJSON(t *testing.T) {
	v := validation.New()
	update := func(paths ...string) (*fieldmaskpb.FieldMask, error) {
		mask := &fieldmaskpb.FieldMask{Paths: paths}
		member := &pb.Member{Name: "vendors/v/members/1", Group: pb.Member_CLIENT}
		req := &pb.UpdateMemberRequest{Member: member, UpdateMask: mask}
		err := v.Request(req)
		return req.GetUpdateMask(), err
	}
	if mask, err := update("*"); err != nil || !slices.Equal(mask.GetPaths(), []string{"group", "state"}) {
		t.Errorf("all: %v, %v", mask, err)
	}
	for _, path := range []string{"displayName", ""} {
		_, err := update("group", path)
		want := fmt.Sprintf("update_mask: %q is not a field of a Member\n", path)
		if got := violations(t, err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestEveryNameOfARequestHasABound(t *testing.T) {
	v := validation.New()
	long := "vendors/v/sites/" + strings.Repeat("x", names.MaxLength)
	tried := 0
	for _, rpc := range contract.RPCs() {
		for _, path := range namePaths(rpc.Method.Input(), true) {
			tried++
			req := rpc.NewRequest()
			setText(req.ProtoReflect(), strings.Split(path, "."), long)
			path = strings.Replace(path, "names", "names[0]", 1) + " "
			bounded := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(path) + `.*at most 1000 bytes`)
			if got := violations(t, v.Request(req)); !bounded.MatchString(got) {
				t.Errorf("%s takes a %s of %d bytes: %s", rpc.Name, path, len(long), got)
			}
		}
	}
	if tried < 45 {
		t.Errorf("only %d names were found in the contract", tried)
	}
}

// namePaths returns the fields that hold names, judged by what they are called: those of the
// request, and those of a resource that it changes.
func namePaths(m protoreflect.MessageDescriptor, deep bool) (paths []string) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		update := strings.HasPrefix(string(m.Name()), "Update")
		switch {
		case slices.Contains([]protoreflect.Name{"name", "names", "parent", "resource"}, f.Name()):
			paths = append(paths, string(f.Name()))
		case deep && f.Message() != nil && !f.IsList() && (f.Name() == "filter" || update):
			for _, inner := range namePaths(f.Message(), false) {
				paths = append(paths, string(f.Name())+"."+inner)
			}
		}
	}
	return paths
}

func setText(m protoreflect.Message, path []string, text string) {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case len(path) > 1:
		setText(m.Mutable(f).Message(), path[1:], text)
	case f.IsList():
		m.Mutable(f).List().Append(protoreflect.ValueOfString(text))
	default:
		m.Set(f, protoreflect.ValueOfString(text))
	}
}

// streaming is a LicenseService with one method, which records the parents of its calls.
type streaming struct {
	pb.UnimplementedLicenseServiceServer
	parents []string
}

func (s *streaming) StreamLicenses(
	req *pb.StreamLicensesRequest, _ grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	s.parents = append(s.parents, req.GetParent())
	return nil
}

func TestStreamsAndUnaryCallsAreChecked(t *testing.T) {
	v := validation.New()
	service := &streaming{}
	conn := inproc.New([]grpc.UnaryServerInterceptor{v.Unary}, []grpc.StreamServerInterceptor{v.Stream})
	pb.RegisterLicenseServiceServer(conn, service)
	client := pb.NewLicenseServiceClient(conn)
	for _, parent := range []string{"vendors/v/sites/-", "vendors/v", "vendors/v/sites/%73"} {
		stream, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{Parent: parent})
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		taken := strings.HasSuffix(parent, "%73")
		if refused := apierror.Convert(err).Code == codes.InvalidArgument; refused == taken {
			t.Errorf("%s: %v", parent, err)
		}
	}
	if want := []string{"vendors/v/sites/s"}; !slices.Equal(service.parents, want) {
		t.Errorf("the handler saw %q, want %q", service.parents, want)
	}
	for name, want := range map[string]codes.Code{
		"usage": codes.InvalidArgument, "vendors/v/sites/s/usage": codes.Unimplemented, // by the handler
	} {
		_, err := client.GetUsage(t.Context(), &pb.GetUsageRequest{Name: name})
		if code := apierror.Convert(err).Code; code != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
