package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// MaskStrength orders the masks: the stronger one shows less.
var MaskStrength = map[string]int{"none": 0, "partial": 1, "hash": 2, "null": 3}

// FilterOps are the comparisons that a row filter may make.
var FilterOps = []string{"eq", "ne", "lt", "le", "gt", "ge", "in"}

// duty says which parameters an obligation needs and which it may have.
type duty struct{ Needs, May []string }

// Duties says of each type of obligation which parameters it has.
var Duties = map[model.ObligationType]duty{
	model.ObligeMask:        {Needs: []string{"field", "with"}},
	model.ObligeRowFilter:   {Needs: []string{"field", "op", "value"}},
	model.ObligeLog:         {May: []string{"note"}},
	model.ObligeWatermark:   {May: []string{"text"}},
	model.ObligeTTLMax:      {Needs: []string{"duration_s"}},
	model.ObligeNoExport:    {},
	model.ObligeAcknowledge: {Needs: []string{"text"}},
}

// checkObligation refuses what the server could not carry out to the letter.
func checkObligation(o model.Obligation) error {
	d, ok := Duties[o.Type]
	if !ok {
		return fmt.Errorf("%q is no type of obligation", o.Type)
	}
	for _, name := range d.Needs {
		if o.Params[name] == "" {
			return fmt.Errorf("the obligation %s (%s) needs the parameter %s", o.ID, o.Type, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if !slices.Contains(d.Needs, name) && !slices.Contains(d.May, name) {
			return fmt.Errorf("the obligation %s (%s) has no parameter %s", o.ID, o.Type, name)
		}
	}
	return checkParams(o)
}

func checkParams(o model.Obligation) error {
	switch o.Type {
	case model.ObligeMask:
		if _, ok := MaskStrength[o.Params["with"]]; !ok {
			return fmt.Errorf("the mask %s must be null, hash, partial or none", o.ID)
		}
	case model.ObligeRowFilter:
		if !slices.Contains(FilterOps, o.Params["op"]) {
			return fmt.Errorf("the row filter %s must compare by %s", o.ID, strings.Join(FilterOps, ", "))
		}
	case model.ObligeTTLMax:
		if _, err := seconds(o); err != nil {
			return err
		}
	case model.ObligeLog, model.ObligeWatermark, model.ObligeNoExport, model.ObligeAcknowledge:
	}
	return nil
}

// maxTTL keeps the seconds of a ttl_max inside a time.Duration.
const maxTTL = 100 * 366 * 24 * 3600

func seconds(o model.Obligation) (time.Duration, error) {
	n, err := strconv.Atoi(o.Params["duration_s"])
	if err != nil || n < 1 || n > maxTTL {
		return 0, fmt.Errorf("duration_s of %s must be a whole number of seconds", o.ID)
	}
	return time.Duration(n) * time.Second, nil
}

// subject is what an obligation is about. Two about the same thing become one.
func subject(o model.Obligation) string {
	switch o.Type {
	case model.ObligeMask:
		return string(o.Type) + " " + o.Params["field"]
	case model.ObligeRowFilter:
		return strings.Join([]string{string(o.Type), o.Params["field"], o.Params["op"], o.Params["value"]}, "\x00")
	case model.ObligeAcknowledge:
		return string(o.Type) + " " + o.Params["text"]
	case model.ObligeLog, model.ObligeWatermark, model.ObligeTTLMax, model.ObligeNoExport:
	}
	return string(o.Type)
}

// strictness orders obligations about the same thing; the first is kept.
func strictness(a, b model.Obligation) int {
	switch a.Type {
	case model.ObligeMask:
		if c := cmp.Compare(MaskStrength[b.Params["with"]], MaskStrength[a.Params["with"]]); c != 0 {
			return c
		}
	case model.ObligeTTLMax:
		x, _ := seconds(a)
		y, _ := seconds(b)
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	case model.ObligeRowFilter, model.ObligeLog, model.ObligeWatermark, model.ObligeNoExport, model.ObligeAcknowledge:
	}
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Params["text"], b.Params["text"]), cmp.Compare(a.Params["note"], b.Params["note"]))
}

// uniteObligations is the union by strictness: of two masks on one field the
// one that shows less, of two limits the shorter; mandatory if any says so.
func uniteObligations(all []model.Obligation) []model.Obligation {
	if len(all) == 0 {
		return nil
	}
	kept := map[string]model.Obligation{}
	for _, o := range all {
		key := subject(o)
		other, ok := kept[key]
		if !ok {
			kept[key] = o
			continue
		}
		mandatory := o.Mandatory || other.Mandatory
		if strictness(o, other) > 0 {
			o = other
		}
		o.Mandatory = mandatory
		kept[key] = o
	}
	return slices.SortedFunc(maps.Values(kept), func(a, b model.Obligation) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(subject(a), subject(b)))
	})
}

// Strictest joins decisions that must all hold: the first that is no allow
// stands, and otherwise the duties of all are the union by strictness.
func Strictest(decisions ...model.Decision) model.Decision {
	var all []model.Obligation
	for _, d := range decisions {
		if !d.Allowed() {
			return d
		}
		all = append(all, d.Obligations...)
	}
	joined := decisions[0]
	joined.Obligations = uniteObligations(all)
	joined.TTLMax = ttlOf(joined.Obligations)
	return joined
}

// uniteApprovals is the union: for one role over one domain, the most votes
// that anybody wants.
func uniteApprovals(all []model.Approval) []model.Approval {
	if len(all) == 0 {
		return nil
	}
	type seat struct {
		role   model.ApproverRole
		domain model.Slug
	}
	kept := map[seat]model.Approval{}
	for _, a := range all {
		key := seat{a.Role, a.Domain}
		if other, ok := kept[key]; ok {
			a.Min = max(a.Min, other.Min)
			a.ExcludeRequester = a.ExcludeRequester || other.ExcludeRequester
		}
		kept[key] = a
	}
	return slices.SortedFunc(maps.Values(kept), func(a, b model.Approval) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Domain, b.Domain))
	})
}

// ttlOf is the limit that the obligations set; zero sets none.
func ttlOf(obligations []model.Obligation) time.Duration {
	for _, o := range obligations {
		if o.Type == model.ObligeTTLMax {
			d, _ := seconds(o) // checked when it was read
			return d
		}
	}
	return 0
}
