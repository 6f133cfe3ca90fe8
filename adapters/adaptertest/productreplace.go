package adaptertest

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var replaceNeeds = needs("ReplaceProductLicense", "GetProductLicense", "ListProductLicenses")

// replacePromises returns the promises of a replacement, which is made of two writes.
func replacePromises() []Promise {
	settles := replaceSettlesAfter
	var all []Promise
	for _, p := range []struct {
		says  string
		check func(T, Harness)
	}{
		{"leaves one license of the user to the product, with the new terms", replacesOne},
		{"with another user is INVALID_ARGUMENT, and sends nothing", replaceForAnother},
		{"whose new terms are refused is ABORTED, and issues the old terms again", rollsBack},
		{"whose old terms are refused too is ABORTED, and says that no license is left", isIncomplete},
		{"whose second response is lost settles with the new terms", settles(false, Unharmed, AnswerLost)},
		{"whose second write is cut settles with the new terms", settles(false, Unharmed, CutBeforeEffect)},
		{"that is half done is finished without a caller", settles(true, AnswerLost)},
		{"whose second write is cut is finished without a caller", settles(true, Unharmed, CutBeforeEffect)},
		{"that loses a response while it rolls back settles with the old terms", rollsBackInTheEnd},
		{"whose caller goes halfway is finished", callerGoesHalfway},
		{"at a vendor that cannot be read halfway leads to the new terms", blindHalfway},
	} {
		all = append(all, Promise{"ReplaceProductLicense " + p.says, replaceNeeds, p.check})
	}
	return all
}

var replaceWrites = []write{{
	needs:   needs("ReplaceProductLicense"),
	effects: 2,
	prepare: func(t T, h Harness) *attempt {
		r := newReplacement(t, h)
		return &attempt{r.call, wanting(r.wantNew)}
	},
	ofNothing: func(t T, h Harness) call {
		r := newReplacement(t, h)
		return replacing(h, names.ProductLicense.Name(h.Vendor, noID), r.terms)
	},
	what: "license",
}}

// replacement is a license that is to be replaced, among others of its user and its product.
type replacement struct {
	old, terms *pb.ProductLicense
	others     []*pb.ProductLicense
	call       call
}

func newReplacement(t T, h Harness) *replacement {
	t.Helper()
	products := putProducts(t, h, 2)
	var seeds []*pb.ProductLicense
	for i, of := range []struct {
		user    string
		product *pb.Product
	}{{viewers[0], products[0]}, {viewers[0], products[1]}, {viewers[1], products[0]}} {
		l := named(h, bought(of.user, of.product.GetName(), "order-1"), i)
		l.StopTime = fromNow(aDay)
		seeds = append(seeds, l)
	}
	held := hold(t, h, seeds...)
	if len(held) != len(seeds) {
		t.Fatalf("the harness cannot hold these licenses: %v", seeds)
	}
	// The new terms are of the same order, for another period.
	terms := bought(seeds[0].GetUser(), seeds[0].GetProduct(), "order-1")
	terms.StartTime, terms.StopTime, terms.Purchase.Price.Amount = fromNow(-aDay/2), fromNow(60*aDay), 1999
	return &replacement{old: held[0], terms: terms, others: held[1:], call: replacing(h, held[0].GetName(), terms)}
}

func replacing(h Harness, name string, terms *pb.ProductLicense) call {
	return h.calling(&pb.ReplaceProductLicenseRequest{Name: name, ProductLicense: terms})
}

func (r *replacement) wantNew(t T, what string, got *pb.ProductLicense) {
	t.Helper()
	wantLicense(t, what, got, r.terms)
	if got.GetName() == r.old.GetName() {
		t.Errorf("%s: the new license has the name of the old one", what)
	}
}

// standing returns the licenses of the user to the product. It demands that the old one is gone and
// all others are as they were.
func (r *replacement) standing(t T, h Harness, what string) []*pb.ProductLicense {
	t.Helper()
	wantGone(t, h, what, r.old.GetName())
	wantHeld(t, h, what, r.others...)
	filter := &pb.ProductLicenseFilter{User: r.old.GetUser(), Product: r.old.GetProduct()}
	return listProductLicenses(h, filter).from(t, "", nil, 0)
}

