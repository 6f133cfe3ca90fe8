package adaptertest

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var replaceNeeds = needs(productLicenseReplacer, productLicenseGetter, productLicenseLister)

var replacePromises = []Promise{
	{"ReplaceProductLicense leaves one license of the user to the product, with the new terms", replaceNeeds, replacesOne},
	{"ReplaceProductLicense with another user is INVALID_ARGUMENT, and sends nothing", replaceNeeds, replaceForAnother},
	{"ReplaceProductLicense whose new terms are refused is ABORTED, and the old terms stand again", replaceNeeds, rollsBack},
	{"ReplaceProductLicense whose old terms are refused too is ABORTED, and says that nothing stands", replaceNeeds, isIncomplete},
	{"ReplaceProductLicense whose second answer is lost settles with the new terms", replaceNeeds, replaceSettlesAfter(false, Unharmed, AnswerLost)},
	{"ReplaceProductLicense whose second write is cut settles with the new terms", replaceNeeds, replaceSettlesAfter(false, Unharmed, CutBeforeEffect)},
	{"ReplaceProductLicense that is half done is finished when nobody asks again", replaceNeeds, replaceSettlesAfter(true, AnswerLost)},
	{"ReplaceProductLicense whose second write is cut is finished when nobody asks again", replaceNeeds, replaceSettlesAfter(true, Unharmed, CutBeforeEffect)},
	{"ReplaceProductLicense that loses the answer while it rolls back settles with the old terms", replaceNeeds, rollsBackInTheEnd},
	{"ReplaceProductLicense whose caller goes when it is half done is finished all the same", replaceNeeds, goneAmid},
	{"ReplaceProductLicense at a vendor that cannot be read when it is half done comes to the new terms", replaceNeeds, blindAmid},
}

var replaceWrites = []write{{
	needs:   needs(productLicenseReplacer),
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
		l := bought(of.user, of.product.GetName(), "order-1")
		l.Name = names.ProductLicense.Name(h.Vendor, productLicenseIDs(3)[i])
		l.StopTime = fromNow(aDay)
		seeds = append(seeds, l)
	}
	held := hold(t, h, seeds...)
	if len(held) != len(seeds) {
		t.Fatalf("the harness cannot hold these licenses: %v", seeds)
	}
	// the same order, and another period
	terms := bought(seeds[0].GetUser(), seeds[0].GetProduct(), "order-1")
	terms.StartTime, terms.StopTime, terms.Purchase.Price.Amount = fromNow(-aDay/2), fromNow(60*aDay), 1999
	return &replacement{old: held[0], terms: terms, others: held[1:], call: replacing(h, held[0].GetName(), terms)}
}

func replacing(h Harness, name string, terms *pb.ProductLicense) call {
	return typed(h.Adapter.(adapters.ProductLicenseReplacer).ReplaceProductLicense, &pb.ReplaceProductLicenseRequest{Name: name, ProductLicense: terms})
}

func (r *replacement) wantNew(t T, what string, got *pb.ProductLicense) {
	t.Helper()
	wantLicense(t, what, got, r.terms)
	if got.GetName() == r.old.GetName() {
		t.Errorf("%s: the new license has the name of the old one", what)
	}
}

// standing are the licenses of the user to the product. All others stand as they did, and the old
// one does not.
func (r *replacement) standing(t T, h Harness, what string) []*pb.ProductLicense {
	t.Helper()
	wantGone(t, h, what, r.old.GetName())
	for _, l := range r.others {
		sameRows(t, what, []*pb.ProductLicense{getProductLicense(t, h, l.GetName())}, []*pb.ProductLicense{l})
	}
	page := listProductLicenses(h, &pb.ProductLicenseFilter{User: r.old.GetUser(), Product: r.old.GetProduct()})
	rows, _, _, err := page.page(t.Context(), 0, "")
	if err != nil {
		t.Fatalf("%s: ListProductLicenses: %v", what, err)
	}
	return rows
}

// wantReplaced demands that the new terms stand, and nothing else.
func (r *replacement) wantReplaced(t T, h Harness, what string, answer proto.Message, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	wantWrites(t, what, h, 2)
	r.wantNew(t, what, answer.(*pb.ProductLicense))
	if standing := r.standing(t, h, what); len(standing) != 1 || standing[0].GetName() != answer.(*pb.ProductLicense).GetName() {
		t.Errorf("%s: there stand %v, want the new license alone", what, standing)
	} else {
		r.wantNew(t, what, standing[0])
	}
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

// wantRolledBack demands the error that says that the old terms stand again, and that they do.
func (r *replacement) wantRolledBack(t T, h Harness, what string, err error) {
	t.Helper()
	name := wantError(t, what, err, codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK).Metadata[apierror.Standing]
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
		e := wantError(t, what, err, codes.Aborted, pb.ErrorReason_REPLACE_INCOMPLETE)
		wantClean(t, what, h, err)
		wantWrites(t, what, h, 1)
		if standing := r.standing(t, h, what); len(standing) > 0 || e.Metadata[apierror.Standing] != "" {
			t.Errorf("%s: there stand %v, and it says that %q does; want nothing", what, standing, e.Metadata[apierror.Standing])
		}
		if log.unsettled() {
			t.Errorf("%s: its log says that a write is unsettled", what)
		}
	}
}

// replaceSettlesAfter checks that after these faults the outcome is unknown, and that the new terms
// stand once the method was run again: by a caller, or because nobody asked again.
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

func goneAmid(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	ctx, cancel := context.WithCancel(t.Context())
	log.done = cancel
	_, _ = r.call.in(ctx, log) // nobody hears what it says
	wantWrites(t, "the caller has gone", h, 2)
	answer, err := r.call.in(t.Context(), log)
	r.wantReplaced(t, h, "asked again", answer, err)
}

func blindAmid(t T, h Harness) {
	r, log := newReplacement(t, h), newSteps()
	log.done = func() { h.FailReads(Down) }
	_, err := r.call.in(t.Context(), log)
	if err != nil {
		wantUnknown(t, "the call", err)
		if !log.unsettled() {
			t.Errorf("the outcome is unknown, and the log does not say so, so that nobody settles it: read before the first write what the second one needs")
		}
	}
	log.done = nil
	h.FailReads(Healthy)
	answer, err := r.call.in(t.Context(), log)
	r.wantReplaced(t, h, "run again", answer, err)
}
