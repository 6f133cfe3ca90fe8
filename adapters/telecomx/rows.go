package telecomx

import (
	"cmp"
	"errors"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An accountRow is the pages' "DRM account object". TelecomX may omit properties without a value.
type accountRow struct {
	Username string     `json:"username"`
	Password string     `json:"password"`
	Devices  devices    `json:"devices"`
	Created  jsonx.Time `json:"created"`
}

// devices is a number of devices. In a list with full=true and in a single account, it is the
// devices themselves. If it is something else, misfit says so: an account that cannot be read whole
// can still be found.
type devices struct {
	count  int32
	rows   jsonx.Rows[deviceRow]
	misfit *jsonx.Misfit
}

// A deviceRow is one device. Its id is named id in a list, and _id in a single account.
type deviceRow struct {
	ID      string `json:"id"`
	OtherID string `json:"_id"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Model   string `json:"model"`
}

var deviceTypes = map[string]pb.DrmAccountDevice_Type{
	"IOS":     pb.DrmAccountDevice_IOS,
	"ANDROID": pb.DrmAccountDevice_ANDROID,
	"WEB":     pb.DrmAccountDevice_WEB,
}

// Holds returns the type of the devices.
func (devices) Holds() reflect.Type { return reflect.TypeFor[[]deviceRow]() }

// UnmarshalJSONFrom decodes either form.
func (d *devices) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	value, err := from.ReadValue()
	if err != nil {
		return err
	}
	*d = devices{}
	switch value.Kind() {
	case '[', '{':
		err = jsonx.UnmarshalMember(memberDevices, value, &d.rows)
		d.SetUsual()
	case '0', '"', 'n':
		if err = jsonx.Unmarshal(memberDevices, value, &d.count); err == nil && d.count < 0 {
			err = &jsonx.Misfit{Path: memberDevices, Expected: "a whole number of 0 or more"}
		}
	default:
		err = &jsonx.Misfit{Path: memberDevices, Expected: "a whole number or a list"}
	}
	if errors.As(err, &d.misfit) {
		return nil
	}
	return err
}

// Usual returns the devices themselves.
func (d *devices) Usual() any { return &d.rows }

// SetUsual counts the devices.
func (d *devices) SetUsual() bool {
	d.count = int32(len(d.rows))
	return true
}

// SetPlain sets the number of devices.
func (d *devices) SetPlain(value jsonx.Time) bool {
	*d = devices{}
	if value.Text == "" {
		return true
	}
	n, ok := jsonx.WholeNumber(value.Text)
	d.count = int32(n)
	return ok && n >= 0 && n <= math.MaxInt32
}

// account returns the account in a row, as far as it can be read. It also returns the first value
// in a shown device that cannot, or nil. customer is "" if it is unknown.
func (a *Adapter) account(row accountRow, customer string, view pb.DrmAccount_View) (*pb.DrmAccount, *jsonx.Misfit) {
	account := &pb.DrmAccount{
		Name:        names.DrmAccount.Name(a.id, row.Username),
		Customer:    customer,
		Username:    row.Username,
		DeviceCount: row.Devices.count,
		CreateTime:  instant(row.Created.Text),
	}
	if view != pb.DrmAccount_FULL {
		return account, row.Devices.misfit
	}
	account.Password = row.Password
	misfit := row.Devices.misfit
	for _, d := range row.Devices.rows {
		account.Devices = append(account.Devices, a.device(row.Username, d.Value))
		misfit = cmp.Or(misfit, deviceMisfit(d))
	}
	return account, misfit
}

// checked returns the account in a row whose values are shown. It fails if one of them cannot be
// read.
func (a *Adapter) checked(
	row jsonx.Row[accountRow], customer string, view pb.DrmAccount_View,
) (*pb.DrmAccount, *apierror.Error) {
	switch username := row.Value.Username; {
	case username == "" && row.Misfit != nil:
		return nil, contradiction("%v", row.Misfit)
	case username == "":
		return nil, contradiction("%v", row.Lacks("username"))
	}
	account, misfit := a.account(row.Value, customer, view)
	if misfit = cmp.Or(row.Misfit, misfit); misfit == nil {
		_, err := row.Value.Created.In(time.UTC)
		errors.As(err, &misfit)
	}
	if misfit != nil {
		return nil, unreadable(row, misfit)
	}
	return account, nil
}

func (a *Adapter) device(username string, row deviceRow) *pb.DrmAccountDevice {
	id := row.id()
	return &pb.DrmAccountDevice{
		Name:        names.DrmAccountDevice.Name(a.id, username, id),
		DeviceId:    id,
		Type:        deviceTypes[row.Type],
		DisplayName: row.Name,
		Model:       row.Model,
		VendorType:  row.Type,
	}
}

func (d deviceRow) id() string { return cmp.Or(d.ID, d.OtherID) }

// deviceMisfit returns what cannot be read of a device, or nil.
func deviceMisfit(row jsonx.Row[deviceRow]) *jsonx.Misfit {
	misfit := row.Misfit
	if misfit == nil && row.Value.id() == "" {
		misfit = row.Lacks("id")
	}
	return misfit
}

// unreadable returns the error of an account that cannot be read. It names the account, and the
// place of the value in it.
func unreadable(row jsonx.Row[accountRow], misfit *jsonx.Misfit) *apierror.Error {
	within := *misfit
	within.Path = strings.TrimPrefix(within.Path, row.Path()+".")
	at := cmp.Or(row.Path(), "account")
	return contradiction("%s %q: %v", at, row.Value.Username, &within)
}

// instant returns a time of the vendor. It is nil for none, and for one that cannot be read: a
// change that was made must not look like a failure.
func instant(s string) *timestamppb.Timestamp {
	t, ok := jsonx.ParseTime(s, time.UTC)
	if !ok || t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func contradiction(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"TelecomX sent a response that contradicts its documentation: "+format, args...)
}