// wantReplaced demands that the user has the new license only.
func (r *replacement) wantReplaced(t T, h Harness, what string, answer proto.Message, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	wantWrites(t, what, h, 2)
	issued := answer.(*pb.ProductLicense)
	r.wantNew(t, what, issued)
	standing := r.standing(t, h, what)
	if len(standing) != 1 || standing[0].GetName() != issued.GetName() {
		t.Fatalf("%s: the vendor holds %v, want the new license alone", what, standing)
	}
	r.wantNew(t, what, standing[0])
}

func replacesOne(t T, h Harness) {
	r := newReplacement(t, h)
	answer, err := r.call.in(t.Context(), newSteps())
	r.wantReplaced(t, h, "ReplaceProductLicense", answer, err)
}

func replaceForAnother(t T, h Harness) {
	r := newReplacement(t, h)
	r.terms.User = viewers[1]
	_, err := replacing(h, r.old.GetName(), r.terms).in(t.Context(), newSteps())
	wantViolations(t, "another user", err, "product_license.user")
	wantWrites(t, "another user", h, 0)
}

// wantRolledBack demands an error that names a license of the old terms, and that license.
func (r *replacement) wantRolledBack(t T, h Harness, what string, err error) {
	t.Helper()
	name := WantError(t, what, err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK).Metadata[apierror.Standing]
	wantClean(t, what, h, err)
	wantWrites(t, what, h, 2)
	want := proto.CloneOf(r.old)
	want.Name = name
	sameRows(t, what+": what stands again", r.standing(t, h, what), []*pb.ProductLicense{want})
}

func rollsBack(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	h.Writes.FailInTurn(Unharmed, Refused)
	for _, what := range []string{"the call", "run again"} {
		_, err := r.call.in(t.Context(), log)
		r.wantRolledBack(t, h, what, err)
		if log.unsettled() {
			t.Errorf("%s: its log says that a write is unsettled", what)
		}
	}
}

func rollsBackInTheEnd(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	h.Writes.FailInTurn(Unharmed, Refused, AnswerLost)
	_, err := r.call.in(t.Context(), log)
	wantUnknown(t, "the call", err)
	_, err = r.call.in(t.Context(), log)
	r.wantRolledBack(t, h, "run again", err)
}

func isIncomplete(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	h.Writes.FailInTurn(Unharmed, Refused, Refused)
	for _, what := range []string{"the call", "run again"} {
		_, err := r.call.in(t.Context(), log)
		e := WantError(t, what, err, codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE)
		wantClean(t, what, h, err)
		wantWrites(t, what, h, 1)
		if standing := r.standing(t, h, what); len(standing) > 0 || e.Metadata[apierror.Standing] != "" {
			t.Errorf("%s: the vendor holds %v, and the error names %q; want neither",
				what, standing, e.Metadata[apierror.Standing])
		}
		if log.unsettled() {
			t.Errorf("%s: its log says that a write is unsettled", what)
		}
	}
}

// replaceSettlesAfter makes a check that the outcome is unknown after these faults, and that
// another run leads to the new terms. A caller asks for that run, or it settles the mutation.
func replaceSettlesAfter(settling bool, faults ...WriteFault) func(T, Harness) {
	return func(t T, h Harness) {
		r, log := newReplacement(t, h), newSteps()
		h.Writes.FailInTurn(faults...)
		_, err := r.call.in(t.Context(), log)
		wantUnknown(t, "the call", err)
		log.settling = settling
		answer, err := r.call.in(t.Context(), log)
		r.wantReplaced(t, h, "run again", answer, err)
	}
}

func callerGoesHalfway(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	ctx, cancel := context.WithCancel(t.Context())
	log.done = cancel
	_, _ = r.call.in(ctx, log) // Nobody receives the result.
	wantWrites(t, "the caller has gone", h, 2)
	answer, err := r.call.in(t.Context(), log)
	r.wantReplaced(t, h, "asked again", answer, err)
}

func blindHalfway(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	log.done = func() { h.FailReads(Down) }
	_, err := r.call.in(t.Context(), log)
	if err != nil {
		wantUnknown(t, "the call", err)
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, but the log does not say so, and nobody settles it; " +
				"read what the second write needs before the first write")
		}
	}
	log.done = nil
	h.FailReads(Healthy)
	answer, err := r.call.in(t.Context(), log)
	r.wantReplaced(t, h, "run again", answer, err)
}
