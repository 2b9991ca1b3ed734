package azuredatacatalog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// asset is an asset as the REST API of 2016-03-30 gives it.
type asset struct {
	ID         string `json:"id"`
	Properties struct {
		Name   string `json:"name"`
		Source struct {
			System string `json:"sourceType"`
			Object string `json:"objectType"`
		} `json:"dataSource"`
		Location   location  `json:"dsl"`
		Registered principal `json:"lastRegisteredBy"`
		Container  string    `json:"containerId"`
		Value      string    `json:"valueExpression"` // of a KPI
	} `json:"properties"`
	Roles []struct {
		Role    string      `json:"role"`
		Members []principal `json:"members"`
	} `json:"roles"`
	Annotations map[string]json.RawMessage `json:"annotations"`

	notes notes
}

// notes are the annotations that are read.
type notes struct {
	descriptions, columnWords            []description
	names                                []nickname
	tags, terms, columnTags, columnTerms []word
	experts                              []expert
	schemas                              []table
	access, documentation                []content
	profiles                             []profile
}

// decode reads an asset. What has another shape is left out, and told by the error.
func decode(text json.RawMessage) (*asset, error) {
	var a asset
	err := json.Unmarshal(text, &a)
	n, from := &a.notes, a.Annotations
	a.Annotations = nil // previews need not stay
	return &a, errors.Join(
		err,
		annotations(from["descriptions"], &n.descriptions), annotations(from["columnDescriptions"], &n.columnWords), annotations(from["friendlyName"], &n.names),
		annotations(from["tags"], &n.tags), annotations(from["termTags"], &n.terms), annotations(from["columnTags"], &n.columnTags), annotations(from["columnTermTags"], &n.columnTerms),
		annotations(from["experts"], &n.experts), annotations(from["schema"], &n.schemas), annotations(from["accessInstructions"], &n.access),
		annotations(from["documentation"], &n.documentation), annotations(from["tableDataProfiles"], &n.profiles),
	)
}

type location struct {
	Protocol string         `json:"protocol"`
	Address  map[string]any `json:"address"`
}

type principal struct {
	UPN string `json:"upn"`
	ID  string `json:"objectId"`
}

type description struct {
	Column string `json:"columnName"`
	Text   string `json:"description"`
}

type nickname struct {
	Name string `json:"friendlyName"`
}

type word struct {
	Column string `json:"columnName"`
	Tag    string `json:"tag"`
	Term   string `json:"termId"`
}

type expert struct {
	Expert principal `json:"expert"`
}

type content struct {
	Text string `json:"content"`
}

type table struct {
	Columns []column `json:"columns"`
}

type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable *bool  `json:"isNullable"`
}

type profile struct {
	Rows    *int64 `json:"numberOfRows"`
	Bytes   *int64 `json:"size"`
	Changed string `json:"dataModifiedTime"`
}

// annotations reads those of one kind. Each person may have written one, and of
// some kinds there is only one, which stands without a list.
func annotations[T any](text json.RawMessage, to *[]T) error {
	type annotation struct {
		Properties T `json:"properties"`
	}
	var list []annotation
	var err error
	if bytes.HasPrefix(text, []byte("{")) {
		list = make([]annotation, 1)
		err = json.Unmarshal(text, &list[0])
	} else if len(text) > 0 {
		err = json.Unmarshal(text, &list)
	}
	for _, a := range list {
		*to = append(*to, a.Properties)
	}
	return err
}

// everyone is the id that stands for all people.
const everyone = "00000000-0000-0000-0000-000000000201"

func (p principal) name() string {
	if p.ID == everyone {
		return ""
	}
	return cmp.Or(p.UPN, p.ID)
}

// key tells assets apart within an export.
func (a *asset) key() string { return cmp.Or(lastPart(a.ID), a.Properties.Name) }

// holds reports whether the asset is a container of others.
func (a *asset) holds() bool {
	return strings.Contains(a.ID, "containers/") || slices.Contains([]string{"DATABASE", "BUCKET", "FOLDER"}, a.kind())
}

// kinds are the words of the service for what an asset is in its source.
var kinds = map[string]string{
	"table": "TABLE", "view": "VIEW", "dimension": "TABLE", "collection": "TABLE", "entity set": "TABLE", "list": "TABLE", "object": "TABLE",
	"blob": "FILE", "file": "FILE", "directory": "FOLDER", "report": "DASHBOARD", "dashboard": "DASHBOARD", "measure": "METRIC", "kpi": "METRIC",
	"database": "DATABASE", "model": "DATABASE", "container": "BUCKET", "data lake": "FOLDER", "cluster": "FOLDER", "server": "FOLDER", "site": "FOLDER",
}

func (a *asset) kind() string {
	return cmp.Or(kinds[strings.ToLower(a.Properties.Source.Object)], "OTHER")
}

// harvest is one run over the assets.
type harvest struct {
	known  *known
	names  names
	out    sdk.Sink
	taken  map[sdk.NativeID]string
	broken bool
	n      int64
}

// item emits an asset. Of one that has parts of another shape, what has been
// read is not the whole, and the scope is not done.
func (h *harvest) item(i item) error {
	if i.asset == nil {
		return nil
	}
	a := i.asset
	if i.err != nil {
		h.broken = true
		note := sdk.Note{Level: sdk.ErrorLevel, Code: "azuredatacatalog.damaged", Title: "An asset has parts that cannot be read.", Sample: cmp.Or(a.Properties.Name, a.ID), Scope: scope}
		if err := h.out.Note(note); err != nil {
			return err
		}
	}
	if a.Properties.Name == "" && len(a.Properties.Location.Address) == 0 {
		return nil
	}
	described := h.describe(a)
	if other, taken := h.taken[described.ID]; taken {
		if other == a.key() {
			return nil // of two pages
		}
		return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "azuredatacatalog.twice", Title: "Two assets have one location, and the first one counts.", Sample: described.ID.Name})
	}
	h.taken[described.ID] = a.key()
	if len(described.Fields) > harvestv1.MaxFields {
		described.Fields = described.Fields[:harvestv1.MaxFields]
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "azuredatacatalog.many_columns", Title: "An asset has more columns than are kept.", Sample: described.ID.Name}); err != nil {
			return err
		}
	}
	h.n++
	if err := h.out.Progress(h.n, int64(len(h.known.assets)), "assets"); err != nil {
		return err
	}
	return h.out.Emit(described)
}

