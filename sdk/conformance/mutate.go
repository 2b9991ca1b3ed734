package conformance

import (
	"context"
	"slices"
	"strings"
)

// mutate changes the source, wants exactly that difference, and changes it back.
func (s *suite) mutate() {
	if len(s.fixture.Mutations) == 0 {
		s.skip("the fixture has no Mutations, which change its source")
		return
	}
	clean := s.cleanHarvest()
	if clean == nil {
		return
	}
	for _, m := range s.fixture.Mutations {
		s.mutated(clean, m)
	}
	s.same(s.ways[0], clean, "the harvest after the changes were undone")
}

func (s *suite) mutated(clean *harvest, m Mutation) {
	if err := m.Do(s.ctx); err != nil {
		s.problem("%s: the fixture cannot change its source: %v", m.Name, err)
		return
	}
	defer func() {
		if err := m.Undo(context.WithoutCancel(s.ctx)); err != nil {
			s.problem("%s: the fixture cannot undo the change: %v", m.Name, err)
		}
	}()
	h := newHarvest(s.ctx)
	if _, err := s.ways[0].harvest(h, s.good()); err != nil {
		s.problem("%s: the harvest ends badly: %s", m.Name, describeError(err))
		return
	}
	var got []string
	for key, line := range h.records {
		switch old, had := clean.records[key]; {
		case !had:
			got = append(got, "added "+s.named(key))
		case old != line:
			got = append(got, "changed "+s.named(key))
		}
	}
	for key := range clean.records {
		if _, has := h.records[key]; !has {
			got = append(got, "removed "+s.named(key))
		}
	}
	for _, scope := range clean.scopes {
		if !slices.Contains(h.scopes, scope) {
			got = append(got, "incomplete "+s.named(scope))
		}
	}
	if diff := difference(m.wanted(), got); diff != "" {
		s.problem("%s: the harvest does not differ as it should:\n%s", m.Name, diff)
	}
}

// wanted are the differences, a line each.
func (m Mutation) wanted() (lines []string) {
	for word, names := range map[string][]string{"added ": m.Added, "removed ": m.Removed, "changed ": m.Changed, "incomplete ": m.Incomplete} {
		for _, name := range names {
			lines = append(lines, word+name)
		}
	}
	return lines
}

// named gives a name with the stand-ins of the fixture.
func (s *suite) named(name string) string {
	for old, stand := range s.fixture.Replace {
		name = strings.ReplaceAll(name, old, stand)
	}
	return name
}
