package amino_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// verdict judges what a plan has come to.
type verdict struct {
	*testing.T
	*world
	operation
	stands bool // AminoTV's licenses do without Irdeto
	end    ends
}

func (v *verdict) wrong(format string, args ...any) {
	v.Helper()
	v.Errorf("%s, licenses stand without Irdeto: %t, settled: %t, plan %v: %s; the end was %v, %v", v.name, v.stands, v.settling, v.plan,
		fmt.Sprintf(format, args...), v.end.answer, v.end.err)
}

// told is what the caller is told, in a word.
func told(err error) string {
	switch {
	case err == nil:
		return "success"
	case mutation.IsNoEffect(err):
		return "closed: nobody asked again"
	}
	return apierror.Convert(err).Reason.String()
}

// irdeto is what Irdeto holds, in words.
func irdeto(entitled bool) string {
	if entitled {
		return "agrees"
	}
	return "differs"
}

// entitledOrUnknown demands that Irdeto holds what AminoTV holds, unless the answer says that this
// is not known: which it may only where AminoTV does not need Irdeto, and a write was cut or
// failed.
func (v *verdict) entitledOrUnknown(entitled bool, err error) {
	v.Helper()
	unknown := apierror.IsOutcomeUnknown(err)
	if !entitled && !unknown && !strings.Contains(fmt.Sprint(err), "Irdeto may still have its entitlement") {
		v.wrong("Irdeto does not hold what AminoTV holds, and the answer does not say so")
	}
	if unknown && (!v.stands || v.plan.planned(cutBefore)+v.plan.planned(cutAfter)+v.plan.planned(irdetoFails)+v.plan.crashes() == 0) {
		v.wrong("the outcome stays unknown for no reason")
	}
	if unknown && !mutation.IsUnsettleable(err) {
		v.wrong("the outcome stays unknown, and is looked into forever")
	}
}

func (p plan) crashes() int {
	return p.planned(crashBefore) + p.planned(crashAfter) + p.planned(notKept)
}

// once demands that no order became two licenses.
func (v *verdict) once() {
	v.Helper()
	for order, n := range v.created() {
		if n > 1 {
			v.wrong("the order %s became %d licenses", order, n)
		}
	}
}

func ids(all []emulator.License) []string {
	var ids []string
	for _, l := range all {
		ids = append(ids, names.ProductLicense.Name("acme", l.ID))
	}
	return ids
}

// standing is the metadata of an error.
func standing(err error) string { return apierror.Convert(err).Metadata[apierror.Standing] }

func (v *verdict) create() string {
	held, entitled := v.licenses()
	v.once()
	v.entitledOrUnknown(entitled, v.end.err)
	left := "none"
	if len(held) == 1 {
		left = "the license"
	}
	switch answer, _ := v.end.answer.(*pb.ProductLicense); {
	case len(held) > 1:
		v.wrong("%d licenses stand", len(held))
	case v.end.err == nil && (len(held) != 1 || ids(held)[0] != answer.GetName() || !answer.GetPlayable()):
		v.wrong("it succeeds, and %v stands", ids(held))
	case apierror.IsOutcomeUnknown(v.end.err) && !slices.Equal(ids(held), []string{standing(v.end.err)}):
		v.wrong("it says that %s stands, and %v does", standing(v.end.err), ids(held))
	case v.end.err != nil && !apierror.IsOutcomeUnknown(v.end.err) && len(held) > 0:
		v.wrong("it says that there is no license, and %v stands", ids(held))
	}
	return fmt.Sprintf("%s | %s | %s", left, irdeto(entitled), told(v.end.err))
}

func (v *verdict) delete() string {
	held, entitled := v.licenses()
	v.entitledOrUnknown(entitled, v.end.err)
	left := "none"
	if len(held) == 1 {
		left = "the license"
	}
	gone := v.end.err == nil || apierror.IsOutcomeUnknown(v.end.err)
	if gone == (len(held) == 1) {
		v.wrong("%v stands", ids(held))
	}
	return fmt.Sprintf("%s | %s | %s", left, irdeto(entitled), told(v.end.err))
}

