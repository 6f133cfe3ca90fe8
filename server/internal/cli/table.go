package cli

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"time"

	"github.com/drmhub/drmhub/server/internal/messagejson"
)

// columnGap is how many spaces are between two columns.
const columnGap = 2

// table prints rows as a table, or as lines with tabs.
func (p *printer) table(rows []protoreflect.Message) error {
	if len(rows) == 0 {
		if p.forPeople() && !p.headed {
			fmt.Fprintln(p.errs, "There are no rows.")
		}
		return nil
	}
	paths := columnsOf(rows[0].Descriptor(), p.format == formatWide)
	var text bytes.Buffer
	if p.forPeople() && !p.headed {
		p.headed = true
		var heads []string
		for _, path := range paths {
			heads = append(heads, strings.ToUpper(kebab(string(path[len(path)-1].Name()))))
		}
		fmt.Fprintln(&text, strings.Join(heads, "\t"))
	}
	for _, row := range rows {
		var cells []string
		for _, path := range paths {
			cells = append(cells, cell(row, path))
		}
		fmt.Fprintln(&text, strings.Join(cells, "\t"))
	}
	return p.aligned(text.Bytes())
}

// one prints the fields of one resource, a line each. It leaves out those that are empty.
func (p *printer) one(m protoreflect.Message) error {
	var text bytes.Buffer
	for _, path := range leaves(m.Descriptor(), nil) {
		for _, value := range values(m, path) {
			if value != "" {
				fmt.Fprintf(&text, "%s\t%s\n", strings.ReplaceAll(pathName(path), "_", "-"), value)
			}
		}
	}
	return p.aligned(text.Bytes())
}

// aligned prints lines with tabs, in columns if the format has them.
func (p *printer) aligned(text []byte) error {
	if !p.forPeople() {
		_, err := p.out.Write(text)
		return err
	}
	var lines bytes.Buffer
	w := tabwriter.NewWriter(&lines, 0, 0, columnGap, ' ', 0)
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(lines.String()) {
		line = strings.TrimRight(line, " \n")
		if p.bold && line == strings.ToUpper(line) && p.headed {
			line = "\x1b[1m" + line + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}

// cell returns a value for a cell of a table. It is never empty, so that columns can be counted.
func cell(m protoreflect.Message, path []protoreflect.FieldDescriptor) string {
	if text := strings.Join(values(m, path), ","); text != "" {
		return text
	}
	return "-"
}

// values returns the value of a field as text, or those of a list.
func values(m protoreflect.Message, path []protoreflect.FieldDescriptor) []string {
	for _, holder := range path[:len(path)-1] {
		if !m.Has(holder) {
			return nil
		}
		m = m.Get(holder).Message()
	}
	f := path[len(path)-1]
	switch {
	case f.IsMap():
		return nil
	case f.IsList():
		var all []string
		for i := range m.Get(f).List().Len() {
			all = append(all, valueText(f, m.Get(f).List().Get(i)))
		}
		return all
	case f.HasPresence() && !m.Has(f):
		return nil
	}
	return []string{valueText(f, m.Get(f))}
}

func valueText(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case f.Enum() != nil:
		value := f.Enum().Values().ByNumber(v.Enum())
		if v.Enum() == 0 {
			return ""
		}
		if value == nil {
			return fmt.Sprint(v.Enum())
		}
		return string(value.Name())
	case f.Kind() == protoreflect.BytesKind:
		return fmt.Sprintf("%d bytes", len(v.Bytes()))
	case f.Message() == nil:
		return Clean(v.String())
	}
	switch m := v.Message().Interface().(type) {
	case *timestamppb.Timestamp:
		return m.AsTime().Format(time.RFC3339)
	case *durationpb.Duration:
		return m.AsDuration().String()
	case *fieldmaskpb.FieldMask:
		return Clean(strings.Join(m.GetPaths(), ","))
	}
	var parts []string
	for _, path := range leaves(f.Message(), nil) {
		for _, text := range values(v.Message(), path) {
			if text != "" {
				parts = append(parts, text)
			}
		}
	}
	if parts == nil {
		line, _ := messagejson.Append(nil, v.Message().Interface()) // An empty message is short.
		return Clean(string(line))
	}
	return strings.Join(parts, " ")
}

// Clean returns text of others as one line that cannot steer a terminal.
func Clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}
