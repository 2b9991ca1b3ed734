// Package verdict is what packages of rules say and what that comes to. It owns
// the reading of one package's answer, the obligations and approvals with their
// strictness, the combination of several answers into a decision, and how two
// decisions on one question differ.
//
// It refuses an answer that it does not understand to the letter: a duty that
// is dropped in silence would be a leak.
package verdict

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Verdict is what one package said.
type Verdict struct {
	Origin      string
	allow       []model.Reason
	Deny        []model.Reason
	Consent     []model.Reason
	obligations []model.Obligation
	approvals   []model.Approval
	Steps       int
	Fault       *sandbox.Fault
}

// Read takes the answer of the package over. Whatever it does not understand
// is a fault: an obligation that is dropped in silence would be a leak.
func (v *Verdict) Read(term *ast.Term) *sandbox.Fault {
	answer, ok := question.ValueOf[ast.Object](term)
	if !ok {
		return &sandbox.Fault{Code: sandbox.CodeInvalidOutput, Message: "the answer is no object"}
	}
	r := Reader{Origin: v.Origin, Left: sandbox.MaxOutput}
	answer.Foreach(func(key, value *ast.Term) {
		name, _ := key.Value.(ast.String)
		r.At = string(name)
		switch r.At {
		case "allow":
			v.allow = each(&r, value, r.reason)
		case "visible":
			v.allow = append(v.allow, each(&r, value, r.reason)...)
		case "deny":
			v.Deny = each(&r, value, r.reason)
		case "consent":
			v.Consent = each(&r, value, r.reason)
		case "obligations":
			v.obligations = each(&r, value, r.obligation)
		case "approvals":
			v.approvals = each(&r, value, r.approval)
		}
	})
	return r.fault
}

// Reader reads the members of one answer and keeps the first fault.
type Reader struct {
	Origin string
	At     string // the entry that is being read
	Left   int    // bytes that the answer may still hold
	fault  *sandbox.Fault
}

func (r *Reader) fail(format string, args ...any) {
	if r.fault == nil {
		r.fault = &sandbox.Fault{Code: sandbox.CodeInvalidOutput, Message: r.At + ": " + fmt.Sprintf(format, args...)}
	}
}

func (r *Reader) spend(n int) {
	if r.Left -= n; r.Left < 0 {
		r.fail("the answer is larger than %d KiB", sandbox.MaxOutput>>10)
	}
}

func each[T any](r *Reader, t *ast.Term, one func(ast.Object) T) []T {
	set, ok := question.ValueOf[ast.Set](t)
	if !ok {
		r.fail("must be a set")
		return nil
	}
	if set.Len() == 0 {
		return nil
	}
	items := make([]T, 0, set.Len())
	set.Foreach(func(member *ast.Term) {
		if r.fault != nil {
			return
		}
		o, ok := question.ValueOf[ast.Object](member)
		if !ok {
			r.fail("each member must be an object")
			return
		}
		r.spend(16)
		items = append(items, one(o))
	})
	return items
}

func (r *Reader) reason(o ast.Object) model.Reason {
	return model.Reason{Code: r.text(o, KeyCode, true), Message: r.text(o, KeyMessage, true), Origin: r.Origin}
}

func (r *Reader) obligation(o ast.Object) model.Obligation {
	ob := model.Obligation{ID: r.text(o, keyID, true), Type: model.ObligationType(r.text(o, keyType, true)), Mandatory: true}
	if t := o.Get(keyMandatory); t != nil {
		b, ok := t.Value.(ast.Boolean)
		if !ok {
			r.fail("mandatory must be true or false")
		}
		ob.Mandatory = bool(b)
	}
	if t := o.Get(keyParams); t != nil {
		ob.Params = r.params(t)
	}
	if err := checkObligation(ob); err != nil {
		r.fail("%v", err)
	}
	return ob
}

func (r *Reader) params(t *ast.Term) map[string]string {
	o, ok := question.ValueOf[ast.Object](t)
	if !ok {
		r.fail("params must be an object")
		return nil
	}
	params := make(map[string]string, o.Len())
	o.Foreach(func(key, value *ast.Term) {
		name, _ := key.Value.(ast.String)
		switch v := value.Value.(type) {
		case ast.String:
			params[string(name)] = string(v)
		case ast.Number:
			params[string(name)] = v.String()
		default:
			r.fail("the parameter %s must be a text or a number", name)
		}
		r.spend(len(name) + len(params[string(name)]))
	})
	return params
}

func (r *Reader) approval(o ast.Object) model.Approval {
	a := model.Approval{Role: model.ApproverRole(r.text(o, keyRole, true)), Domain: model.Slug(r.text(o, KeyDomain, false)), Min: 1, ExcludeRequester: true}
	if t := o.Get(keyMin); t != nil {
		n, err := strconv.Atoi(t.Value.String())
		if err != nil || n < 1 || n > 10 {
			r.fail("min must be a whole number from 1 to 10")
		}
		a.Min = n
	}
	if t := o.Get(keyExclude); t != nil {
		b, ok := t.Value.(ast.Boolean)
		if !ok {
			r.fail("exclude_requester must be true or false")
		}
		a.ExcludeRequester = bool(b)
	}
	if !slices.Contains(model.ApproverRoles(), a.Role) {
		r.fail("%q is no role that can approve (use domain_steward, product_owner or platform_steward)", a.Role)
	}
	return a
}

func (r *Reader) text(o ast.Object, key *ast.Term, needed bool) string {
	t := o.Get(key)
	if t == nil {
		if needed {
			r.fail("a member has no %s", key)
		}
		return ""
	}
	s, ok := t.Value.(ast.String)
	if !ok || (needed && s == "") {
		r.fail("%s must be a text", key)
	}
	r.spend(len(s))
	return string(s)
}

// The keys of the members of an answer, built once.
var (
	KeyCode, KeyMessage, keyRole = ast.StringTerm("code"), ast.StringTerm("message"), ast.StringTerm("role")
	keyMandatory, keyParams      = ast.StringTerm("mandatory"), ast.StringTerm("params")
	keyID, keyType, KeyDomain    = ast.StringTerm("id"), ast.StringTerm("type"), ast.StringTerm("domain")
	keyMin, keyExclude           = ast.StringTerm("min"), ast.StringTerm("exclude_requester")
)

// CodeOf is the code of a reason that is written out, or "".
func CodeOf(r *ast.Rule) string {
	reason, ok := question.ValueOf[ast.Object](r.Head.Key)
	if !ok {
		return ""
	}
	code, _ := question.ValueOf[ast.String](reason.Get(KeyCode))
	return string(code)
}

// Refuses reports that nothing else can allow any more.
func (v Verdict) Refuses() bool { return v.Fault != nil || len(v.Deny) > 0 }
