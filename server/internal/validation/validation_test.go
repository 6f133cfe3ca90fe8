package validation_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/validation"
)

func newValidator(t *testing.T) *validation.Validator {
	t.Helper()
	v, err := validation.New(&pb.GetSiteRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// violated are the fields that an error complains about, in order. An error is INVALID_ARGUMENT, or
// the test fails.
func violated(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e := apierror.Convert(err)
	if e.Code != codes.InvalidArgument || e.Reason != pb.ErrorReason_REQUEST_INVALID {
		t.Fatalf("%s %s: %v", e.Code, e.Reason, err)
	}
	var fields []string
	for _, v := range e.Violations {
		fields = append(fields, v.GetField())
	}
	return fields
}

func wantViolated(t *testing.T, err error, want ...string) {
	t.Helper()
	if got := violated(t, err); !slices.Equal(got, want) {
		t.Errorf("violations in %q, want %q: %v", got, want, err)
	}
}

var (
	early = timestamppb.New(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	late  = timestamppb.New(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
)

func TestRulesBecomeFieldViolations(t *testing.T) {
	v := newValidator(t)
	for name, c := range map[string]struct {
		req  proto.Message
		want []string
	}{
		"all well":                  {&pb.ListLicensesRequest{Parent: "vendors/v/sites/s", PageSize: 5000, Filter: &pb.LicenseFilter{StartTime: early, EndTime: late}}, nil},
		"a negative page_size":      {&pb.ListSitesRequest{Parent: "vendors/v", PageSize: -1}, []string{"page_size"}},
		"an id that is no UUID":     {&pb.DisableSiteRequest{Name: "vendors/v/sites/s", RequestId: "once"}, []string{"request_id"}},
		"a value of no enum":        {&pb.DisableSiteRequest{Name: "vendors/v/sites/s", Service: 77}, []string{"service"}},
		"an end before the start":   {&pb.ListLicensesRequest{Parent: "vendors/v/sites/s", Filter: &pb.LicenseFilter{StartTime: late, EndTime: early}}, []string{"filter"}},
		"no day":                    {&pb.GetUsageRequest{Name: "vendors/v/sites/s/usage", Date: "1.5.2026"}, []string{"date"}},
		"a message that must be":    {&pb.CreateSiteOrderRequest{Parent: "vendors/v"}, []string{"site_order"}},
		"a name with a blank":       {&pb.CreateSiteOrderRequest{Parent: "vendors/v", SiteOrder: &pb.SiteOrder{DisplayName: "Kids "}}, []string{"site_order.display_name"}},
		"a name of two words":       {&pb.CreateSiteOrderRequest{Parent: "vendors/v", SiteOrder: &pb.SiteOrder{DisplayName: "Kids TV"}}, nil},
		"deep in a list":            {&pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", Requests: []*pb.CreateProductLicenseRequest{{ProductLicense: &pb.ProductLicense{User: "u", Product: "vendors/v/products/p"}}, {ProductLicense: &pb.ProductLicense{Product: "vendors/v/products/p"}}}}, []string{"requests[1].product_license.user"}},
		"a negative length of time": {&pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: "vendors/v/sites/s/integration", TokenDuration: durationpb.New(-1)}}, []string{"integration.token_duration"}},
		"all at once, names first":  {&pb.ListSitesRequest{Parent: "sites/s", PageSize: -1}, []string{"parent", "page_size"}},
	} {
		t.Run(name, func(t *testing.T) { wantViolated(t, v.Request(c.req), c.want...) })
	}
}

func TestAViolationSaysWhatIsWrongForPeopleAndPrograms(t *testing.T) {
	err := newValidator(t).Request(&pb.DisableSiteRequest{Name: "vendors/v", RequestId: "once", Message: strings.Repeat("x", 3000), Service: 77})
	// as google.rpc.BadRequest defines it
	reason := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,61}[A-Z0-9]$`)
	got := map[string]string{}
	for _, v := range apierror.Convert(err).Violations {
		got[v.GetField()] = v.GetDescription()
		if !reason.MatchString(v.GetReason()) || strings.HasPrefix(v.GetDescription(), "value ") {
			t.Errorf("reason %q, description %q", v.GetReason(), v.GetDescription())
		}
	}
	want := map[string]string{
		// once, though the rule of the proto is broken too
		"name":       "must have the form vendors/*/sites/*",
		"service":    "must be one of the defined enum values",
		"message":    "must be at most 2000 characters",
		"request_id": "must be a valid UUID",
	}
	if !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestARepeatedItemIsNamed(t *testing.T) {
	const licenses = "vendors/v/productLicenses/"
	err := newValidator(t).Request(&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{licenses + "1", licenses + "2", licenses + "3", licenses + "%32", licenses + "1"}})
	wantViolated(t, err, "names")
	if text := describedText(err, "names"); text != "must hold each item once: names[3] is names[1] again, vendors/v/productLicenses/2" {
		t.Errorf("%q", text)
	}
}

// streaming is a LicenseService of one method, and counts its calls.
type streaming struct {
	pb.UnimplementedLicenseServiceServer
	parents []string
}

func (s *streaming) StreamLicenses(req *pb.StreamLicensesRequest, _ grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error {
	s.parents = append(s.parents, req.GetParent())
	return nil
}

func TestStreamsAndUnaryCallsAreChecked(t *testing.T) {
	v := newValidator(t)
	service := &streaming{}
	conn := inproc.New([]grpc.UnaryServerInterceptor{v.Unary}, []grpc.StreamServerInterceptor{v.Stream})
	pb.RegisterLicenseServiceServer(conn, service)
	receive := func(parent string) error {
		stream, err := pb.NewLicenseServiceClient(conn).StreamLicenses(t.Context(), &pb.StreamLicensesRequest{Parent: parent})
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		return err
	}
	wantViolated(t, receive("vendors/v/sites/-"), "parent") // a stream is of one site
	wantViolated(t, receive("vendors/v"), "parent")
	receive("vendors/v/sites/%73")
	if want := []string{"vendors/v/sites/s"}; !slices.Equal(service.parents, want) {
		t.Errorf("the handler saw %q, want %q", service.parents, want)
	}
	_, err := pb.NewLicenseServiceClient(conn).GetUsage(t.Context(), &pb.GetUsageRequest{Name: "usage"})
	wantViolated(t, err, "name")
	_, err = pb.NewLicenseServiceClient(conn).GetUsage(t.Context(), &pb.GetUsageRequest{Name: "vendors/v/sites/s/usage"})
	if code := apierror.Convert(err).Code; code != codes.Unimplemented {
		t.Errorf("a good request ends with %v, want the handler's UNIMPLEMENTED", err)
	}
}

// described is the violation of a field, or nil.
func described(err error, field string) *errdetails.BadRequest_FieldViolation {
	for _, v := range apierror.Convert(err).Violations {
		if v.GetField() == field {
			return v
		}
	}
	return nil
}
