package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A Case is a failure to explain, and what its evidence may be read from.
type Case struct {
	Vendor vendors.Vendor
	// Site is the name of the site.
	Site string
	// License is the license request that was refused, as far as the caller names it. It is not
	// nil.
	License *pb.License
	// Explanation is that of the code.
	Explanation *pb.Explanation
	// Archive is nil if the archive is off.
	Archive archive.Engine
	// Now is the time of the call.
	Now time.Time

	// May returns an error if the caller lacks the scope of a method, such as
	// pb.SiteService_GetSite_FullMethodName.
	May func(method string) error
	// Sees reports whether the caller may see another site.
	Sees func(site string) bool
}

// A Found is what one reading found.
type Found struct {
	Evidence []*pb.Explanation_Evidence
	// Impact is how far the failure reaches, from the reading of the cohort.
	Impact *pb.Explanation_Impact
	// Inferred is what explains a failure without a code, or nil.
	Inferred *pb.Explanation
}

// A Reading reads one kind of evidence. What it cannot read is evidence, too, and says why.
type Reading func(ctx context.Context) Found

// Readings returns the readings that can confirm or contradict the explanation, in the order in
// which their evidence is shown. They may run at the same time.
func (c Case) Readings() []Reading {
	var all []Reading
	add := func(r Reading, classes ...pb.Explanation_Class) {
		if len(classes) == 0 || slices.Contains(classes, c.Explanation.GetClass()) {
			all = append(all, r)
		}
	}
	const unknown = pb.Explanation_UNKNOWN
	add(c.tokenDuration, pb.Explanation_TOKEN_EXPIRED)
	add(c.siteState, pb.Explanation_SITE_STOPPED, pb.Explanation_PLAN_LIMIT, pb.Explanation_DRM_NOT_SET_UP, unknown)
	add(c.statusChange, pb.Explanation_SITE_STOPPED, unknown)
	add(c.packaging, pb.Explanation_CONTENT_NOT_PACKAGED)
	add(c.certificate, pb.Explanation_FAIRPLAY_CREDENTIALS)
	if !c.coded() && c.License.GetDrmType() == pb.License_FAIRPLAY {
		add(c.certificate)
	}
	add(c.callback, pb.Explanation_OPERATOR_CALLBACK)
	if c.Archive == nil || c.Vendor.Adapter.Describe().History == nil {
		return append(all, c.noArchive)
	}
	add(c.cohort)
	if c.coded() {
		add(c.sharesOfHour)
	} else {
		add(c.pattern)
	}
	add(c.elsewhere)
	return all
}

// coded reports whether the failure has a code.
func (c Case) coded() bool { return c.Explanation.GetErrorCode() != "" }

// Conclude adds what the readings found to the explanation.
func (c Case) Conclude(all []Found) {
	e := c.Explanation
	inferred := false
	for _, f := range all {
		e.Evidence = append(e.Evidence, f.Evidence...)
		if f.Impact != nil {
			e.Impact = f.Impact
		}
		if in := f.Inferred; in != nil && !c.coded() && !inferred {
			inferred = true
			e.Class, e.Owner, e.Retryable = in.GetClass(), in.GetOwner(), in.GetRetryable()
			e.Meaning, e.Fixes = e.GetMeaning()+" "+in.GetMeaning(), in.GetFixes()
			e.Confidence = pb.Explanation_INFERRED
		}
	}
}

// evidence returns one piece of evidence, read now.
func (c Case) evidence(
	kind, resource string, finding pb.Explanation_Evidence_Finding, format string, args ...any,
) *pb.Explanation_Evidence {
	return &pb.Explanation_Evidence{
		Kind: kind, Resource: resource, Finding: finding, Message: fmt.Sprintf(format, args...),
		Time: timestamppb.New(c.Now),
	}
}

// one returns what a reading found that has one piece of evidence.
func one(e *pb.Explanation_Evidence) Found { return Found{Evidence: []*pb.Explanation_Evidence{e}} }

// unavailable returns evidence that could not be read.
func (c Case) unavailable(kind, resource string, err error, format string, args ...any) Found {
	e := c.evidence(kind, resource, pb.Explanation_Evidence_UNAVAILABLE, format, args...)
	shaped := apierror.Convert(err).With(apierror.Vendor, c.Vendor.ID)
	e.Error = shaped.GRPCStatus().Proto()
	e.Message = fmt.Sprintf("%s: %s.", strings.TrimSuffix(e.GetMessage(), "."), strings.TrimSuffix(shaped.Message, "."))
	return one(e)
}

// errNoCall is the error of a reading for which the vendor has no call.
func (c Case) errNoCall(method string) error {
	return apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
		"vendor %q (%s) has no %s", c.Vendor.ID, c.Vendor.Kind, method)
}

// noArchive says that nothing can be read from the archive.
func (c Case) noArchive(context.Context) Found {
	if c.Vendor.Adapter.Describe().History == nil {
		return c.unavailable(Cohort, "", c.errNoCall("license history"),
			"drmhub cannot count who else has this failure.")
	}
	err := apierror.New(codes.FailedPrecondition, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
		"this server keeps no archive. Set archive.enabled to true in its configuration")
	return c.unavailable(Cohort, "", err,
		"Without the archive, drmhub cannot count who else has this failure.")
}
