package usage

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// MaxLines bounds the lines of an invoice.
const MaxLines = 1000

// columns are those of an invoice. Names are compared without case, spaces, "_" and "-".
var columns = []string{"site", "metric", "quantity", "unitprice", "currency"}

// needed is the number of columns that an invoice must have.
const needed = 3

// metrics are the words for what a line bills.
var metrics = map[string]pb.InvoiceLine_Metric{
	"LICENSES": pb.InvoiceLine_LICENSES, "MAL": pb.InvoiceLine_LICENSES,
	"USERS": pb.InvoiceLine_USERS, "MAU": pb.InvoiceLine_USERS,
	"DEVICES": pb.InvoiceLine_DEVICES, "MAD": pb.InvoiceLine_DEVICES,
}

var (
	decimal  = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,9})?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
	digits   = regexp.MustCompile(`^[0-9]+$`)
)

// ReadCSV reads the lines of a vendor's invoice from a table with a line of column names, and
// returns where in the text each begins. Commas or semicolons separate the cells. A cell that
// cannot be read is an error, with its line and column: a guess would bill the wrong number.
func ReadCSV(vendor, text string) (lines []*pb.InvoiceLine, at []int, err error) {
	text = strings.TrimPrefix(text, "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	header, _, _ := strings.Cut(text, "\n")
	if strings.Contains(header, ";") {
		r.Comma = ';'
	}
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("holds nothing: begin with the line site,metric,quantity")
	}
	if err != nil {
		return nil, nil, malformed(err)
	}
	index, err := columnsOf(first)
	if err != nil {
		return nil, nil, err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, malformed(err)
		}
		if len(lines) == MaxLines {
			return nil, nil, fmt.Errorf("has more than %d lines: send them in several calls", MaxLines)
		}
		row := cells{reader: r, record: record, at: index}
		line, err := row.line(vendor)
		if err != nil {
			return nil, nil, err
		}
		begin, _ := r.FieldPos(0)
		lines, at = append(lines, line), append(at, begin)
	}
	if len(lines) == 0 {
		return nil, nil, errors.New("has no line below the column names")
	}
	return lines, at, nil
}

// malformed says where a text is no table.
func malformed(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("line %d, column %d: %w", e.Line, e.Column, e.Err)
	}
	return err
}

// columnsOf returns the index of each of the columns, or -1.
func columnsOf(header []string) ([]int, error) {
	at := []int{-1, -1, -1, -1, -1}
	plain := strings.NewReplacer(" ", "", "_", "", "-", "")
	for i, name := range header {
		for c, known := range columns {
			if strings.EqualFold(plain.Replace(name), known) {
				if at[c] >= 0 {
					return nil, fmt.Errorf("line 1: has the column %s twice", strings.TrimSpace(name))
				}
				at[c] = i
			}
		}
	}
	for c := range needed {
		if at[c] < 0 {
			return nil, fmt.Errorf("line 1: has no column %s: it needs site, metric and quantity, "+
				"and can have unit_price and currency", columns[c])
		}
	}
	return at, nil
}

// cells are one line of an invoice's table.
type cells struct {
	reader *csv.Reader
	record []string
	at     []int
}

// text returns the cell of a column.
func (c cells) text(column int) string {
	if c.at[column] < 0 {
		return ""
	}
	return strings.TrimSpace(c.record[c.at[column]])
}

// wrong returns the error of a cell.
func (c cells) wrong(column int, problem string) error {
	line, _ := c.reader.FieldPos(c.at[column])
	return fmt.Errorf("line %d, column %d (%s): %s", line, c.at[column]+1, columns[column], problem)
}

// line reads one line. A site is an id or a resource name.
func (c cells) line(vendor string) (*pb.InvoiceLine, error) {
	line := &pb.InvoiceLine{Site: c.text(0), UnitPrice: c.text(3), Currency: c.text(4)}
	switch {
	case line.GetSite() == "" || line.GetSite() == names.Wildcard:
		return nil, c.wrong(0, "must be the id or the resource name of a site")
	case !strings.HasPrefix(line.GetSite(), "vendors/"):
		line.Site = names.Site.Name(vendor, line.GetSite())
	default:
		ids, err := names.Site.IDs(line.GetSite())
		if err != nil {
			return nil, c.wrong(0, err.Error())
		}
		if ids[0] != vendor {
			return nil, c.wrong(0, fmt.Sprintf("must belong to the vendor %q, to which the request goes", vendor))
		}
		line.Site = names.Site.Name(ids...)
	}
	if line.Metric = metrics[strings.ToUpper(c.text(1))]; line.GetMetric() == 0 {
		return nil, c.wrong(1, "must be LICENSES, USERS or DEVICES, or MAL, MAU or MAD")
	}
	quantity, err := strconv.ParseInt(c.text(2), 10, 32)
	if err != nil || !digits.MatchString(c.text(2)) {
		return nil, c.wrong(2, "must be a whole number of digits alone, at most 2147483647, such as 15000")
	}
	line.Quantity = int32(quantity)
	if line.GetUnitPrice() != "" && !decimal.MatchString(line.GetUnitPrice()) {
		return nil, c.wrong(3, "must be a decimal number such as 0.0125, with at most 9 decimal digits")
	}
	if line.GetCurrency() != "" && !currency.MatchString(line.GetCurrency()) {
		return nil, c.wrong(4, "must be the code of a currency: three capital letters, such as EUR")
	}
	return line, nil
}

// Amount returns quantity times price, exactly, without zeros at the end. price is a decimal
// number.
func Amount(quantity int64, price string) string {
	whole, fraction, _ := strings.Cut(price, ".")
	scaled, _ := new(big.Int).SetString(whole+fraction, 10)
	scaled.Mul(scaled, big.NewInt(quantity))
	sign := ""
	if scaled.Sign() < 0 {
		sign = "-"
		scaled.Neg(scaled)
	}
	text := scaled.String()
	if n := len(fraction) + 1 - len(text); n > 0 {
		text = strings.Repeat("0", n) + text
	}
	point := len(text) - len(fraction)
	if tail := bytes.TrimRight([]byte(text[point:]), "0"); len(tail) > 0 {
		return sign + text[:point] + "." + string(tail)
	}
	return sign + text[:point]
}
