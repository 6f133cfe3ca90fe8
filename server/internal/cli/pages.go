package cli

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// maxPage is the largest page that a server returns.
const maxPage = 1000

// pages prints a page of a list, or with all or a limit the rows of as many pages as needed.
func (s *session) pages(rpc *contract.RPC, req proto.Message, p *printer, all bool, limit int) error {
	whole := rpc.NewResponse()
	rows := 0
	for {
		s.setPageSize(req, all, limit-rows)
		page := rpc.NewResponse()
		if err := s.invoke(rpc, req, page); err != nil {
			if token := contract.Text(req.ProtoReflect(), "page_token"); token != "" && rows > 0 {
				const said = "The rows after the first %d are missing. Continue with --page-token %s\n"
				fmt.Fprintf(s.errs, said, rows, Clean(token))
				_ = p.response(rpc, whole) // The error of the call is the one to show.
			}
			return s.failed(rpc, err)
		}
		token := contract.Text(page.ProtoReflect(), "next_page_token")
		rows += rowsOf(page).Len()
		appendPage(whole, page)
		if token == "" || !all && (limit == 0 || rows >= limit) {
			break
		}
		contract.Set(req, "page_token", token)
	}
	if err := p.response(rpc, whole); err != nil {
		return err
	}
	if token := contract.Text(whole.ProtoReflect(), "next_page_token"); token != "" && p.forPeople() {
		fmt.Fprintf(s.errs, "There are more rows: use --all, or --page-token %s\n", Clean(token))
	}
	return nil
}

// setPageSize asks for large pages where all rows are wanted, and for no row too many.
func (s *session) setPageSize(req proto.Message, all bool, left int) {
	f := fieldOf(req, "page_size")
	if asked := int(req.ProtoReflect().Get(f).Int()); left > 0 {
		if asked == 0 {
			asked = maxPage
		}
		contract.Set(req, "page_size", int32(min(left, asked)))
	} else if all && asked == 0 {
		contract.Set(req, "page_size", int32(maxPage))
	}
}

// rowsOf returns the rows of a response.
func rowsOf(res proto.Message) protoreflect.List {
	return res.ProtoReflect().Get(rowsField(res.ProtoReflect().Descriptor())).List()
}

// appendPage appends the rows of a page, and takes all else from the page. Each parent that could
// not be reached is there once.
func appendPage(whole, page proto.Message) {
	to, from := whole.ProtoReflect(), page.ProtoReflect()
	for i := range from.Descriptor().Fields().Len() {
		f := from.Descriptor().Fields().Get(i)
		if !f.IsList() {
			if from.Has(f) {
				to.Set(f, from.Get(f))
			} else {
				to.Clear(f)
			}
			continue
		}
		if from.Get(f).List().Len() == 0 {
			continue
		}
		list := to.Mutable(f).List()
		for j := range from.Get(f).List().Len() {
			item := from.Get(f).List().Get(j)
			if f.Kind() != protoreflect.StringKind || !slices.Contains(stringsOf(list), item.String()) {
				list.Append(item)
			}
		}
	}
}

// stringsOf returns the items of a list of strings.
func stringsOf(list protoreflect.List) []string {
	var all []string
	for i := range list.Len() {
		all = append(all, list.Get(i).String())
	}
	return all
}