func (v *verdict) replace() string {
	held, entitled := v.licenses()
	v.once()
	v.entitledOrUnknown(entitled, v.end.err)
	left := v.leftOfReplace(held)
	reason := pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	if v.end.err != nil {
		reason = apierror.Convert(v.end.err).Reason
	}
	said := standing(v.end.err)
	if len(held) > 1 {
		v.wrong("%d licenses stand", len(held))
	}
	switch {
	case v.end.err == nil:
		if left != "the new one" || v.end.answer.(*pb.ProductLicense).GetName() != ids(held)[0] {
			v.wrong("it succeeds, and what stands is %s", left)
		}
	case reason == pb.ErrorReason_REPLACE_ROLLED_BACK:
		if left != "the old one, issued again" || said != ids(held)[0] {
			v.wrong("it is rolled back, and says that %s stands; what stands is %s", said, left)
		}
	case reason == pb.ErrorReason_REPLACE_INCOMPLETE:
		if left != "none" || said != "" || v.plan.planned(refused) < 2 {
			v.wrong("it is incomplete, and what stands is %s", left)
		}
	case reason == pb.ErrorReason_OUTCOME_UNKNOWN:
		if left == "none" || left == "the old one" || said != ids(held)[0] {
			v.wrong("it says that %s stands, and what stands is %s", said, left)
		}
	case left != "the old one":
		v.wrong("it is refused, and what stands is %s", left)
	}
	return fmt.Sprintf("%s | %s | %s", left, irdeto(entitled), told(v.end.err))
}

// leftOfReplace is what stands after a replacement. What was issued again is as it was, but for its
// id.
func (v *verdict) leftOfReplace(held []emulator.License) string {
	if len(held) == 0 {
		return "none"
	}
	was, is := old(), held[0]
	switch {
	case is == was:
		return "the old one"
	case is.ProductID == "silver":
		return "the new one"
	}
	if was.ID = is.ID; is == was {
		return "the old one, issued again"
	}
	v.wrong("what stands is %+v", is)
	return "another one"
}

func (v *verdict) batch() string {
	held, entitled := v.licenses()
	v.once()
	if v.end.err != nil {
		if len(held) > 0 {
			v.wrong("it fails, and %v stand", ids(held))
		}
		v.entitledOrUnknown(entitled, v.end.err)
		return fmt.Sprintf("0 of 3 | %s | %s", irdeto(entitled), told(v.end.err))
	}
	answer := v.end.answer.(*pb.BatchCreateProductLicensesResponse)
	succeeded, doubtful := 0, 0
	for i, result := range answer.GetResults() {
		of := slices.DeleteFunc(slices.Clone(held), func(l emulator.License) bool { return l.UserID != fmt.Sprint("viewer-", i) })
		var err error
		if result.GetError() != nil {
			err = status.ErrorProto(result.GetError())
		}
		switch {
		case err == nil && (len(of) != 1 || result.GetProductLicense().GetName() != ids(of)[0]):
			v.wrong("item %d succeeds, and %v stands", i, ids(of))
		case apierror.IsOutcomeUnknown(err) && !slices.Equal(ids(of), []string{standing(err)}):
			v.wrong("item %d says that %s stands, and %v does", i, standing(err), ids(of))
		case err != nil && !apierror.IsOutcomeUnknown(err) && len(of) > 0:
			v.wrong("item %d says that there is no license, and %v stands", i, ids(of))
		}
		if err == nil {
			succeeded++
		} else if apierror.IsOutcomeUnknown(err) {
			doubtful++
		}
	}
	if !entitled && doubtful == 0 || doubtful > 0 && !v.stands {
		v.wrong("Irdeto does not hold what AminoTV holds, and no item says so; or one says so, and AminoTV needs Irdeto")
	}
	return fmt.Sprintf("%d of 3 | %s | success %d, OUTCOME_UNKNOWN %d, failed %d", len(held), irdeto(entitled), succeeded, doubtful, 3-succeeded-doubtful)
}
