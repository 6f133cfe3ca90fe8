package cli

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// order orders a fault from a twin.
func (s *sandbox) order(t *testing.T, kind, fault string) {
	t.Helper()
	if code, body := fetch(t, "DELETE", s.twins[kind]+"/_twin/faults", ""); code >= 300 {
		t.Fatal(body)
	}
	if fault == "" {
		return
	}
	if code, body := fetch(t, "POST", s.twins[kind]+"/_twin/faults", fault); code >= 300 {
		t.Fatal(body)
	}
}

const (
	site    = "vendors/ncp/sites/drm-20240304012233-WmRpa"
	product = "product-licenses create vendors/amino --user tester24 --product vendors/amino/products/4099cb94000006"
)

// TestExitCodes says what each failure ends with, and what the program prints about it.
func TestExitCodes(t *testing.T) {
	s := startSandbox(t)
	const (
		lost     = `{"kind": "loseAnswer", "method": "PUT", "times": 1}`
		lostPost = `{"kind": "loseAnswer", "method": "POST", "times": 1}`
		// Every request is slow, since a call that its caller left may still make one.
		slow = `{"kind": "delay", "delay": "1m"}`
		busy = `{"kind": "answer", "status": 429, "header": {"Retry-After": "1"}}`
		long = `{"kind": "answer", "status": 429, "header": {"Retry-After": "120"}, "times": 9}`
	)
	for _, c := range []struct {
		twin, fault, line string
		code              int
		says              []string // on standard error, or in the error
	}{
		{"", "", "sites disable " + site, 0, []string{"Request id: ", "Mutation: mutations/"}},
		{"ncp", lost, "sites enable " + site, ExitOutcomeUnknown, []string{
			"Request id: ", "reason: OUTCOME_UNKNOWN (UNKNOWN)", "mutation: mutations/",
			"drmhub mutations watch mutations/", "add --request-id ",
		}},
		{"amino", lostPost, product, ExitOutcomeUnknown, []string{"drmhub mutations watch mutations/"}},
		{"ncp", slow, "sites enable " + site + " --timeout 100ms --retries 0", ExitOutcomeUnknown, []string{
			"may have been made", "drmhub mutations list --request-id ",
		}},
		{"ncp", slow, "sites enable " + site + " --timeout 100ms --retries 0 --validate-only", ExitFailed, nil},
		{"ncp", slow, "sites get " + site + " --timeout 100ms", ExitFailed, nil},
		{"", "", "sites disable " + site + " --validate-only", 0, []string{"Planned request: curl "}},
		{"", "", "sites get vendors/pallycon/sites/NOPE", ExitFailed,
			[]string{"reason: RESOURCE_NOT_FOUND (NOT_FOUND)"}},
		{"", "", "content-users list", ExitFailed, []string{"filter: is required", "reason: REQUEST_INVALID"}},
		{"", "", "content-users list --page-size -1", ExitFailed, []string{"page_size (--page-size): must be"}},
		{"", "", "sites list --server 127.0.0.1:1", ExitFailed, []string{"Nothing was sent"}},
		{"", "", "sites disable " + site + " --server 127.0.0.1:1", ExitFailed, []string{"Nothing was sent"}},
		{"", "", "product-licenses batch-delete vendors/amino --names vendors/amino/productLicenses/none", ExitFailed,
			[]string{"1 of 1 items failed"}},
		{"", "", "sites disable", ExitUsage, []string{"needs NAME, such as vendors/VENDOR/sites/SITE"}},
		{"", "", "sites disable a b", ExitUsage, []string{`"b" is left over`}},
		{"", "", "sites disable a --name b", ExitUsage, []string{"write one of them"}},
		{"", "", "sites", ExitUsage, []string{"needs a command"}},
		{"", "", "sites lst", ExitUsage, []string{"did you mean"}},
		{"", "", "licenses list --status FAILUR", ExitUsage, []string{"did you mean FAILURE?"}},
		{"", "", "licenses list --start-time soon", ExitUsage, []string{"how long ago"}},
		{"", "", "license-users list --start-date 2026-13-01", ExitUsage, []string{"YYYY-MM-DD"}},
		{"", "", "sites list --timeout 0s", ExitUsage, []string{"more than 0s"}},
		{"", "", "licenses list -o xml", ExitUsage, []string{"no format"}},
		{"", "", "licenses list -o name --limit 1", ExitUsage, []string{"has no name"}},
		{"", "", "licenses list --all --limit 1", ExitUsage, []string{"either"}},
		{"", "", "licenses stream", ExitUsage, []string{"needs PARENT"}},
		{"", "", "sites list --server http://localhost:8080", ExitUsage, []string{"is a URL"}},
		{"", "", "sites list --server h:1 --context c", ExitUsage, []string{"either --server or --context"}},
		{"", "", "sites disable " + site + " --json no.json", ExitUsage, []string{"cannot be read"}},
		{"", "", "mutations watch", ExitUsage, []string{"needs one name"}},
		{"ncp", busy, "sites get " + site + " --retries 0", ExitFailed, []string{"reason: VENDOR_RATE_LIMITED"}},
		{"pallycon", long, "sites get vendors/pallycon/sites/DEMO", ExitFailed, []string{"call again after: "}},
	} {
		t.Run(strings.ReplaceAll(c.line, "/", ":"), func(t *testing.T) {
			if c.twin != "" {
				s.order(t, c.twin, c.fault)
				defer s.order(t, c.twin, "")
			}
			_, errs, err := run(t.Context(), "", strings.Fields(c.line)...)
			code := 0
			if err != nil {
				code, errs = ExitCode(err), errs+err.Error()
			}
			if code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, errs)
			}
			for _, text := range c.says {
				if !strings.Contains(errs, text) {
					t.Errorf("it does not say %q:\n%s", text, errs)
				}
			}
		})
	}
}

