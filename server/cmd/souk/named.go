package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/mesh"
)

// maxNames bounds how many names are read to find the one that was meant.
const maxNames = 1000

// durationFlag reads a length of time as every other door does.
type durationFlag struct{ value *time.Duration }

// String shows the default.
func (d durationFlag) String() string {
	if d.value == nil {
		return ""
	}
	return fmt.Sprintf("%dd", *d.value/(24*time.Hour))
}

// Type is what a value of it is called.
func (durationFlag) Type() string { return "TIME" }

// Set takes one over.
func (d durationFlag) Set(text string) (err error) {
	*d.value, err = model.ParseDuration("", text)
	return err
}

// duration adds a flag for a length of time; by default it is whole days.
func (f *flags) duration(name string, value time.Duration, usage string) *time.Duration {
	f.Var(durationFlag{&value}, name, usage+", as `days` such as 90d, or hours such as 36h")
	return &value
}

// idOf reports an id that cannot be one of the noun's.
func idOf(field string, prefix model.Prefix, id string) error {
	if id == "" || model.ID(id).Prefix() == prefix {
		return nil
	}
	return model.Invalid(field, fmt.Sprintf("%q is no id of the right kind", id), fmt.Sprintf("it begins with %s_", prefix))
}

// oneOf reports a word that is none of those known.
func oneOf[W ~string](field, what string, word string, known []W) error {
	if word == "" || slices.Contains(known, W(word)) {
		return nil
	}
	return model.Invalid(field, fmt.Sprintf("there is no %s %q", what, word), model.DidYouMean(word, known))
}

// pages reads a list from its beginning.
func pages[T any](ctx context.Context, list func(context.Context, model.Paging) (model.Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			page, err := list(ctx, model.Paging{First: 200, After: after})
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, n := range page.Nodes {
				if !yield(n, nil) {
					return
				}
			}
			if !page.More {
				return
			}
			after = page.Cursors[len(page.Cursors)-1]
		}
	}
}

// nearest makes the error about a name that is not there tell of the one that
// was meant.
func nearest[T any](absent error, field, what, word string, all iter.Seq2[T, error], name func(T) string) error {
	var names []string
	for n, err := range all {
		if err != nil || len(names) == maxNames {
			return absent
		}
		names = append(names, name(n))
	}
	if len(names) == 0 {
		return model.Invalid(field, fmt.Sprintf("there is no %s %q", what, word), "there is none at all yet")
	}
	return oneOf(field, what, word, names)
}

func unknownPrincipal(ctx context.Context, s *server.Server, name string, absent error) error {
	return nearest(absent, "PRINCIPAL", "principal", name, pages(ctx, s.Identity.Principals), func(p model.Principal) string { return p.Name })
}

func unknownSource(ctx context.Context, s *server.Server, name string, absent error) error {
	all := func(ctx context.Context, p model.Paging) (model.Page[model.Source], error) {
		return s.Harvest.Sources(ctx, "", p)
	}
	return nearest(absent, "SOURCE", "source", name, pages(ctx, all), func(n model.Source) string { return string(n.Name) })
}

func unknownDomain(ctx context.Context, s *server.Server, field, name string, absent error) error {
	all := func(ctx context.Context, p model.Paging) (model.Page[model.Domain], error) {
		return s.Mesh.Domains(ctx, mesh.DomainFilter{}, p)
	}
	return nearest(absent, field, "domain", name, pages(ctx, all), func(d model.Domain) string { return string(d.Name) })
}

func knownPlugin(ctx context.Context, s *server.Server, field, name string) error {
	var names []string
	for _, info := range s.Harvest.Plugins(ctx) {
		names = append(names, info.Name)
	}
	return oneOf(field, "plugin", name, names)
}

// mentioned reports what a filter names and the log has never heard of: an
// empty answer would look like a quiet year.
func mentioned(ctx context.Context, log *decisionlog.Log, f decisionlog.Filter) error {
	for _, c := range []struct {
		field, what, word string
		alone             decisionlog.Filter
	}{
		{"--domain", "domain", string(f.Domain), decisionlog.Filter{Domain: f.Domain}},
		{"--principal", "principal", string(f.PrincipalID), decisionlog.Filter{PrincipalID: f.PrincipalID}},
		{"--resource", "record", string(f.ResourceID), decisionlog.Filter{ResourceID: f.ResourceID}},
	} {
		if c.word == "" {
			continue
		}
		known, err := anyOf(log.Newest(ctx, c.alone))
		if err != nil {
			return err
		}
		if !known {
			hint := "look the id up first"
			if c.field == "--domain" {
				hint = nearestDomain(ctx, log, f.Domain)
			}
			return model.Invalid(c.field, fmt.Sprintf("the log has no decision about the %s %q", c.what, c.word), hint)
		}
	}
	return nil
}

func anyOf[T any](all iter.Seq2[T, error]) (bool, error) {
	for _, err := range all {
		return err == nil, err
	}
	return false, nil
}

// nearestDomain looks for the domain that was meant among the newest decisions.
func nearestDomain(ctx context.Context, log *decisionlog.Log, name model.Slug) string {
	var names []model.Slug
	rows := 0
	for d, err := range log.Newest(ctx, decisionlog.Filter{}) {
		if rows++; err != nil || rows > 10*maxNames {
			break
		}
		if d.Domain != "" && !slices.Contains(names, d.Domain) {
			names = append(names, d.Domain)
		}
	}
	return model.DidYouMean(string(name), names)
}
