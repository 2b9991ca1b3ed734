package superset

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// The scopes, which are the first part of names, too.
const (
	databaseScope  = "databases"
	datasetScope   = "datasets"
	chartScope     = "charts"
	dashboardScope = "dashboards"
)

// harvest is one run.
type harvest struct {
	*source
	out    sdk.Sink
	at     map[int64]at // where databases are
	untold bool         // where they are may not be asked

	boards   map[int64]bool            // dashboards that are shown; nil where not all of them came
	held     map[sdk.NativeID]bool     // tables that a dataset has the name of
	physical map[tableKey]sdk.NativeID // datasets of tables whose place is not known
	virtual  []unresolved              // datasets with SQL of such tables
	counted  map[int64][]string        // the metrics of datasets that were read
	failures int                       // in a row
	count    int64
}

// Harvest reads dashboards and datasets before charts, which name also dashboards
// that may not be seen and metrics that are gone.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := &harvest{
		source: s, out: out, at: map[int64]at{}, held: map[sdk.NativeID]bool{}, physical: map[tableKey]sdk.NativeID{}, counted: map[int64][]string{},
	}
	for _, read := range []func(context.Context) error{h.readDatabases, h.readDashboards, h.readDatasets, h.readCharts} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// part reads one scope, and says that it is done where all of it came. What may
// not be read is noted, and the others go on.
func part[T numbered](ctx context.Context, h *harvest, scope string, l listing, do func(T) error, after ...func() error) error {
	whole, err := each(ctx, h, l, do)
	if e, ours := errors.AsType[*sdk.Error](err); ours && e.Class == sdk.ClassDenied {
		return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "superset.denied", Title: "A part of Superset may not be read. Nothing of it is retired.", Sample: scope + ": " + e.Message, Scope: scope})
	}
	for _, do := range after {
		if err == nil {
			err = do()
		}
	}
	switch {
	case err != nil:
		return err
	case !whole:
		return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "superset.moved", Title: "A listing changed while it was read, and not all of it came. Nothing of it is retired.", Sample: scope, Scope: scope})
	}
	return h.out.ScopeDone(scope)
}

// id is the name of a thing, by its number as in the addresses of Superset's pages.
func (h *harvest) id(scope string, number int64) sdk.NativeID {
	return sdk.NativeID{Namespace: h.Namespace, Name: strings.TrimSuffix(scope, "s") + "/" + strconv.FormatInt(number, 10)}
}

// stable is what stays where a thing is imported anew under another number.
func stable(scope, uuid string) string {
	if uuid == "" {
		return ""
	}
	return strings.TrimSuffix(scope, "s") + ":" + uuid
}

// emit counts what is emitted, as a sign of life.
func (h *harvest) emit(a *sdk.Asset) error {
	if err := h.out.Emit(a); err != nil {
		return err
	}
	if h.count++; h.count%20 == 0 {
		return h.out.Progress(h.count, 0, a.Scope)
	}
	return nil
}

func (h *harvest) edge(kind, method, scope string, from, to sdk.NativeID, confidence float64) error {
	if from == to {
		return nil
	}
	return h.out.Emit(&sdk.Edge{From: from, To: to, Scope: scope, Kind: kind, Method: method, Confidence: confidence})
}

// person is somebody who owns a thing.
type person struct {
	First string `json:"first_name"`
	Last  string `json:"last_name"`
	Mail  string `json:"email"`
	Label string `json:"label"` // of a person or a group, in newer versions
}

// owned is what owners stand in.
type owned struct {
	Owners  []person `json:"owners"`
	Editors []person `json:"editors"`
}

// owners are the addresses of people where they are told, and otherwise names.
// Superset tells the addresses for charts and dashboards alone.
func owners(o owned) []string {
	var out []string
	for _, p := range o.Owners {
		if name := cmp.Or(p.Mail, strings.TrimSpace(p.First+" "+p.Last)); name != "" {
			out = append(out, name)
		}
	}
	for _, p := range o.Editors {
		if p.Label != "" {
			out = append(out, p.Label)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// moment reads a time as Superset writes it.
func moment(text string) *time.Time {
	for _, form := range []string{"2006-01-02T15:04:05.999999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(form, text); err == nil {
			t = t.UTC()
			return &t
		}
	}
	return nil
}
