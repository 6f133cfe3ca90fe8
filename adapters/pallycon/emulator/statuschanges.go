package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Types of a status change (request_type, reg_type).
const (
	ChangeResume      = "SM001"
	ChangeSuspend     = "SM002"
	ChangeExtendTrial = "SM003"
	changeCancel      = "SM004" // only in the call that cancels a request
)

// States of a status change (reg_status).
const (
	ChangePending  = "ST001"
	ChangeCanceled = "ST002"
	ChangeApproved = "ST003"
)

// Kinds of effects: what happened to a status change. Their key is
// site_id/service_code/req_group_id, and their details hold reg_type.
const (
	EffectChangeRequested = "statusChangeRequested"
	EffectChangeCanceled  = "statusChangeCanceled"
	EffectChangeApproved  = "statusChangeApproved"
)

// StatusChange is a request to change the status of a service. It is pending until the vendor
// approves it.
type StatusChange struct {
	// SiteID and ServiceCode name the service to change.
	SiteID, ServiceCode string
	// ReqGroupID identifies the request.
	ReqGroupID string
	// RegType is ChangeResume, ChangeSuspend or ChangeExtendTrial.
	RegType string
	// RegMessage is the requester's text.
	RegMessage string
	// RegStatus is ChangePending, ChangeCanceled or ChangeApproved.
	RegStatus string
	// RegID is the account that asked.
	RegID string
	// RegTime is when the change was asked for, and UpdateTime when the request last changed.
	RegTime, UpdateTime time.Time
}

// A changeRow is a status change in a response.
type changeRow struct {
	SiteID     string `json:"site_id"`
	ReqGroupID string `json:"req_group_id"`
	RegType    string `json:"reg_type"`
	RegStatus  string `json:"reg_status,omitempty"` // not in the response to a new request
	RegMessage string `json:"reg_message"`
	RegID      string `json:"reg_id"`
	RegDt      string `json:"reg_dt"`
	UpdateDt   string `json:"update_dt,omitempty"` // not in the response to a new request
}

func (c *StatusChange) row() changeRow {
	return changeRow{
		c.SiteID, c.ReqGroupID, c.RegType, c.RegStatus, c.RegMessage, c.RegID,
		c.RegTime.UTC().Format(secondLayout), c.UpdateTime.UTC().Format(secondLayout),
	}
}

// requestIDs returns a function that makes the ids of status changes. All ids differ, and a seed
// always makes the same ones.
func requestIDs(seed uint64) func() string {
	random, issued := twin.Rand(seed, "request ids"), 0
	return func() string {
		issued++
		return fmt.Sprintf("%08x%06d", random.Uint32(), issued)
	}
}

// serviceOf returns the site and the latest status change of the service that a request names. The
// caller holds the lock.
func (e *Emulator) serviceOf(p twin.Params) (*site, *StatusChange, error) {
	s, err := e.site(p)
	if err != nil {
		return nil, nil, err
	}
	code := p["service_code"]
	if s.product(code) == nil {
		message := fmt.Sprintf("site %q has no service %s", s.SiteID, code)
		return nil, nil, failure{e.assumed.Codes.ServiceNotFound, message}
	}
	return s, s.changes[code], nil
}

// getStatusChange serves "Get the status of a service status change request".
func (e *Emulator) getStatusChange(_ context.Context, p twin.Params) (response, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, change, err := e.serviceOf(p)
	if err != nil {
		return response{}, err
	}
	if change == nil {
		return e.noChange()
	}
	return e.shown(change.row()), nil
}

// shown returns the response with a status change.
func (e *Emulator) shown(row changeRow) response {
	return response{data: row, beside: e.assumed.ChangeBesideCode}
}

// ShowNoChange changes Assumptions.NoChange.
func (e *Emulator) ShowNoChange(as NoChange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.assumed.NoChange = as
}

// serveShowNoChange is the admin call of ShowNoChange.
func (e *Emulator) serveShowNoChange(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[struct {
		As NoChange `json:"as"`
	}](r)
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	e.ShowNoChange(order.As)
	twin.WriteJSON(w, http.StatusOK, order)
}

