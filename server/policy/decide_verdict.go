package policy

import (
	"fmt"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/souk-mesh/souk/graph/model"
)

// The codes of refusals that no rule wrote. They never change.
const (
	codeNoRule        = "no.rule"
	codeSteps         = "engine.steps"
	codeInput         = "engine.invalid_input"
	codeTimeout       = "engine.timeout"
	codeMemory        = "engine.memory"
	codeCancelled     = "engine.cancelled"
	codeError         = "engine.error"
	codeBusy          = "engine.busy"
	codeAction        = "engine.unknown_action"
	codeInvalidOutput = "engine.invalid_output"
	codeQuarantined   = "domain.quarantined"
	codeNoConsent     = "domain.no_consent"
)

// fault is trouble in the engine, as a refusal tells it.
type fault struct{ code, message string }

// verdict is what one package said.
type verdict struct {
	origin      string
	allow       []model.Reason
	deny        []model.Reason
	consent     []model.Reason
	obligations []model.Obligation
	approvals   []model.Approval
	steps       int
	fault       *fault
}

// read takes the answer of the package over. Whatever it does not understand
// is a fault: an obligation that is dropped in silence would be a leak.
func (v *verdict) read(term *ast.Term) *fault {
	answer, ok := valueOf[ast.Object](term)
	if !ok {
		return &fault{codeInvalidOutput, "the answer is no object"}
	}
	r := reader{origin: v.origin, left: maxOutput}
	answer.Foreach(func(key, value *ast.Term) {
		name, _ := key.Value.(ast.String)
		r.at = string(name)
		switch r.at {
		case "allow":
			v.allow = each(&r, value, r.reason)
		case "visible":
			v.allow = append(v.allow, each(&r, value, r.reason)...)
		case "deny":
			v.deny = each(&r, value, r.reason)
		case "consent":
			v.consent = each(&r, value, r.reason)
		case "obligations":
			v.obligations = each(&r, value, r.obligation)
		case "approvals":
			v.approvals = each(&r, value, r.approval)
		}
	})
	return r.fault
}

func valueOf[T ast.Value](t *ast.Term) (T, bool) {
	var none T
	if t == nil {
		return none, false
	}
	v, ok := t.Value.(T)
	return v, ok
}

// reader reads the members of one answer and keeps the first fault.
type reader struct {
	origin string
	at     string // the entry that is being read
	left   int    // bytes that the answer may still hold
	fault  *fault
}

func (r *reader) fail(format string, args ...any) {
	if r.fault == nil {
		r.fault = &fault{codeInvalidOutput, r.at + ": " + fmt.Sprintf(format, args...)}
	}
}

func (r *reader) spend(n int) {
	if r.left -= n; r.left < 0 {
		r.fail("the answer is larger than %d KiB", maxOutput>>10)
	}
}

func each[T any](r *reader, t *ast.Term, one func(ast.Object) T) []T {
	set, ok := valueOf[ast.Set](t)
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
		o, ok := valueOf[ast.Object](member)
		if !ok {
			r.fail("each member must be an object")
			return
		}
		r.spend(16)
		items = append(items, one(o))
	})
	return items
}

func (r *reader) reason(o ast.Object) model.Reason {
	return model.Reason{Code: r.text(o, keyCode, true), Message: r.text(o, keyMessage, true), Origin: r.origin}
}

func (r *reader) obligation(o ast.Object) model.Obligation {
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

func (r *reader) params(t *ast.Term) map[string]string {
	o, ok := valueOf[ast.Object](t)
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

func (r *reader) approval(o ast.Object) model.Approval {
	a := model.Approval{Role: r.text(o, keyRole, true), Domain: model.Slug(r.text(o, keyDomain, false)), Min: 1, ExcludeRequester: true}
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
	if !approvers[a.Role] {
		r.fail("%q is no role that can approve (use domain_steward, product_owner or platform_steward)", a.Role)
	}
	return a
}

// approvers are the roles that the server can find holders of.
var approvers = map[string]bool{"domain_steward": true, "product_owner": true, "platform_steward": true}

func (r *reader) text(o ast.Object, key *ast.Term, needed bool) string {
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

var (
	keyCode, keyMessage, keyRole = ast.StringTerm("code"), ast.StringTerm("message"), ast.StringTerm("role")
	keyMandatory, keyParams      = ast.StringTerm("mandatory"), ast.StringTerm("params")
	keyMin, keyExclude           = ast.StringTerm("min"), ast.StringTerm("exclude_requester")
)
