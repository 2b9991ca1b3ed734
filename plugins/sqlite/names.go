package sqlite

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// fold gives the form in which SQLite compares names: it knows the case of the
// 26 letters of ASCII and of no other, so that "É" and "é" are two tables.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// canonical gives the name as it was created.
func (h *harvest) canonical(name string) string {
	if t, known := h.byName[fold(name)]; known {
		return t
	}
	return name
}

func (h *harvest) knows(name string) bool {
	_, known := h.byName[fold(name)]
	return known
}

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// legible writes a sign in the place of what is no UTF-8: SQLite takes any bytes.
func legible(a *sdk.Asset) {
	sdk.EachText(a, valid)
	names := func(all []string) {
		for i, name := range all {
			all[i] = valid(name)
		}
	}
	for i := range a.Fields {
		a.Fields[i].Name = valid(a.Fields[i].Name)
	}
	for i := range a.ForeignKeys {
		k := &a.ForeignKeys[i]
		k.Name, k.ToName = valid(k.Name), valid(k.ToName)
		names(k.Fields)
		names(k.ToFields)
	}
	for i := range a.Constraints {
		a.Constraints[i].Name = valid(a.Constraints[i].Name)
		names(a.Constraints[i].Fields)
	}
	for i := range a.Indexes {
		a.Indexes[i].Name = valid(a.Indexes[i].Name)
		names(a.Indexes[i].Fields)
	}
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// shadowsOf are the tables in which well-known modules keep the content of a
// virtual table, by what follows its name. SQLite itself knows them only where
// the module is built in.
func shadowsOf(module string) []string {
	switch fold(module) {
	case "fts3", "fts4":
		return []string{"_content", "_segments", "_segdir", "_docsize", "_stat"}
	case "fts5":
		return []string{"_data", "_idx", "_content", "_docsize", "_config"}
	case "rtree", "rtree_i32", "geopoly":
		return []string{"_node", "_parent", "_rowid"}
	case "spellfix1":
		return []string{"_vocab"}
	case "vss0":
		return []string{"_index", "_data"}
	case "vec0":
		return []string{"_chunks", "_rowids", "_info", "_auxiliary", "_vector_chunks", "_metadatachunks", "_metadatatext"}
	}
	return nil
}

// moduleOf reads the module from the statement that made a virtual table.
func moduleOf(create string) string {
	words := strings.FieldsFunc(create, func(r rune) bool { return strings.ContainsRune(" \t\r\n\f(", r) })
	for i, word := range words {
		if fold(word) == "using" && i+1 < len(words) {
			return strings.Trim(words[i+1], "\"`[]';")
		}
	}
	return ""
}

// dropShadows leaves out what SQLite takes for a table of its own because the
// module of the virtual table above it is not built in here.
func (h *harvest) dropShadows(modules map[string]string) (dropped int) {
	shadows := map[string]bool{}
	for virtual, module := range modules {
		for _, suffix := range shadowsOf(module) {
			shadows[fold(virtual+suffix)] = true
			for part := range 10 { // vec0 numbers those of its columns
				shadows[fold(virtual+suffix)+"0"+string(rune('0'+part))] = fold(module) == "vec0"
			}
		}
	}
	before := len(h.tables)
	h.tables = slices.DeleteFunc(h.tables, func(t table) bool { return t.kind == "table" && shadows[fold(t.name)] })
	return before - len(h.tables)
}