// full is an output that takes nothing, such as a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestAResultThatCannotBePrinted makes calls whose result nobody can read. No exit code says that a
// change failed.
func TestAResultThatCannotBePrinted(t *testing.T) {
	startSandbox(t)
	const none = "vendors/amino/productLicenses/none"
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"sites disable " + site, ExitOutcomeUnknown,
			"The change took effect. The result cannot be printed: no space left"},
		{product + " --request-id 5f0c2a4e-7f0b-4b3c-9d53-2f1f3b0f6a11", ExitOutcomeUnknown,
			"add --request-id 5f0c2a4e-7f0b-4b3c-9d53-2f1f3b0f6a11"},
		{"product-licenses batch-delete vendors/amino --names " + none, ExitOutcomeUnknown, "1 of 1 items failed"},
		{"archive sync " + site + "/archive", ExitOutcomeUnknown, "The call was made."},
		{"sites enable " + site + " --validate-only", ExitFailed, "cannot be printed"},
		{"sites get " + site, ExitFailed, "cannot be printed"},
	} {
		root := tree()
		root.SetArgs(strings.Fields(c.line))
		root.SetOut(full{})
		root.SetErr(io.Discard)
		err := root.ExecuteContext(t.Context())
		if err == nil || ExitCode(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: exit code %d, want %d: %v", c.line, ExitCode(err), c.code, err)
		}
	}
}

// TestAFormatWithoutAResultIsRefusedFirst asks for the names of results that have none.
func TestAFormatWithoutAResultIsRefusedFirst(t *testing.T) {
	s := startSandbox(t)
	for _, line := range []string{
		"product-licenses batch-delete vendors/amino --names vendors/amino/productLicenses/none",
		"product-licenses delete vendors/amino/productLicenses/none",
		"licenses tail",
	} {
		_, errs, err := run(t.Context(), "", append(strings.Fields(line), "-o", "name")...)
		if err == nil || ExitCode(err) != ExitUsage || errs != "" {
			t.Errorf("%s: %v\n%s", line, err, errs)
		}
	}
	if _, body := fetch(t, "GET", s.rest+"/v1/mutations", ""); strings.Contains(body, `"name":"mutations/`) {
		t.Errorf("a call was made: %s", body)
	}
}

// TestARepetitionIsTheSameChange loses the response of the server, and repeats the call by its
// request id.
func TestARepetitionIsTheSameChange(t *testing.T) {
	s := startSandbox(t)
	s.order(t, "ncp", `{"kind": "delay", "delay": "300ms", "method": "PUT", "times": 1}`)
	// The first try has no time to see the response, and a later one with the same id gets it.
	_, errs, err := run(t.Context(), "", "sites", "disable", site, "--timeout", "200ms", "-o", "json")
	if err != nil || !strings.Contains(errs, "is repeated in") {
		t.Fatalf("%v\n%s", err, errs)
	}
	_, body := fetch(t, "GET", s.rest+"/v1/mutations", "")
	if n := strings.Count(body, `"name":"mutations/`); n != 1 {
		t.Errorf("%d mutations, want one: %s", n, body)
	}
	id := regexp.MustCompile(`Request id: (\S+)`).FindStringSubmatch(errs)[1]
	_, errs, err = run(t.Context(), "", "sites", "disable", site, "--request-id", id)
	if err != nil || !strings.Contains(errs, "This call sent nothing") || strings.Contains(errs, "Request id") {
		t.Errorf("%v\n%s", err, errs)
	}
}

