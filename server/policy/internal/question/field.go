package question

import "strings"

// Set puts a word into a field of a question that is made up, or reports that
// it cannot.
func Set(q *Question, field, value string) bool {
	if f := FieldAt(field); f != nil {
		return f.vary != nil && f.vary(q, value)
	}
	name, ok := strings.CutPrefix(field, "properties.")
	return ok && setProperty(&q.Properties, name, value)
}

// setProperty sets what another door says, such as subject.office.
func setProperty(p *Properties, field, value string) bool {
	of, name, ok := strings.Cut(field, ".")
	if !ok || strings.Contains(name, ".") {
		return false
	}
	one := map[string]any{name: value}
	switch of {
	case "subject":
		p.Subject = one
	case "action":
		p.Action = one
	case "resource":
		p.Resource = one
	case "context":
		p.Context = one
	default:
		return false
	}
	return true
}
