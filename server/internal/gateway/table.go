package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The media types of responses that have several forms.
const (
	csvType  = "text/csv"
	ndjson   = "application/x-ndjson"
	jsonType = "application/json"

	tableType = csvType + "; charset=utf-8; header=present"
)

// A table is the CSV form of a response.
type table struct {
	file    string   // the name that a browser gives the file
	usual   []string // the media types of the usual form
	columns []column // of a row
}

// tables are those of the RPCs that have one, by their full method names.
var tables = map[string]*table{
	pb.ArchiveService_ExportLicenses_FullMethodName: {
		file: "licenses.csv", usual: []string{ndjson, jsonType},
		columns: columnsOf((&pb.License{}).ProtoReflect().Descriptor()),
	},
	pb.ArchiveService_ReconcileInvoice_FullMethodName: {
		file: "disputed-rows.csv", usual: []string{jsonType},
		columns: columnsOf((&pb.DisputedRow{}).ProtoReflect().Descriptor()),
	},
}

// A column is a field of a row, or of a message within it.
type column struct {
	name string
	path []protoreflect.FieldDescriptor
}

// columnsOf returns a column for each field of a message. A message within it has columns of its
// own.
func columnsOf(d protoreflect.MessageDescriptor) (all []column) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Message() == nil || f.Message().FullName() == "google.protobuf.Timestamp" {
			all = append(all, column{name: string(f.Name()), path: []protoreflect.FieldDescriptor{f}})
			continue
		}
		for _, c := range columnsOf(f.Message()) {
			c.path = append([]protoreflect.FieldDescriptor{f}, c.path...)
			all = append(all, c)
		}
	}
	return all
}

// disposition returns the header that makes a browser save the table.
func (t *table) disposition() string { return `attachment; filename="` + t.file + `"` }

// format returns the form of rows that arrive one after the other.
func (t *table) format() rowFormat {
	return rowFormat{
		mediaType: tableType, disposition: t.disposition(), first: t.header(),
		appendRow: func(to []byte, row proto.Message) ([]byte, error) { return t.appendRow(to, row), nil },
		appendError: func(to []byte, err error) []byte {
			_, e := resolve(err)
			to = append(to, "error,"+code.Code(e.Code).String()+","...)
			return append(appendCell(to, e.Message), "\r\n"...)
		},
	}
}

// header returns the line of column names.
func (t *table) header() []byte {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return []byte(strings.Join(names, ",") + "\r\n")
}

// appendRow appends a line (RFC 4180).
func (t *table) appendRow(to []byte, row proto.Message) []byte {
	for i, c := range t.columns {
		if i > 0 {
			to = append(to, ',')
		}
		m := row.ProtoReflect()
		for _, f := range c.path[:len(c.path)-1] {
			m = m.Get(f).Message()
		}
		to = appendCell(to, cellOf(m, c.path[len(c.path)-1]))
	}
	return append(to, "\r\n"...)
}

// cellOf returns a field as text. Enums are the names that JSON has, too.
func cellOf(m protoreflect.Message, f protoreflect.FieldDescriptor) string {
	switch v := m.Get(f); f.Kind() {
	case protoreflect.EnumKind:
		if named := f.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
		return strconv.Itoa(int(v.Enum()))
	case protoreflect.MessageKind:
		if t, ok := v.Message().Interface().(*timestamppb.Timestamp); ok && m.Has(f) {
			return t.AsTime().Format(time.RFC3339Nano)
		}
		return ""
	default:
		return v.String()
	}
}

// appendCell appends a cell, in quotes where it needs them. A text that a spreadsheet would run as
// a formula gets an apostrophe in front, as OWASP advises against CSV injection. So does a text
// that begins with an apostrophe: a reader takes one away, and has the text.
func appendCell(to []byte, text string) []byte {
	if text != "" && strings.IndexByte("=+-@\t\r'", text[0]) >= 0 {
		text = "'" + text
	}
	if !strings.ContainsAny(text, "\",\r\n") {
		return append(to, text...)
	}
	to = append(to, '"')
	to = append(to, strings.ReplaceAll(text, `"`, `""`)...)
	return append(to, '"')
}

// formatOf returns how a stream's rows become lines, as a table or in JSON.
func formatOf(t *table) rowFormat {
	if t != nil {
		return t.format()
	}
	return jsonLines
}

// negotiated returns the table of a response that is to be one, or nil for its usual form. It
// refuses a request that accepts no form of a response that has several. The Accept of other
// requests is not looked at.
func negotiated(w http.ResponseWriter, r *http.Request, method string) (*table, error) {
	t := tables[method]
	if t == nil {
		return nil, nil
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	w.Header().Add("Vary", "Accept")
	usual, asTable := 0.0, acceptance(accept, csvType)
	for _, name := range t.usual {
		usual = max(usual, acceptance(accept, name))
	}
	switch {
	case accept != "" && usual == 0 && asTable == 0:
		return nil, &httpError{http.StatusNotAcceptable, apierror.New(codes.InvalidArgument,
			pb.ErrorReason_REQUEST_INVALID, "nothing was done: the response can be %s or %s, and Accept names neither",
			t.usual[0], csvType)}
	case asTable > usual:
		return t, nil
	}
	return nil, nil
}

// acceptance returns the weight that an Accept header gives a media type (RFC 9110, section
// 12.5.1). The most specific range counts.
func acceptance(accept, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	weight, specific := 0.0, 0
	for item := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		rank := 0
		switch strings.ToLower(strings.TrimSpace(name)) {
		case mediaType:
			rank = 3
		case kind + "/*":
			rank = 2
		case "*/*":
			rank = 1
		}
		if rank > specific {
			weight, specific = quality(parameters), rank
		}
	}
	return weight
}

// ofInvoice returns the rows in dispute of a reconciled invoice.
func (t *table) ofInvoice(res *pb.ReconcileInvoiceResponse) []byte {
	text := t.header()
	for _, row := range res.GetDisputedRows() {
		text = t.appendRow(text, row)
	}
	return text
}
