package sdk

import (
	"strings"
	"unicode/utf8"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// The code of the note on what Cut has left out.
const codeCut = "host.cut"

// Cut brings what a source may say at length down to what is kept: long texts
// lose their end, which an ellipsis in the last line tells, old runs and the
// fields of an edge beyond their limit are left out, and a list of values that
// is too long is left out whole, since a part of it would say too little. It
// reports the note to send of it. The sink and the host both do it, so that it
// counts for plugins in every language. What clean takes out of a text goes
// before the text is cut, since a half of it would not be known again.
func Cut(r Record, clean func(text string) string) (Note, bool) {
	c := cutter{clean: clean}
	var about string
	switch r := r.(type) {
	case *Asset:
		c.asset(r)
		about = r.ID.Name
	case *Edge:
		c.edge(r)
		about = r.To.Name
	case *Quality:
		if r.Result != nil {
			c.text(&r.Result.Message, harvestv1.MaxMessageText)
		}
		about = r.Asset.Name
	}
	return Note{
		Level: InfoLevel, Code: codeCut, Sample: about,
		Title: "A definition, a message or a list is longer than what is kept, and was cut: 64 KiB of a definition, 2 KiB of a message, 25 runs, 1,000 values, 10,000 fields of an edge.",
	}, c.cut
}

// cutter remembers whether it has cut anything.
type cutter struct {
	clean func(string) string
	cut   bool
}

func (c *cutter) asset(a *Asset) {
	c.text(&a.Definition, harvestv1.MaxDefinition)
	for i := range a.Constraints {
		c.text(&a.Constraints[i].Expression, harvestv1.MaxDefinition)
	}
	for i := range a.Indexes {
		c.text(&a.Indexes[i].Expression, harvestv1.MaxDefinition)
	}
	for i := range a.Fields {
		if len(a.Fields[i].Values) > harvestv1.MaxValues {
			a.Fields[i].Values, c.cut = nil, true
		}
	}
	if len(a.Runs) > harvestv1.MaxRuns {
		a.Runs = a.Runs[:harvestv1.MaxRuns] // every source has more, so that it is no news
	}
	for i := range a.Runs {
		c.text(&a.Runs[i].Message, harvestv1.MaxMessageText)
	}
}

func (c *cutter) edge(e *Edge) {
	if len(e.Fields) > harvestv1.MaxFieldEdges {
		e.Fields, c.cut = e.Fields[:harvestv1.MaxFieldEdges], true
	}
	for i := range e.Fields {
		c.text(&e.Fields[i].Transform, harvestv1.MaxMessageText)
	}
}

const cutMark = "\n…"

// text cuts at a whole letter. What was cut before is as long as is allowed.
func (c *cutter) text(s *string, most int) {
	if len(*s) <= most {
		return
	}
	if *s = c.clean(*s); len(*s) <= most {
		return
	}
	end := most - len(cutMark)
	for end > 0 && !utf8.RuneStart((*s)[end]) {
		end--
	}
	*s, c.cut = strings.Clone((*s)[:end])+cutMark, true
}
