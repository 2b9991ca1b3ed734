package question

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// Set puts a word into a field of the question, or reports that it cannot.
func Set(q *Question, field, value string) bool {
	part, name, _ := strings.Cut(field, ".")
	switch part {
	case "subject":
		return setSubject(&q.Subject, name, value)
	case "resource":
		return setResource(&q.Resource, name, value)
	case "context":
		return setContext(&q.Context, name, value)
	}
	return setProperty(&q.Properties, name, value)
}

func setSubject(s *Subject, name, value string) bool {
	switch name {
	case "type":
		s.Type = value
	case "domain":
		s.Domain = model.Slug(value)
	case "teams":
		s.Teams = []string{value}
	case "steward_of":
		s.StewardOf = append(slices.Clone(s.StewardOf), model.Slug(value))
	case "roles":
		s.Roles = append(slices.Clone(s.Roles), model.Role(value))
	case "clearance":
		s.Clearance = model.Classification(value)
	case "region":
		s.Region = value
	default:
		return false
	}
	return true
}

func setResource(r *Resource, name, value string) bool {
	switch name {
	case "type":
		r.Type = value
	case "name":
		r.Name = value
	case "owner_team":
		r.OwnerTeam = value
	case "classification":
		r.Classification = model.Classification(value)
	case "visibility":
		r.Visibility = model.Visibility(value)
	case "status":
		r.Status = value
	case "tags":
		r.Tags = []string{value}
	case "ports":
		r.Ports, _ = strconv.Atoi(value)
	default:
		return false
	}
	return true
}

func setContext(c *Context, name, value string) bool {
	switch name {
	case "purpose":
		c.Purpose = value
	case "channel":
		c.Channel = value
	case "duration_s":
		n, _ := strconv.Atoi(value)
		c.Duration = time.Duration(n) * time.Second
	case "now":
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return false
		}
		c.Now = at
	default:
		return false
	}
	return true
}

// setProperty sets what another door says, such as subject.office.
func setProperty(p *Properties, field, value string) bool {
	part, name, ok := strings.Cut(field, ".")
	if !ok || strings.Contains(name, ".") {
		return false
	}
	one := map[string]any{name: value}
	switch part {
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