// describe makes the asset that Souk knows of one.
func (h *harvest) describe(a *asset) *sdk.Asset {
	p, notes := a.Properties, a.notes
	out := &sdk.Asset{
		ID: h.names.of(a), Scope: scope, Kind: a.kind(), Rank: sdk.Reference, ShortName: p.Name, Fields: h.fields(a), StableID: lastPart(a.ID),
		Properties: map[string]string{}, Definition: p.Value,
	}
	if out.Definition != "" {
		out.DefinitionLanguage = "mdx"
	}
	if n := len(notes.names); n > 0 {
		out.ShortName = cmp.Or(notes.names[n-1].Name, out.ShortName)
	}
	out.ShortName = cmp.Or(out.ShortName, out.ID.Name)
	out.Description = joined(notes.descriptions, func(d description) string { return d.Text }, "\n\n")
	for _, t := range notes.tags {
		out.Tags = append(out.Tags, t.Tag)
	}
	out.Tags = once(out.Tags)
	for _, r := range a.Roles {
		for _, m := range r.Members {
			if r.Role == "Owner" {
				out.Owners = append(out.Owners, m.name())
			}
		}
	}
	out.Owners = once(out.Owners)
	if holder, is := h.known.containers[lastPart(p.Container)]; is && holder != out.ID {
		out.Parent = &holder
	}
	h.properties(a, out.Properties)
	profiled(out, notes.profiles)
	return out
}

// properties keeps what has no place of its own.
func (h *harvest) properties(a *asset, to map[string]string) {
	notes := a.notes
	for name, value := range map[string]string{
		"sourceType": a.Properties.Source.System, "objectType": a.Properties.Source.Object, "registeredBy": a.Properties.Registered.name(),
		"experts":           strings.Join(once(texts(notes.experts, func(e expert) string { return e.Expert.name() })), ", "),
		"terms":             strings.Join(once(texts(notes.terms, h.term)), ", "),
		"documentation":     joined(notes.documentation, func(c content) string { return c.Text }, "\n\n"),
		"accessInstruction": joined(notes.access, func(c content) string { return c.Text }, "\n\n"),
	} {
		if value != "" {
			to[name] = value
		}
	}
}

// term is the name of a term, or its id where the export has no glossary.
func (h *harvest) term(t word) string {
	return cmp.Or(h.known.terms[lastPart(t.Term)], lastPart(t.Term))
}

// profiled takes over what a profile of the whole table says.
func profiled(a *sdk.Asset, profiles []profile) {
	for _, p := range profiles {
		a.Rows, a.Bytes = cmp.Or(p.Rows, a.Rows), cmp.Or(p.Bytes, a.Bytes)
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, p.Changed); err == nil {
				t = t.UTC().Truncate(time.Millisecond)
				a.ChangedAt = &t
			}
		}
	}
}

// fields gives the columns in the order of the schema. Words for a column that
// the schema no longer has are left out; without a schema they are all there is.
func (h *harvest) fields(a *asset) []sdk.Field {
	var out []sdk.Field
	at := map[string]int{}
	add := func(c column) {
		if _, there := at[c.Name]; there || c.Name == "" {
			return
		}
		at[c.Name] = len(out)
		out = append(out, sdk.Field{Name: c.Name, Position: len(out) + 1, NativeType: c.Type, Nullable: c.Nullable == nil || *c.Nullable})
	}
	for _, s := range a.notes.schemas {
		for _, c := range s.Columns {
			add(c)
		}
	}
	if len(out) == 0 {
		for _, d := range a.notes.columnWords {
			add(column{Name: d.Column})
		}
	}
	h.words(a, out, at)
	return out
}

func (h *harvest) words(a *asset, fields []sdk.Field, at map[string]int) {
	field := func(name string) *sdk.Field {
		if i, is := at[name]; is {
			return &fields[i]
		}
		return &sdk.Field{} // of a column that has gone
	}
	for _, d := range a.notes.columnWords {
		f := field(d.Column)
		f.Description = strings.Join(distinct([]string{f.Description, strings.TrimSpace(d.Text)}), "\n\n")
	}
	for _, t := range a.notes.columnTags {
		f := field(t.Column)
		f.Tags = once(append(f.Tags, t.Tag))
	}
	for _, t := range a.notes.columnTerms {
		f := field(t.Column)
		f.Meta = map[string]string{"terms": strings.Join(distinct(append(strings.Split(f.Meta["terms"], ", "), h.term(t))), ", ")}
	}
}

func texts[T any](list []T, text func(T) string) []string {
	var out []string
	for _, one := range list {
		out = append(out, strings.TrimSpace(text(one)))
	}
	return out
}

// joined puts what several people wrote one after another, each text once.
func joined[T any](list []T, text func(T) string, between string) string {
	return strings.Join(distinct(texts(list, text)), between)
}

// distinct keeps the order, and the first of what is there twice.
func distinct(list []string) []string {
	var out []string
	for _, text := range list {
		if text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// once gives each word once, sorted.
func once(list []string) []string {
	list = distinct(list)
	slices.Sort(list)
	return list
}

// text is a value of an address: a word or a number.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}
