package heads

import (
	"bytes"
	"context"
	"strings"

	"github.com/xuri/excelize/v2"
)

// readExcel gives one table for each sheet that has a first row. A workbook is
// read whole, and so one beyond a limit is known by its name alone.
func readExcel(ctx context.Context, f File) (tables []Table, err error) {
	if f.Size > maxSheet {
		t := Table{}
		t.property("tooLargeToRead", "true")
		return []Table{t}, nil
	}
	content, err := f.Read(ctx, 0, f.Size)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			tables, err = nil, broken(nil, "the workbook breaks its reader")
		}
	}()
	book, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{UnzipSizeLimit: 64 << 20, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return nil, broken(err, "the workbook cannot be read: it is no workbook, has a password, or is too large when unpacked")
	}
	defer func() { err = keep(err, book.Close()) }()
	for _, sheet := range book.GetSheetList() {
		t, err := readSheet(book, sheet)
		if err != nil {
			return nil, broken(err, "a sheet of the workbook cannot be read")
		}
		if len(t.Fields) > 0 {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return []Table{{}}, nil
	}
	return tables, nil
}

func keep(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// readSheet streams the first rows, and decides about the header as for CSV.
func readSheet(book *excelize.File, sheet string) (Table, error) {
	rows, err := book.Rows(sheet)
	if err != nil {
		return Table{}, err
	}
	defer func() { _ = rows.Close() }()
	var columns []column
	seen := 0
	for seen <= maxRows && rows.Next() {
		cells, err := rows.Columns()
		if err != nil {
			return Table{}, err
		}
		if seen == 0 && strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue // a sheet may begin with empty rows
		}
		columns = addRow(columns, cells, seen == 0)
		seen++
	}
	header := settleHeader(columns, seen, Options{})
	t := tableOf(columns, header)
	t.Name = sheet
	cut, err := one(t, rows.Error())
	if err != nil {
		return Table{}, err
	}
	return cut[0], nil
}
