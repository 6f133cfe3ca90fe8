package emulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Types of a device.
const (
	DeviceIOS     = "IOS"
	DeviceAndroid = "ANDROID"
	DeviceWeb     = "WEB"
)

// Binding is how long a device is bound to its account.
const Binding = 90 * 24 * time.Hour

// Kinds of the effects of a device in the ledger. Their key is the device's id, and their details
// have the username. Those of a removed device also have forced (true, false) and, if its slot
// stays held, expires.
const (
	EffectDeviceDeleted = "deviceDeleted"
	EffectDeviceBound   = "deviceBound" // by BindDevice, not by a call of the API
)

// ErrSlotsFull is the error of BindDevice if devices, removed ones included, hold all slots.
var ErrSlotsFull = errors.New("all device slots of the account are held")

// A Device is a device of an account.
type Device struct {
	// ID is 24 hexadecimal characters.
	ID string
	// Type is DeviceIOS, DeviceAndroid, DeviceWeb, or a newer word of the vendor.
	Type string
	// Name is the viewer's name for the device. It may be empty.
	Name string
	// Model is the device's model. It may be empty.
	Model string
	// Bound is when the device was bound to its account, in whole milliseconds.
	Bound time.Time
	// Expires is when a removed device frees its slot. It is zero for a device that is not removed.
	Expires time.Time
}

// holdsSlot reports whether a device, removed or not, holds a slot of its account.
func (d Device) holdsSlot(now time.Time) bool { return d.Expires.IsZero() || now.Before(d.Expires) }

// taken returns how many slots of an account are held.
func (a *Account) taken(now time.Time) (n int) {
	for _, d := range a.Devices {
		if d.holdsSlot(now) {
			n++
		}
	}
	return n
}

// complete sets the defaults of a device. The caller holds the lock, here and below.
func (e *Emulator) complete(d Device, bound time.Time) Device {
	if d.ID == "" {
		d.ID = hex(e.random, 24)
	}
	if d.Bound.IsZero() {
		d.Bound = bound
	}
	d.Bound = inMilliseconds(d.Bound)
	if !d.Expires.IsZero() {
		d.Expires = inMilliseconds(d.Expires)
	}
	return d
}

// BindDevice binds a device to an account, as a viewer's app does when it logs in, and returns it.
// It generates an empty id, and a zero Bound means now. It fails with ErrSlotsFull if no slot is
// free. It also fails if there is no such account, or the id is taken.
func (e *Emulator) BindDevice(username string, d Device) (Device, error) {
	return e.bind(context.Background(), username, d)
}

func (e *Emulator) bind(ctx context.Context, username string, d Device) (Device, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.byUsername[username]
	if a == nil {
		return Device{}, fmt.Errorf("account %q does not exist", username)
	}
	now := e.Clock().Now()
	if a.taken(now) >= e.customers[a.Customer].slots() {
		return Device{}, ErrSlotsFull
	}
	d = e.complete(d, now)
	if owner, _ := e.findDevice(d.ID); owner != nil || !isID(d.ID) {
		return Device{}, fmt.Errorf("the device id %q is not 24 hexadecimal characters, or another device has it", d.ID)
	}
	a.Devices = append(a.Devices, d)
	e.Ledger().Record(ctx, EffectDeviceBound, d.ID, map[string]string{"username": username})
	return d, nil
}

// serveBindDevice serves the admin call that binds a device.
func (e *Emulator) serveBindDevice(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[struct {
		Username string `json:"username"`
		Type     string `json:"type"`
		Name     string `json:"name"`
		Model    string `json:"model"`
	}](r)
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	device := Device{Type: cmp.Or(order.Type, DeviceWeb), Name: order.Name, Model: order.Model}
	d, err := e.bind(r.Context(), order.Username, device)
	if err != nil {
		twin.WriteError(w, http.StatusConflict, err)
		return
	}
	twin.WriteJSON(w, http.StatusCreated, map[string]string{"id": d.ID})
}

// findDevice returns the account that has a device with that id, and the device's index. It returns
// nil if there is no such account.
func (e *Emulator) findDevice(id string) (owner *Account, at int) {
	for _, a := range e.accounts {
		if at := slices.IndexFunc(a.Devices, func(d Device) bool { return d.ID == id }); at >= 0 {
			return a, at
		}
	}
	return nil, 0
}

// A deviceKey is the name of a device's id.
type deviceKey string

// The vendor has two of them.
const (
	listKey   deviceKey = "id"
	singleKey deviceKey = "_id"
)

// deviceRows returns the devices of an account in a response.
func (e *Emulator) deviceRows(a *Account, key deviceKey) []map[string]string {
	rows := []map[string]string{}
	for _, d := range a.Devices {
		if !d.Expires.IsZero() {
			continue
		}
		row := map[string]string{string(key): d.ID}
		for name, value := range map[string]string{"type": d.Type, "name": d.Name, "model": d.Model} {
			if value != "" || e.assumed.EmptyShown {
				row[name] = value
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// deleteDevice serves "DELETE /iptv/device/ID".
func (e *Emulator) deleteDevice(ctx context.Context, u User, in input) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	forced := in.query["force"] == "true"
	if !u.atLeast(LevelManager) || forced && !u.atLeast(LevelReseller) {
		return nil, accessDenied
	}
	now := e.Clock().Now()
	a, at := e.findDevice(in.id)
	if a == nil || !a.Devices[at].holdsSlot(now) {
		return nil, unknownID
	}
	c, err := e.admit(u, a.Customer, LevelManager)
	switch {
	case err != nil:
		return nil, err
	case !u.atLeast(LevelReseller) && !c.has(FeatureBusiness):
		return nil, accessDenied
	}
	d := &a.Devices[at]
	release := d.Bound.Add(Binding)
	bound := now.Before(release)
	switch {
	case !d.Expires.IsZero():
		return nil, deviceFrozen
	case bound && !forced:
		return nil, deviceBound
	}
	answer := struct {
		Success bool   `json:"success"`
		Expires string `json:"expires,omitempty"`
	}{Success: true}
	details := map[string]string{"username": a.Username, "forced": strconv.FormatBool(forced)}
	if bound {
		d.Expires = release
		answer.Expires = timestamp(release)
		details["expires"] = answer.Expires
	} else {
		a.Devices = slices.Delete(a.Devices, at, at+1)
	}
	e.Ledger().Record(ctx, EffectDeviceDeleted, in.id, details)
	return answer, nil
}
