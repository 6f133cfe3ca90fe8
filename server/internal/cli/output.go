package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/gateway"
	"github.com/drmhub/drmhub/server/internal/messagejson"
)

// The formats of the output.
const (
	formatTable  = "table"  // columns, with a line of heads
	formatWide   = "wide"   // table with all columns
	formatTSV    = "tsv"    // the columns of table with tabs between them, without heads
	formatJSON   = "json"   // the body that REST returns
	formatNDJSON = "ndjson" // each row as a line of JSON
	formatName   = "name"   // the name of each row
)

var formats = []string{formatTable, formatWide, formatTSV, formatJSON, formatNDJSON, formatName}

// A printer prints responses in one format.
type printer struct {
	out, errs io.Writer
	format    string
	terminal  bool // out is a terminal
	bold      bool
	headed    bool // the heads of the columns are printed
}

// printer returns the printer that the flags ask for.
func (l *client) printer(c *cobra.Command) (*printer, error) {
	p := &printer{out: c.OutOrStdout(), errs: c.ErrOrStderr(), format: l.output, terminal: isTerminal(c.OutOrStdout())}
	p.bold = p.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	switch {
	case p.format == "" && p.terminal:
		p.format = formatTable
	case p.format == "":
		p.format = formatTSV
	case !slices.Contains(formats, p.format):
		return nil, Usagef("there is no format %q: use one of %s", p.format, strings.Join(formats, ", "))
	}
	return p, nil
}

// isTerminal reports whether a writer is a terminal, or another device.
func isTerminal(w io.Writer) bool {
	file, ok := w.(interface{ Stat() (os.FileInfo, error) })
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// forPeople reports whether the format is made for reading.
func (p *printer) forPeople() bool { return p.format == formatTable || p.format == formatWide }

// response prints a whole response.
func (p *printer) response(rpc *contract.RPC, res proto.Message) error {
	if f := fieldOf(res, "unreachable"); f != nil {
		for _, name := range stringsOf(res.ProtoReflect().Get(f).List()) {
			fmt.Fprintf(p.errs, "Not reached, so its rows are missing: %s\n", Clean(name))
		}
	}
	isList := rowsField(res.ProtoReflect().Descriptor()) != nil
	switch {
	case p.format == formatJSON || p.format == formatNDJSON && !isList:
		return p.json(rpc, res)
	case isList:
		return p.rows(rowsOf(res))
	case p.format == formatName:
		return p.names([]protoreflect.Message{res.ProtoReflect()})
	case !res.ProtoReflect().IsValid() || res.ProtoReflect().Descriptor().Fields().Len() == 0:
		fmt.Fprintln(p.errs, "Done.")
		return nil
	}
	return p.one(res.ProtoReflect())
}

// json prints the body that REST returns. A pipe gets these bytes alone, and a terminal the end of
// a line too.
func (p *printer) json(rpc *contract.RPC, res proto.Message) error {
	body, err := gateway.Body(rpc, res)
	if err != nil {
		return err
	}
	if p.terminal || p.format == formatNDJSON {
		body = append(body, '\n')
	}
	_, err = p.out.Write(body)
	return err
}

// rows prints rows. A stream calls it for each message.
func (p *printer) rows(list protoreflect.List) error {
	var rows []protoreflect.Message
	for i := range list.Len() {
		rows = append(rows, list.Get(i).Message())
	}
	switch p.format {
	case formatName:
		return p.names(rows)
	case formatJSON, formatNDJSON: // The body of a stream is a line for each row.
		for _, row := range rows {
			line, err := messagejson.Append(nil, row.Interface())
			if err != nil {
				return err
			}
			if _, err := p.out.Write(append(line, '\n')); err != nil {
				return err
			}
		}
		return nil
	}
	return p.table(rows)
}

// canPrint refuses a format that cannot show the response of an RPC, before the call is made.
func (p *printer) canPrint(c *cobra.Command, rpc *contract.RPC) error {
	shown := rpc.Response.Descriptor()
	if rows := rowsField(shown); rows != nil {
		shown = rows.Message()
	}
	if p.format == formatName && shown.Fields().ByName("name") == nil {
		return Usagef("what %s returns has no name: use another format", c.CommandPath())
	}
	return nil
}

// names prints the names of resources.
func (p *printer) names(rows []protoreflect.Message) error {
	for _, row := range rows {
		if _, err := fmt.Fprintln(p.out, Clean(contract.Text(row, "name"))); err != nil {
			return err
		}
	}
	return nil
}
