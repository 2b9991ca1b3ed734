package heads

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/souk-mesh/souk/sdk"
)

// readDelimited reads CSV and its like. There is no broken CSV: a line of
// another length is a line with fewer or more cells.
func readDelimited(t *text, format Format, o Options) Table {
	content := t.lines()
	delimiter := '\t'
	if format == CSV {
		delimiter, content = delimiterOf(content)
	}
	columns, header := columnsOf(content, delimiter, o)
	table := tableOf(columns, header)
	if len(columns) == 0 {
		return table
	}
	table.property("delimiter", map[rune]string{',': "comma", ';': "semicolon", '\t': "tab", '|': "pipe"}[delimiter])
	table.property("header", strconv.FormatBool(header))
	return table
}

func nameOf(name string, i int, header bool) string {
	name = strings.TrimSpace(name)
	if !header || name == "" {
		return "column_" + strconv.Itoa(i+1)
	}
	if len(name) > 1000 {
		name = strings.ToValidUTF8(name[:1000], "")
	}
	return name
}

// unique numbers columns of the same name.
func unique(fields []sdk.Field) {
	seen := map[string]bool{}
	for i := range fields {
		name := fields[i].Name
		for n := 2; seen[fields[i].Name]; n++ {
			fields[i].Name = name + "_" + strconv.Itoa(n)
		}
		seen[fields[i].Name] = true
	}
}

// delimiterOf takes the character that divides the first lines into the most
// columns, of those that divide nearly all of them into as many. A line such
// as "sep=;", which spreadsheets write, says it.
func delimiterOf(content []byte) (rune, []byte) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	if said, ok := bytes.CutPrefix(bytes.TrimSpace(first), []byte("sep=")); ok && len(said) == 1 {
		return rune(said[0]), rest
	}
	best, bestScore := ',', 0
	for _, delimiter := range []rune{',', ';', '\t', '|'} {
		if score := scoreOf(content, delimiter); score > bestScore {
			best, bestScore = delimiter, score
		}
	}
	return best, content
}

func scoreOf(content []byte, delimiter rune) int {
	counts, lines := map[int]int{}, 0
	r := reader(content, delimiter)
	for ; lines < 50; lines++ {
		cells, err := r.Read()
		if err != nil {
			break
		}
		counts[len(cells)]++
	}
	columns, as := 0, 0
	for n, times := range counts {
		if times > as || times == as && n > columns {
			columns, as = n, times
		}
	}
	if columns < 2 || as*10 < lines*8 {
		return 0
	}
	return columns
}

func reader(content []byte, delimiter rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = delimiter, true, -1, true
	return r
}

// column is what is known of one: the first cell, until it is known whether
// that is a name, and what the cells below look like.
type column struct {
	name  string
	seen  kinds
	again bool // the first cell stands below, too
}

// columnsOf looks at the first rows.
func columnsOf(content []byte, delimiter rune, o Options) (columns []column, header bool) {
	r := reader(content, delimiter)
	rows := 0
	for ; rows <= maxRows; rows++ {
		cells, err := r.Read()
		if err != nil {
			break
		}
		columns = addRow(columns, cells, rows == 0)
	}
	return columns, settleHeader(columns, rows, o)
}

func addRow(columns []column, cells []string, first bool) []column {
	for i, cell := range cells {
		switch {
		case first:
			columns = append(columns, column{name: strings.Clone(cell)})
		case i < len(columns):
			columns[i].seen |= kindOf(cell)
			columns[i].again = columns[i].again || cell == columns[i].name && cell != ""
		}
	}
	return columns
}

// settleHeader counts the first row among the others where it is no header.
func settleHeader(columns []column, rows int, o Options) bool {
	if hasHeader(columns, rows, o) {
		return true
	}
	for i := range columns {
		columns[i].seen |= kindOf(columns[i].name)
	}
	return false
}

func tableOf(columns []column, header bool) Table {
	table := Table{}
	for i, c := range columns {
		table.Fields = append(table.Fields, sdk.Field{Name: nameOf(c.name, i, header), NativeType: c.seen.String(), Nullable: c.seen&isEmpty != 0})
	}
	unique(table.Fields)
	return table
}

// hasHeader decides whether the first row is names or data. It would rather
// lose the names than show data as names: every cell must be able to be a
// name, and none may stand again in its column.
func hasHeader(columns []column, rows int, o Options) bool {
	switch o.Header {
	case "always":
		return true
	case "never":
		return false
	}
	named, seen := 0, map[string]bool{}
	for _, c := range columns {
		name := strings.ToLower(strings.TrimSpace(c.name))
		if name == "" {
			continue
		}
		if seen[name] || c.again || !canBeName(name) {
			return false
		}
		seen[name], named = true, named+1
	}
	if rows < 2 { // nothing below to compare with
		return named == len(columns) && named > 0
	}
	return named*2 > len(columns)
}

// canBeName refuses what looks like a value: numbers, dates, addresses and sentences.
func canBeName(name string) bool {
	if kindOf(name)&isText == 0 || len(name) > 128 || strings.ContainsAny(name, "@\n") || strings.Contains(name, "://") {
		return false
	}
	if strings.Count(name, " ") > 6 {
		return false
	}
	digits, letters := 0, 0
	for _, r := range name {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	first, _ := utf8.DecodeRuneInString(name)
	return letters > 0 && letters >= digits && (!unicode.IsDigit(first) || digits <= 1)
}
