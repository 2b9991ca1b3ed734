package impact

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// giving are the entries whose rules give something: one more opens more.
// Those of the others, denials and duties, take something away: one less does.
var giving = []string{"allow", "visible", "consent"}

// maxListed bounds a list of rules: whoever reads fifty has seen enough.
const maxListed = 50

// widened lists the rules by which the draft may open more than the package in
// force. It asks no questions and guesses nothing: a rule that gives has to
// show every condition of one that is in force, or narrower ones, and each
// denial and duty in force has to be there still, under the same conditions or
// fewer. Whatever the text does not prove counts as wider. Helpers and
// constants are read where they are used, so that a change of one counts too.
func widened(base, draft, platform *sandbox.Unit) (*wider, []model.PolicyProblem) {
	w := &wider{alone: draft.Domain == ""}
	for _, side := range []struct {
		of   *sandbox.Unit
		into **clauses
	}{{base, &w.was}, {draft, &w.is}, {platform, &w.platform}} {
		read, err := readClauses(side.of)
		if err != nil {
			return w, []model.PolicyProblem{unread(draft, err)}
		}
		*side.into = read
	}
	for _, entry := range sandbox.Entries {
		if slices.Contains(giving, entry) {
			w.gives(entry)
		} else {
			w.takes(entry, draft)
		}
	}
	return w, sandbox.InOrder(w.problems[:min(len(w.problems), maxListed)])
}

// wider compares what two packages say.
type wider struct {
	was, is  *clauses
	platform *clauses
	alone    bool     // what the draft limits is opened by packages that are not compared
	opening  []clause // by which the draft may open more
	problems []model.PolicyProblem
}

// gives looks for a rule that opens what no rule in force opens. Consent is
// wanted only where there are rules of consent: the first ones take away.
func (w *wider) gives(entry string) {
	if entry == "consent" && len(w.was.of[entry]) == 0 {
		return
	}
	if entry == "consent" && len(w.is.of[entry]) == 0 {
		w.note(w.was.of[entry][0], "without rules of consent nobody has to consent any more")
		return
	}
	open := w.was.of[entry]
	if entry == "visible" { // allow is heard beside it
		open = slices.Concat(open, w.was.of["allow"])
	}
	for _, c := range w.is.of[entry] {
		if !slices.ContainsFunc(open, func(o clause) bool { return o.covers(c, false) }) {
			w.opening = append(w.opening, c)
			w.note(c, "this rule of "+entry+" is not provably narrower than one in force, so it counts as loosening")
		}
	}
}

// takes looks for a denial or a duty that is gone, or comes less often.
func (w *wider) takes(entry string, draft *sandbox.Unit) {
	for _, o := range w.was.of[entry] {
		if slices.ContainsFunc(w.is.of[entry], func(c clause) bool { return c.covers(o, entry != "deny") }) || w.idle(o) {
			continue
		}
		if o.file == "" || !slices.Contains(sandbox.SortedFiles(draft.Parsed()), o.file) {
			o.file, o.line = sandbox.SortedFiles(draft.Parsed())[0], 1
		}
		w.note(o, "a rule of "+entry+" that is in force ("+o.short()+") is not provably kept, so this counts as loosening")
	}
}

// idle reports a denial or a duty that has nothing left to limit: nothing that
// the draft or the platform allows can come together with it.
func (w *wider) idle(limit clause) bool {
	if w.alone {
		return false
	}
	open := slices.Concat(w.is.of["allow"], w.is.of["visible"])
	for _, c := range w.platform.of["allow"] {
		if c.reaches(func(a model.Action) bool { return question.RightsByAction[a].Platform }) {
			open = append(open, c)
		}
	}
	return !slices.ContainsFunc(open, func(c clause) bool { return !c.excludes(limit) })
}

// reaches reports that the clause may be about such an action.
func (c clause) reaches(such func(model.Action) bool) bool {
	for _, p := range c.conditions {
		if p.field == "input.action.name" && p.among != nil {
			return slices.ContainsFunc(p.among.Slice(), func(t *ast.Term) bool {
				word, _ := t.Value.(ast.String)
				return such(model.Action(word))
			})
		}
	}
	return true
}

// excludes reports that the two clauses never hold together: they want
// different values of one field.
func (c clause) excludes(other clause) bool {
	return slices.ContainsFunc(c.conditions, func(a premise) bool {
		return slices.ContainsFunc(other.conditions, func(b premise) bool {
			return a.among != nil && b.among != nil && a.field == b.field && a.among.Intersect(b.among).Len() == 0
		})
	})
}

func (w *wider) note(c clause, message string) {
	p := model.PolicyProblem{
		Severity: sandbox.SeverityWarning, Code: "policy.loosens", File: c.file, Line: c.line, Message: message,
		Fix: "keep the conditions of the rule in force and add to them, or have the loosening approved",
	}
	if !slices.ContainsFunc(w.problems, func(o model.PolicyProblem) bool {
		return o.File == p.File && o.Line == p.Line && o.Message == p.Message
	}) {
		w.problems = append(w.problems, p)
	}
}

func unread(draft *sandbox.Unit, err error) model.PolicyProblem {
	return model.PolicyProblem{
		Severity: sandbox.SeverityWarning, Code: "policy.loosens", File: sandbox.SortedFiles(draft.Parsed())[0], Line: 1,
		Message: fmt.Sprintf("the rules could not be compared with those in force (%v), so they count as loosening", err), Fix: "have the loosening approved",
	}
}

// covers reports that whenever the narrow clause holds, this one does: each
// condition here follows from one there.
func (c clause) covers(narrow clause, sameHead bool) bool {
	if c.head != narrow.head && (sameHead || !c.plain) {
		return false
	}
	for _, wanted := range c.conditions {
		if !slices.ContainsFunc(narrow.conditions, func(n premise) bool { return n.implies(wanted) }) {
			return false
		}
	}
	// A variable that only lives inside a comprehension here must not be one of
	// the rule's own there: it would mean another thing.
	return !slices.ContainsFunc(narrow.outer, func(v ast.Var) bool { return slices.Contains(c.inner, v) })
}

// implies reports that the other condition holds wherever this one does.
func (p premise) implies(other premise) bool {
	switch {
	case p.text == other.text:
		return true
	case p.field == "" || p.field != other.field:
		return false
	case other.among != nil:
		return p.among != nil && p.among.Diff(other.among).Len() == 0
	case p.among != nil:
		return other.order != "" && !slices.ContainsFunc(p.among.Slice(), func(t *ast.Term) bool { return !inOrderOf(t.Value, other.order, other.bound) })
	case other.order == "" || p.order == "" || p.order[0] != other.order[0]:
		return false
	}
	// x < 3 implies x < 5; x <= 5 implies x < 5 for none.
	if p.bound.Compare(other.bound) == 0 {
		return p.order == other.order || len(other.order) == 2
	}
	return inOrderOf(p.bound, other.order, other.bound)
}

// inOrderOf compares two values as the rules would.
func inOrderOf(v ast.Value, order string, bound ast.Value) bool {
	n := v.Compare(bound)
	switch order {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}
