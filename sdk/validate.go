package sdk

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Validate reports why the host would refuse the record, as an *Error of
// ClassInternal: a record that is wrong is the plugin's fault.
func Validate(r Record) error {
	switch r := r.(type) {
	case *Asset:
		if r != nil {
			return r.validate()
		}
	case *Edge:
		if r != nil {
			return r.validate()
		}
	case *Quality:
		if r != nil {
			return r.validate()
		}
	}
	return badRecord("record", "", "is nil", "emit an *Asset, an *Edge or a *Quality")
}

func badRecord(what, field, message, fix string) error {
	return &Error{Class: ClassInternal, Code: "bad_record", Field: field, Message: fmt.Sprintf("the %s %s", what, message), Fix: fix}
}

func (id NativeID) validate(what, field string) error {
	switch {
	case id.Namespace == "":
		return badRecord(what, field+".namespace", fmt.Sprintf("%.200q has no namespace", id.Name), "give the OpenLineage namespace of the source")
	case id.Name == "":
		return badRecord(what, field+".name", fmt.Sprintf("in %.200q has no name", id.Namespace), "give the native name")
	}
	return nil
}

func (a *Asset) validate() error {
	if err := a.ID.validate("asset", "id"); err != nil {
		return err
	}
	what := fmt.Sprintf("asset %.200q", a.ID.Name)
	switch {
	case !a.Reference && a.Scope == "":
		return badRecord(what, "scope", "has no scope", "name the scope whose listing shows it")
	case a.Kind == "":
		return badRecord(what, "kind", "has no kind", "give one such as TABLE")
	case len(a.Fields) > harvestv1.MaxFields:
		return badRecord(what, "fields", fmt.Sprintf("has %d fields, and %d is the limit", len(a.Fields), harvestv1.MaxFields), "emit the first ones and note that some are left out")
	case !a.Rank.known():
		return badRecord(what, "rank", "has an unknown rank", "give Holder, Builder or Reference")
	}
	for i, f := range a.Fields {
		if f.Name == "" {
			return badRecord(what, "fields", fmt.Sprintf("has no name for its field %d", i+1), "name every field")
		}
		if !fits(f.Position) || !fits(f.PrimaryKey) {
			return badRecord(what, "fields", fmt.Sprintf("has a place out of range in its field %d", i+1), "count from 1")
		}
	}
	if err := a.validateDetails(what); err != nil {
		return err
	}
	return checkText(what, a.texts())
}

func (a *Asset) validateDetails(what string) error {
	if a.Parent != nil {
		if err := a.Parent.validate("parent", "parent"); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		field string
		n     int
	}{{"constraints", len(a.Constraints)}, {"indexes", len(a.Indexes)}} {
		if list.n > harvestv1.MaxFields {
			return badRecord(what, list.field, fmt.Sprintf("has %d %s, and %d is the limit", list.n, list.field, harvestv1.MaxFields), "emit the first ones and note that some are left out")
		}
	}
	for _, c := range a.Constraints {
		if c.Kind != Unique && c.Kind != Check {
			return badRecord(what, "constraints", fmt.Sprintf("has a constraint of the unknown kind %.40q", c.Kind), "give UNIQUE or CHECK; primary and foreign keys have places of their own")
		}
	}
	for _, r := range a.Runs {
		if !r.State.known() {
			return badRecord(what, "runs", fmt.Sprintf("has a run in the unknown state %.40q", r.State), "give RUNNING, SUCCEEDED, FAILED, CANCELLED, SKIPPED or UNKNOWN")
		}
	}
	if f := a.Freshness; f != nil && (f.WarnAfter < 0 || f.ErrorAfter < 0) {
		return badRecord(what, "freshness", "has a limit of its age below zero", "give how old the data may become, or leave it out")
	}
	return nil
}

func fits(n int) bool { return n >= 0 && n <= math.MaxInt32 }

func (a *Asset) texts() []string {
	texts := slices.Concat(a.Owners, a.OwnerRoles, a.Tags,
		[]string{a.ID.Namespace, a.ID.Name, a.Scope, a.Kind, a.ShortName, a.Description})
	for _, f := range a.Fields {
		texts = append(texts, f.Name, f.NativeType, f.Description, f.Default)
		texts = append(append(texts, f.Tags...), f.Values...)
		for key, value := range f.Meta {
			texts = append(texts, key, value)
		}
	}
	for _, k := range a.ForeignKeys {
		texts = slices.Concat(texts, k.Fields, k.ToFields, []string{k.Name, k.ToName})
	}
	for key, value := range a.Properties {
		texts = append(texts, key, value)
	}
	for _, other := range a.Aliases {
		texts = append(texts, other.Scheme, other.Namespace, other.Name)
	}
	return a.moreTexts(texts)
}

func (a *Asset) moreTexts(texts []string) []string {
	texts = append(texts, a.Definition, a.DefinitionLanguage, a.StableID)
	if a.Parent != nil {
		texts = append(texts, a.Parent.Namespace, a.Parent.Name)
	}
	for _, c := range a.Constraints {
		texts = append(append(texts, c.Fields...), c.Name, c.Kind, c.Expression)
	}
	for _, x := range a.Indexes {
		texts = append(append(texts, x.Fields...), x.Name, x.Expression, x.Method)
	}
	if a.Freshness != nil {
		texts = append(texts, a.Freshness.Field)
	}
	for _, r := range a.Runs {
		texts = append(texts, r.ID, string(r.State), r.Message)
	}
	return texts
}

func (e *Edge) validate() error {
	if err := e.From.validate("edge", "from"); err != nil {
		return err
	}
	if err := e.To.validate("edge", "to"); err != nil {
		return err
	}
	what := fmt.Sprintf("edge to %.200q", e.To.Name)
	switch {
	case e.Kind != "DERIVES" && e.Kind != "USES":
		return badRecord(what, "kind", fmt.Sprintf("has the unknown kind %.40q", e.Kind), "give DERIVES or USES")
	case !(e.Confidence >= 0 && e.Confidence <= 1): // also false for NaN
		return badRecord(what, "confidence", "has a confidence that is not between 0 and 1", "give a number between 0 and 1")
	}
	texts := []string{e.From.Namespace, e.From.Name, e.To.Namespace, e.To.Name, e.Scope, e.Method}
	for i, f := range e.Fields {
		if f.From == "" || f.To == "" {
			return badRecord(what, "fields", fmt.Sprintf("has no name at one end of its field %d", i+1), "name the field that is made and the one that it is made of, or leave it out")
		}
		texts = append(texts, f.From, f.To, f.Transform)
	}
	return checkText(what, texts)
}

func (q *Quality) validate() error {
	if err := q.Asset.validate("test", "asset"); err != nil {
		return err
	}
	what := fmt.Sprintf("test of %.200q", q.Asset.Name)
	if q.Key == "" {
		return badRecord(what, "key", "has no key", "give the source's stable name of the test")
	}
	texts := []string{q.Asset.Namespace, q.Asset.Name, q.Scope, q.Key, q.Name, q.Rule, q.Field, q.Severity}
	if q.Result != nil {
		texts = append(texts, q.Result.Status, q.Result.Message)
	}
	for key, value := range q.Arguments {
		texts = append(texts, key, value)
	}
	return checkText(what, texts)
}

func checkText(what string, texts []string) error {
	if i := slices.IndexFunc(texts, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
		return badRecord(what, "", fmt.Sprintf("holds text that is no UTF-8: %.60q", texts[i]), "convert the text, or replace what is broken with strings.ToValidUTF8")
	}
	return nil
}