// noChange returns the response for a service that never had a status change.
func (e *Emulator) noChange() (response, error) {
	switch e.assumed.NoChange {
	case NoChangeError:
		return response{}, failure{e.assumed.Codes.NoChange, "no request"}
	case NoChange404:
		return response{}, errNotFound
	case NoChangeAbsent:
		return response{}, nil
	case NoChangeObject, NoChangeList:
		return response{data: json.RawMessage(e.assumed.NoChange)}, nil
	case NoChangeText:
		return response{data: ""}, nil
	}
	return response{data: null}, nil
}

// requestStatusChange serves "Request service status change".
func (e *Emulator) requestStatusChange(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, latest, err := e.serviceOf(p)
	if err != nil {
		return response{}, err
	}
	if latest != nil && latest.RegStatus == ChangePending {
		return response{}, failure{e.assumed.Codes.RequestPending, "request " + latest.ReqGroupID + " is still pending"}
	}
	now := e.Clock().Now()
	change := &StatusChange{
		SiteID: s.SiteID, ServiceCode: p["service_code"], ReqGroupID: e.requestID(),
		RegType: p["request_type"], RegMessage: p["request_message"], RegStatus: ChangePending,
		RegID: e.account.id, RegTime: now, UpdateTime: now,
	}
	s.changes[change.ServiceCode] = change
	e.recordChange(ctx, EffectChangeRequested, change)
	row := change.row()
	row.RegStatus, row.UpdateDt = "", ""
	return e.shown(row), nil
}

// cancelStatusChange serves "Cancel service status change request".
func (e *Emulator) cancelStatusChange(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, change, err := e.serviceOf(p)
	if err != nil {
		return response{}, err
	}
	id := p["request_group_id"]
	if change == nil || change.ReqGroupID != id {
		return response{}, failure{e.assumed.Codes.RequestNotFound, fmt.Sprintf("request %q does not exist", id)}
	}
	if change.RegStatus != ChangePending {
		message := fmt.Sprintf("request %s is %s, not pending", id, change.RegStatus)
		return response{}, failure{e.assumed.Codes.RequestNotPending, message}
	}
	change.RegStatus, change.UpdateTime = ChangeCanceled, e.Clock().Now()
	e.recordChange(ctx, EffectChangeCanceled, change)
	return e.shown(change.row()), nil
}

// Approve approves the pending status change of a service, as the vendor would, and changes the
// service's status. It fails if nothing is pending.
func (e *Emulator) Approve(siteID, serviceCode string) (StatusChange, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, change, err := e.serviceOf(twin.Params{"site_id": siteID, "service_code": serviceCode})
	if err != nil {
		return StatusChange{}, err
	}
	if change == nil || change.RegStatus != ChangePending {
		return StatusChange{}, fmt.Errorf("no status change of service %s of site %q is pending", serviceCode, siteID)
	}
	change.RegStatus, change.UpdateTime = ChangeApproved, e.Clock().Now()
	switch change.RegType {
	case ChangeResume:
		s.product(serviceCode).StatusCode = StateInService
	case ChangeSuspend:
		s.product(serviceCode).StatusCode = StateSuspended
	}
	e.recordChange(context.Background(), EffectChangeApproved, change)
	return *change, nil
}

// serveApprove is the admin call of Approve.
func (e *Emulator) serveApprove(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[struct {
		SiteID      string `json:"siteId"`
		ServiceCode string `json:"serviceCode"`
	}](r)
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	change, err := e.Approve(order.SiteID, order.ServiceCode)
	if err != nil {
		twin.WriteError(w, http.StatusConflict, err)
		return
	}
	twin.WriteJSON(w, http.StatusOK, map[string]string{
		"siteId": change.SiteID, "serviceCode": change.ServiceCode, "reqGroupId": change.ReqGroupID,
		"regType": change.RegType, "regStatus": change.RegStatus,
	})
}

func (e *Emulator) recordChange(ctx context.Context, kind string, c *StatusChange) {
	e.Ledger().Record(ctx, kind, c.SiteID+"/"+c.ServiceCode+"/"+c.ReqGroupID, map[string]string{"reg_type": c.RegType})
}
