package dbt

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// emitTests emits each test of the project against the node that it tests.
func (p *project) emitTests() error {
	for _, id := range p.manifest.ids() {
		n := p.manifest.Nodes[id]
		if n.Type != "test" && n.Type != "unit_test" {
			continue
		}
		tested := p.tested(n)
		if tested == nil {
			if err := p.note(sdk.InfoLevel, "dbt.test_without_node", "A test names no node that is harvested.", id); err != nil {
				return err
			}
			continue
		}
		if err := p.out.Emit(p.quality(n, tested)); err != nil {
			return err
		}
	}
	return nil
}

func (p *project) quality(n, tested *node) *sdk.Quality {
	q := &sdk.Quality{
		Asset: p.id(tested), Scope: p.scope(), Key: n.UniqueID, Name: string(n.Name), Rule: "singular",
		Field: string(n.ColumnName), Severity: strings.ToLower(cmp.Or(string(n.Config.Severity), "error")),
	}
	if n.Type == "unit_test" {
		q.Rule = "unit_test"
	}
	if n.TestMetadata != nil {
		q.Rule, q.Arguments = cmp.Or(string(n.TestMetadata.Name), "generic"), argumentsOf(n.TestMetadata.Kwargs)
		if names := n.TestMetadata.Kwargs.texts("column_name"); q.Field == "" && len(names) == 1 {
			q.Field = names[0]
		}
	}
	q.Field = p.realName(q.Asset, q.Field)
	if ran, ok := p.runs.By[n.UniqueID]; ok {
		failures, _ := strconv.ParseInt(string(ran.Failures), 10, 64)
		// Only the first line of a message: the others may quote rows.
		message, _, _ := strings.Cut(string(ran.Message), "\n")
		q.Result = &sdk.Result{Status: statusOf(string(ran.Status)), Failures: failures, Message: message, At: p.runs.at(ran)}
	}
	return q
}

// argumentsOf gives what a test is given beside the node and the column that it tests.
func argumentsOf(kwargs dict) map[string]string {
	given := maps.Clone(kwargs)
	delete(given, "model")
	delete(given, "column_name")
	return given.named()
}

// realName is the name that the field of the asset has, where the test writes
// it in quotes or in another case.
func (p *project) realName(asset sdk.NativeID, name string) string {
	if i := find(p.fields[asset], name, nil); i >= 0 {
		return p.fields[asset][i].Name
	}
	return unquoted(name)
}

func statusOf(s string) string {
	switch s = strings.ToLower(s); s {
	case "success":
		return "pass"
	case "runtime error":
		return "error"
	case "partial success":
		return "warn"
	case "pass", "fail", "warn", "error", "skipped":
		return s
	}
	return "error"
}

// tested finds the node that a test is about: the attached one, or the one its
// model argument refers to, or the first that it depends on.
func (p *project) tested(n *node) *node {
	if a := p.manifest.Nodes[string(n.Attached)]; a != nil && isAsset(a) {
		return a
	}
	below := p.assetsBelow(n, map[string]bool{})
	if n.TestMetadata != nil {
		referred := referredBy(n.TestMetadata.Kwargs["model"])
		if i := slices.IndexFunc(below, referred.means); i >= 0 {
			return below[i]
		}
	}
	if len(below) == 0 {
		return nil
	}
	return below[0]
}

// reference is a call of ref() or source() in the arguments of a test.
type reference struct {
	source  bool
	of      string // the package of a model, or the source of a table; "" where the call does not say
	name    string
	version string
}

var (
	callShape = regexp.MustCompile(`\b(ref|source)\s*\(([^)]*)\)`)
	wordShape = regexp.MustCompile(`(?:(\w+)\s*=\s*)?(?:'([^']*)'|"([^"]*)"|([\w.]+))`)
)

// referredBy reads the call in a test's model argument.
func referredBy(raw json.RawMessage) reference {
	var model text
	_ = model.UnmarshalJSON(raw)
	call := callShape.FindStringSubmatch(string(model))
	if call == nil {
		return reference{}
	}
	r := reference{source: call[1] == "source"}
	var words []string
	for _, m := range wordShape.FindAllStringSubmatch(call[2], -1) {
		value := m[2] + m[3] + m[4]
		switch m[1] {
		case "v", "version":
			r.version = value
		case "":
			words = append(words, value)
		}
	}
	if len(words) == 0 {
		return reference{}
	}
	if r.name = words[len(words)-1]; len(words) > 1 {
		r.of = words[0]
	}
	return r
}

// means reports whether the call is one of the node.
func (r reference) means(n *node) bool {
	if r.name == "" || string(n.Name) != r.name || (n.Type == "source") != r.source {
		return false
	}
	of := n.Package
	if r.source {
		of = n.SourceName
	}
	return (r.of == "" || string(of) == r.of) && (r.version == "" || string(n.NodeVersion) == r.version)
}

// emitFreshness emits the freshness of the sources that have a limit or a measurement.
func (p *project) emitFreshness() error {
	for _, id := range p.manifest.ids() {
		n := p.manifest.Nodes[id]
		measured, ok := p.freshness.By[id]
		if n.Type != "source" || !ok && freshnessOf(n) == nil {
			continue
		}
		q := &sdk.Quality{Asset: p.id(n), Scope: p.scope(), Key: "freshness." + id, Name: "freshness of " + string(n.Name), Rule: "freshness"}
		if ok {
			q.Result = p.freshnessResult(measured)
		}
		if err := p.out.Emit(q); err != nil {
			return err
		}
	}
	return nil
}

func (p *project) freshnessResult(measured result) *sdk.Result {
	r := &sdk.Result{Status: statusOf(string(measured.Status)), At: p.freshness.at(measured)}
	loaded := parseTime(measured.MaxLoadedAt)
	switch {
	case loaded.IsZero() && measured.MaxLoadedAt == "":
		r.Message = "the source could not be measured"
	case loaded.Year() <= 1: // dbt writes the year 1 for a table without rows
		r.Message = "the table is empty"
	default:
		r.Message = "last loaded at " + loaded.Format(time.RFC3339)
	}
	if r.Status == "fail" || r.Status == "error" {
		r.Failures = 1
	}
	return r
}
