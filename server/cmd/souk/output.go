package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/noun"
)

var formats = []string{"table", "json", "yaml"}

// listing prints rows as they come: as a table, one JSON array or one YAML list.
type listing struct {
	out     io.Writer
	table   *tabwriter.Writer
	format  string
	columns []string
	rows    int
}

func newListing(out io.Writer, format string, columns []string) *listing {
	l := &listing{out: out, format: format, columns: columns}
	if format == "table" {
		l.table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		heads := make([]string, len(columns))
		for i, c := range columns {
			heads[i] = heading(strings.TrimSuffix(c, ".name"))
		}
		fmt.Fprintln(l.table, strings.Join(heads, "\t"))
	}
	return l
}

// row prints one.
func (l *listing) row(r noun.Record) error {
	l.rows++
	switch l.format {
	case "json":
		text, err := json.Marshal(r)
		if err == nil {
			_, err = fmt.Fprintf(l.out, "%s%s", map[bool]string{true: "[\n", false: ",\n"}[l.rows == 1], text)
		}
		return err
	case "yaml":
		text, err := yaml.Marshal([]any{plain(r)})
		if err == nil {
			_, err = l.out.Write(text)
		}
		return err
	}
	cells := make([]string, len(l.columns))
	for i, c := range l.columns {
		cells[i] = cell(at(r, c))
	}
	_, err := fmt.Fprintln(l.table, strings.Join(cells, "\t"))
	return err
}

// end closes what the rows have begun.
func (l *listing) end() (err error) {
	switch {
	case l.format == "table":
		return l.table.Flush()
	case l.rows == 0:
		_, err = fmt.Fprintln(l.out, "[]")
	case l.format == "json":
		_, err = fmt.Fprintln(l.out, "\n]")
	}
	return err
}

// printRecord prints one record, a field a line.
func printRecord(out io.Writer, format string, r noun.Record) error {
	switch format {
	case "json":
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "yaml":
		text, err := yaml.Marshal(plain(r))
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	printFields(w, "", r)
	return w.Flush()
}

// printFields prints what a record holds; a record within it, that has more
// than a name, field by field.
func printFields(w io.Writer, before string, r noun.Record) {
	for _, name := range slices.Sorted(maps.Keys(r)) {
		inner, isRecord := r[name].(noun.Record)
		if _, named := inner["name"]; isRecord && !named {
			printFields(w, before+heading(name)+" ", inner)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\n", before+heading(name), cell(r[name]))
	}
}

// heading writes a field's name for people: createdAt is CREATED AT.
func heading(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// at follows a path into a record.
func at(r noun.Record, path string) any {
	name, inner, nested := strings.Cut(path, ".")
	if !nested {
		return r[name]
	}
	below, _ := r[name].(noun.Record)
	return below[inner]
}

// cell writes a value in one line. What a stranger has written commands no terminal.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				return ' '
			}
			return r
		}, v)
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = cell(part)
		}
		return strings.Join(parts, ", ")
	case noun.Record:
		if name, ok := v["name"].(string); ok {
			return cell(name)
		}
		text, _ := json.Marshal(v)
		return cell(string(text))
	}
	return cell(fmt.Sprint(value))
}

// plain turns the numbers of JSON into those of YAML.
func plain(value any) any {
	switch v := value.(type) {
	case noun.Record:
		all := make(noun.Record, len(v))
		for name, inner := range v {
			all[name] = plain(inner)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, inner := range v {
			all[i] = plain(inner)
		}
		return all
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	}
	return value
}
