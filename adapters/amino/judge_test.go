package amino_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A judge compares the outcome of a run with what AminoTV and Irdeto hold.
type judge struct {
	*testing.T
	*faultRun
	answer   proto.Message
	err      error
	held     []emulator.License
	entitled bool // Irdeto holds what AminoTV holds
}

func (j *judge) wrong(format string, args ...any) {
	j.Helper()
	j.Errorf("%s; the end is %v, %v", fmt.Sprintf(format, args...), j.answer, j.err)
}

// row returns what AminoTV and Irdeto hold and what the caller is told, as a row of the table.
func (j *judge) row(left string) string {
	irdeto, told := "differs", "success"
	if j.entitled {
		irdeto = "agrees"
	}
	switch {
	case mutation.IsNoEffect(j.err):
		told = "closed: nobody asked again"
	case j.err != nil:
		told = apierror.Convert(j.err).Reason.String()
	}
	return fmt.Sprintf("%s | %s | %s", left, irdeto, told)
}

// wantIrdetoKnown demands that the caller learns when Irdeto does not hold what AminoTV holds. An
// outcome may stay unknown only if AminoTV does without Irdeto, and if a write was cut or failed.
func (j *judge) wantIrdetoKnown() {
	j.Helper()
	unknown := apierror.IsOutcomeUnknown(j.err)
	if !j.entitled && !unknown && !strings.Contains(fmt.Sprint(j.err), "Irdeto may still have its entitlement") {
		j.wrong("Irdeto does not hold what AminoTV holds, and the error does not say so")
	}
	if unknown && (!j.stands || j.Count(cutBefore, cutAfter, irdetoFails, crashBefore, crashAfter, notKept) == 0) {
		j.wrong("the outcome stays unknown without a reason")
	}
	if unknown && !mutation.IsUnsettleable(j.err) {
		j.wrong("the outcome stays unknown, and is settled again and again")
	}
}

// wantIssuedOnce demands that no order became two licenses.
func (j *judge) wantIssuedOnce() {
	j.Helper()
	issued := map[string]int{}
	for _, e := range j.vendor.Ledger().Effects() {
		if order := e.Details["order_id"]; e.Kind == emulator.EffectLicenseCreated {
			if issued[order]++; issued[order] > 1 {
				j.wrong("the order %s became %d licenses", order, issued[order])
			}
		}
	}
}

// wantTruth demands that what is told of one new license is so, if these are held.
func (j *judge) wantTruth(what string, held []emulator.License, answer *pb.ProductLicense, err error) {
	j.Helper()
	var want []string
	switch {
	case err == nil:
		if want = append(want, answer.GetName()); !answer.GetPlayable() {
			j.wrong("%s succeeds with a license that does not play", what)
		}
	case apierror.IsOutcomeUnknown(err):
		want = append(want, standing(err))
	}
	if !slices.Equal(ids(held), want) {
		j.wrong("%s ends with %v and says that %q is held; AminoTV holds %q", what, err, want, ids(held))
	}
}

func ids(all []emulator.License) []string {
	var ids []string
	for _, l := range all {
		ids = append(ids, names.ProductLicense.Name("acme", l.ID))
	}
	return ids
}

// standing returns the license that an error names as held.
func standing(err error) string { return apierror.Convert(err).Metadata[apierror.Standing] }

func (j *judge) left() string {
	if len(j.held) == 0 {
		return "none"
	}
	return "the license"
}

func (j *judge) create() string {
	j.wantIssuedOnce()
	j.wantIrdetoKnown()
	answer, _ := j.answer.(*pb.ProductLicense)
	j.wantTruth("CreateProductLicense", j.held, answer, j.err)
	return j.row(j.left())
}

func (j *judge) delete() string {
	j.wantIrdetoKnown()
	if gone := j.err == nil || apierror.IsOutcomeUnknown(j.err); gone != (len(j.held) == 0) {
		j.wrong("AminoTV holds %q", ids(j.held))
	}
	return j.row(j.left())
}

func (j *judge) replace() string {
	j.wantIssuedOnce()
	j.wantIrdetoKnown()
	left, now := j.leftOfReplace(), ""
	if len(j.held) > 0 {
		now = ids(j.held)[0]
	}
	said, right := standing(j.err), left == "the old one" // after any refusal
	switch answer, _ := j.answer.(*pb.ProductLicense); {
	case j.err == nil:
		right = left == "the new one" && answer.GetName() == now
	case isReason(j.err, pb.ErrorReason_REPLACE_ROLLED_BACK):
		right = left == "the old one, issued again" && said == now
	case isReason(j.err, pb.ErrorReason_REPLACE_INCOMPLETE):
		right = left == "none" && said == "" && j.Count(refused) >= 2
	case isReason(j.err, pb.ErrorReason_OUTCOME_UNKNOWN):
		right = left != "none" && left != "the old one" && said == now
	}
	if len(j.held) > 1 || !right {
		j.wrong("it says that %q is held, and AminoTV holds %q: %s", said, ids(j.held), left)
	}
	return j.row(left)
}

func isReason(err error, reason pb.ErrorReason) bool { return apierror.Convert(err).Reason == reason }

// leftOfReplace names what AminoTV holds after a replacement. A license that was issued again
// differs from the old one in its id alone.
func (j *judge) leftOfReplace() string {
	if len(j.held) == 0 {
		return "none"
	}
	was, is := old(), j.held[0]
	switch {
	case is == was:
		return "the old one"
	case is.ProductID == "silver":
		return "the new one"
	}
	if was.ID = is.ID; is != was {
		j.wrong("AminoTV holds %+v", is)
	}
	return "the old one, issued again"
}

func (j *judge) batch() string {
	j.wantIssuedOnce()
	if j.err != nil {
		if len(j.held) > 0 {
			j.wrong("it fails, and AminoTV holds %q", ids(j.held))
		}
		j.wantIrdetoKnown()
		return j.row("0 of 3")
	}
	succeeded, unknown := 0, 0
	for i, result := range j.answer.(*pb.BatchCreateProductLicensesResponse).GetResults() {
		user := fmt.Sprint("viewer-", i)
		others := func(l emulator.License) bool { return l.UserID != user }
		err := status.ErrorProto(result.GetError())
		own := slices.DeleteFunc(slices.Clone(j.held), others)
		j.wantTruth(fmt.Sprint("item ", i), own, result.GetProductLicense(), err)
		if err == nil {
			succeeded++
		} else if apierror.IsOutcomeUnknown(err) {
			unknown++
		}
	}
	if !j.entitled && unknown == 0 || unknown > 0 && !j.stands {
		j.wrong("%d items are unknown, and Irdeto agrees with AminoTV: %t", unknown, j.entitled)
	}
	told := fmt.Sprintf("success %d, OUTCOME_UNKNOWN %d, failed %d", succeeded, unknown, 3-succeeded-unknown)
	return strings.TrimSuffix(j.row(fmt.Sprintf("%d of 3", len(j.held))), "success") + told
}
