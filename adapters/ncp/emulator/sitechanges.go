package emulator

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The kinds of a site's effects in the ledger. Their key is siteId. Details have siteName and
// policyId if the request set them. All but EffectSiteFinished are made by a call.
const (
	EffectSiteCreated  = "siteCreated"
	EffectSiteFinished = "siteFinished"
	EffectSiteUpdated  = "siteUpdated"
	EffectSiteEnabled  = "siteEnabled"
	EffectSiteDisabled = "siteDisabled"
)

// createSite serves "Create site". The site is CREATING until the delay has passed. Then it can be
// switched on.
func (e *Emulator) createSite(r *http.Request, _ twin.Params) (response, error) {
	form, err := readSiteForm(r)
	if err != nil {
		return response{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.checkPolicy(form.policyID); err != nil {
		return response{}, err
	}
	now := e.now()
	s := &site{Site: Site{
		SiteID:   fmt.Sprintf("drm-%s-%s", now.In(e.assumed.Zone).Format(secondLayout), e.siteID()),
		SiteName: form.name, PolicyID: form.policyID, FairPlayCert: form.cert,
		Status: StatusCreating, ReadyTime: now.Add(e.assumed.CreationDelay), CreatedTime: now,
	}}
	e.sites = append(e.sites, s)
	e.changed(r.Context(), s, EffectSiteCreated, form.details())
	return response{content: e.show(s, SiteTimesExample)}, nil
}

// updateSite serves "Edit site".
func (e *Emulator) updateSite(r *http.Request, _ twin.Params) (response, error) {
	form, err := readSiteForm(r)
	if err != nil {
		return response{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.siteOf(r.PathValue("siteId"))
	if err != nil {
		return response{}, err
	}
	if state := s.statusAt(e.now()); state == StatusCreating || state == StatusDeleted {
		return response{}, SiteNotModifiable.saying("the site is " + state)
	}
	if err := e.checkPolicy(form.policyID); err != nil {
		return response{}, err
	}
	s.SiteName, s.PolicyID = form.name, form.policyID
	if form.cert != (FairPlayCert{}) {
		s.FairPlayCert = form.cert
	}
	e.changed(r.Context(), s, EffectSiteUpdated, form.details())
	return response{content: e.show(s, SiteTimesExample)}, nil
}

// enableSite serves "Enable site".
func (e *Emulator) enableSite(r *http.Request, _ twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.switchable(r)
	if err != nil {
		return response{}, err
	}
	if s.Enabled {
		return response{}, SiteNotOff
	}
	s.Enabled, s.Status = true, e.statusOf(true)
	e.changed(r.Context(), s, EffectSiteEnabled, nil)
	return response{content: e.show(s, SiteTimesExample)}, nil
}

// disableSite serves "Disable site".
func (e *Emulator) disableSite(r *http.Request, _ twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.switchable(r)
	if err != nil {
		return response{}, err
	}
	if !s.Enabled {
		return response{}, SiteNotOn
	}
	s.Enabled, s.Status = false, e.statusOf(false)
	e.changed(r.Context(), s, EffectSiteDisabled, nil)
	row := e.show(s, SiteTimesExample)
	row.SiteEnabledYn = !e.assumed.TrueOffAnswer
	return response{content: row}, nil
}

// switchable returns the site of a request. It fails if the site cannot be switched on or off. The
// caller holds the lock.
func (e *Emulator) switchable(r *http.Request) (*site, error) {
	s, err := e.siteOf(r.PathValue("siteId"))
	if err != nil {
		return nil, err
	}
	if state := s.statusAt(e.now()); state == StatusCreating || state == StatusDeleted {
		return nil, SiteNotRunning.saying("the site is " + state)
	}
	return s, nil
}

// checkPolicy fails if the policy does not exist. The caller holds the lock.
func (e *Emulator) checkPolicy(id int) error {
	if _, known := e.policies[id]; !known {
		return InvalidParameter.saying(fmt.Sprintf("policy %d does not exist", id))
	}
	return nil
}

// changed adds a change of a site to its log and to the ledger. The caller holds the lock.
func (e *Emulator) changed(ctx context.Context, s *site, kind string, details map[string]string) {
	s.UpdatedTime = e.now()
	s.note(kind, s.UpdatedTime)
	e.Ledger().Record(ctx, kind, s.SiteID, details)
}

// details returns the parts of a form that the ledger shows. The certificate is not among them.
func (f siteForm) details() map[string]string {
	return map[string]string{"siteName": f.name, "policyId": strconv.Itoa(f.policyID)}
}

// Finish ends the creation of a site at once. It fails if the site is not CREATING.
func (e *Emulator) Finish(siteID string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.siteOf(siteID)
	if err != nil {
		return err
	}
	if state := s.statusAt(e.now()); state != StatusCreating {
		return fmt.Errorf("site %q is %s, not %s", siteID, state, StatusCreating)
	}
	s.Status, s.ReadyTime = StatusReady, time.Time{}
	e.changed(context.Background(), s, EffectSiteFinished, nil)
	return nil
}

// serveFinish is Finish over the admin path.
func (e *Emulator) serveFinish(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[struct {
		SiteID string `json:"siteId"`
	}](r)
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	if err := e.Finish(order.SiteID); err != nil {
		twin.WriteError(w, http.StatusConflict, err)
		return
	}
	twin.WriteJSON(w, http.StatusOK, map[string]string{"siteId": order.SiteID, "siteStatus": StatusReady})
}