// TestWatch follows a mutation whose outcome is unknown at first.
func TestWatch(t *testing.T) {
	s := startSandbox(t)
	s.order(t, "ncp", `{"kind": "loseAnswer", "method": "PUT", "times": 1}`)
	_, _, err := run(t.Context(), "", "sites", "disable", site)
	if err == nil {
		t.Fatal("the outcome is known")
	}
	name := regexp.MustCompile(`mutations/[-0-9a-f]+`).FindString(err.Error())
	for format, want := range map[string]string{"tsv": " SUCCEEDED off=SUCCEEDED\n", "json": "}\n"} {
		out, errs, err := run(t.Context(), "", "mutations", "watch", name, "--interval", "20ms", "-o", format)
		if err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%s: %v: %s\n%s", format, err, out, errs)
		}
	}
	if _, _, err := run(t.Context(), "", "mutations", "watch", name, "-o", "xml"); ExitCode(err) != ExitUsage {
		t.Errorf("an unknown format: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := run(ctx, "", "mutations", "watch", name); err == nil || ExitCode(err) != ExitOutcomeUnknown {
		t.Errorf("a watch that is stopped: %v", err)
	}
	for _, line := range []string{"watch " + name + " --server 127.0.0.1:1", "watch mutations/none"} {
		_, _, err := run(t.Context(), "", append([]string{"mutations"}, strings.Fields(line)...)...)
		if err == nil || ExitCode(err) != ExitOutcomeUnknown {
			t.Errorf("%s, without an outcome: %v", line, err)
		}
	}
}

func TestCheck(t *testing.T) {
	s := startSandbox(t)
	out, _, err := run(t.Context(), "", "check", "-o", "table")
	if err != nil || strings.Count(out, "\n") != len(s.twins) || strings.Count(out, " ok ") != len(s.twins) {
		t.Errorf("%v:\n%s", err, out)
	}
	s.order(t, "ncp", `{"kind": "answer", "status": 401, "body": "{}"}`)
	for format, ok := range map[string]string{"table": " ok ", "tsv": "\tok\t", "json": `,"ok":true,`} {
		out, _, err = run(t.Context(), "", "check", "-o", format)
		if ExitCode(err) != ExitFailed || err == nil || !strings.Contains(err.Error(), "1 of 4") ||
			strings.Count(out, ok) != len(s.twins)-1 || strings.Count(out, "\n") != len(s.twins) {
			t.Errorf("%s: %v:\n%s", format, err, out)
		}
	}
	out, _, err = run(t.Context(), "", "check", "vendors/nope", "-o", "json")
	if err == nil || !strings.HasPrefix(out, `{"name":"vendors/nope","ok":false,`) ||
		!strings.Contains(out, "RESOURCE_NOT_FOUND") {
		t.Errorf("an unknown account: %v:\n%s", err, out)
	}
	if out, _, err := run(t.Context(), "", "check", "vendors/amino"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("%v:\n%s", err, out)
	}
}

// twoPages is a server with a vendor account on each of two pages.
type twoPages struct {
	pb.UnimplementedVendorServiceServer
}

func (twoPages) ListVendors(_ context.Context, req *pb.ListVendorsRequest) (*pb.ListVendorsResponse, error) {
	if req.GetPageToken() == "second" {
		return &pb.ListVendorsResponse{Vendors: []*pb.Vendor{{Name: "vendors/second"}}}, nil
	}
	return &pb.ListVendorsResponse{Vendors: []*pb.Vendor{{Name: "vendors/first"}}, NextPageToken: "second"}, nil
}

func (twoPages) CheckVendor(context.Context, *pb.CheckVendorRequest) (*pb.CheckVendorResponse, error) {
	return &pb.CheckVendorResponse{Ok: true}, nil
}

func TestCheckReadsAllPages(t *testing.T) {
	serve(t, func(s *grpc.Server) { pb.RegisterVendorServiceServer(s, twoPages{}) })
	out, _, err := run(t.Context(), "", "check", "-o", "name")
	if err != nil || out != "vendors/first\nvendors/second\n" {
		t.Errorf("%v: %s", err, out)
	}
}
