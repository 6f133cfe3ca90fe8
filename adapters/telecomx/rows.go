package telecomx

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
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
	Username string  `json:"username"`
	Password string  `json:"password"`
	Devices  devices `json:"devices"`
	Created  string  `json:"created"`
}

// devices is a number of devices. In a list with full=true and in a single account, it is the devices
// themselves.
type devices struct {
	count int32
	rows  []deviceRow
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

// UnmarshalJSONFrom decodes either form.
func (d *devices) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	*d = devices{}
	switch from.PeekKind() {
	case '0', '"':
		if err := json.UnmarshalDecode(from, &d.count); err != nil {
			return err
		}
		if d.count < 0 {
			return &jsonx.Misfit{Path: "devices", Expected: "a whole number of 0 or more"}
		}
		return nil
	case '[', '{':
		err := json.UnmarshalDecode(from, &d.rows)
		d.count = int32(len(d.rows))
		return err
	case 'n':
		return from.SkipValue()
	default:
		return &jsonx.Misfit{Path: "devices", Expected: "a whole number or a list"}
	}
}

// account returns the account in a row. customer is "" if it is unknown.
func (a *Adapter) account(row accountRow, customer string, view pb.DrmAccount_View) (*pb.DrmAccount, error) {
	if row.Username == "" {
		return nil, contradiction("an account has no username")
	}
	account := &pb.DrmAccount{
		Name:        names.DrmAccount.Name(a.id, row.Username),
		Customer:    customer,
		Username:    row.Username,
		DeviceCount: row.Devices.count,
		CreateTime:  instant(row.Created),
	}
	if view != pb.DrmAccount_FULL {
		return account, nil
	}
	account.Password = row.Password
	for _, d := range row.Devices.rows {
		device, err := a.device(row.Username, d)
		if err != nil {
			return nil, err
		}
		account.Devices = append(account.Devices, device)
	}
	return account, nil
}

func (a *Adapter) device(username string, row deviceRow) (*pb.DrmAccountDevice, error) {
	id := row.id()
	if id == "" {
		return nil, contradiction("a device has no id")
	}
	return &pb.DrmAccountDevice{
		Name:        names.DrmAccountDevice.Name(a.id, username, id),
		DeviceId:    id,
		Type:        deviceTypes[row.Type],
		DisplayName: row.Name,
		Model:       row.Model,
		VendorType:  row.Type,
	}, nil
}

func (d deviceRow) id() string {
	if d.ID != "" {
		return d.ID
	}
	return d.OtherID
}

// checkTimes returns the error of an account whose times cannot be read.
func (r accountRow) checkTimes() error {
	if _, ok := jsonx.ParseTime(r.Created, time.UTC); !ok {
		return contradiction("account " + strconv.Quote(r.Username) + ", created: expected a time")
	}
	return nil
}

// instant returns a time of the vendor. It is nil for none, and for one that cannot be read: a change
// that was made must not look like a failure.
func instant(s string) *timestamppb.Timestamp {
	t, ok := jsonx.ParseTime(s, time.UTC)
	if !ok || t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func contradiction(text string) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"TelecomX sent a response that contradicts its documentation: %s", text)
}
