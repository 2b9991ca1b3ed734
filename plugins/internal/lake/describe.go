package lake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

// describe reads the head of a dataset and gives its assets: one, or one for
// each sheet of a workbook. The second result counts fields that are left out.
func (h *harvest) describe(ctx context.Context, d *dataset) (assets []*sdk.Asset, leftOut int, err error) {
	tables, err := h.tables(ctx, d)
	if err != nil {
		return nil, 0, err
	}
	for _, table := range tables {
		a := h.bare(d)
		if table.Name != "" {
			a.ID.Name, a.ShortName = a.ID.Name+"#"+table.Name, table.Name
			a.Aliases, a.Bytes = nil, nil
		}
		a.Fields = table.Fields
		leftOut += table.LeftOut
		maps.Copy(a.Properties, table.Properties)
		a.Rows = estimate(d, table.Rows)
		if d.table == "" { // a table says itself by what it is partitioned
			partitionFields(a, d.keys)
		}
		assets = append(assets, a)
	}
	return assets, leftOut, nil
}

func (h *harvest) tables(ctx context.Context, d *dataset) ([]heads.Table, error) {
	switch {
	case h.options.SkipHeads:
		return []heads.Table{{}}, nil
	case d.table == "iceberg":
		return readIceberg(ctx, h.scope, d)
	case d.table == "delta":
		return readDelta(ctx, h.scope, d)
	case d.sample.Size == 0:
		return []heads.Table{{}}, nil
	case d.sample.Archived:
		return []heads.Table{{Properties: map[string]string{"archived": "true"}}}, nil
	}
	return heads.Read(ctx, h.scope.file(d.sample), heads.Options{Header: h.options.Header})
}

// bare is what the listing alone says.
func (h *harvest) bare(d *dataset) *sdk.Asset {
	a := &sdk.Asset{
		ID: h.id(d), Scope: h.scope.Name, Kind: "FILE", Rank: sdk.Holder, ShortName: legible(d.short),
		Bytes: &d.bytes, ChangedAt: moment(d.newest), Properties: map[string]string{"files": strconv.FormatInt(d.files, 10)},
	}
	if holder := h.scope.holder(); h.scope.Kind != "" && holder != a.ID {
		a.Parent = &holder
	}
	if d.table != "" || len(d.keys) > 0 {
		a.Kind = "TABLE"
	}
	if format := cmp.Or(d.table, strings.Join(d.formats, ", ")); format != "" {
		a.Properties["format"] = format
	}
	var keys []string
	for _, key := range d.keys {
		keys = append(keys, key.name)
	}
	if d.dated && d.table == "" {
		keys = append(keys, "folders of dates or hashes")
	}
	if len(keys) > 0 {
		a.Properties["partitioned_by"] = legible(strings.Join(keys, ", "))
	}
	if d.alias != "" {
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: h.scope.Namespace, Name: legible(h.scope.Path + d.alias)}}
	}
	return a
}

func (h *harvest) id(d *dataset) sdk.NativeID {
	return sdk.NativeID{Namespace: h.scope.Namespace, Name: legible(h.scope.Path + d.name)}
}

// moment is nil for a time that is not known.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	at := t.UTC().Truncate(time.Millisecond)
	return &at
}

// holder is the bucket or the folder that a scope belongs to. A bucket has the
// name that a dataset would have that lies in it without any folder.
func (s Scope) holder() sdk.NativeID {
	name := strings.TrimSuffix(s.Path, "/")
	if name == "" {
		name = "/"
	}
	return sdk.NativeID{Namespace: s.Namespace, Name: legible(name)}
}

// hold emits the holder, once its listing is whole. Where it is a dataset
// itself, that stands for it.
func (h *harvest) hold() error {
	s, tally := h.scope, h.tree.tally
	if s.Kind == "" || s.Later || h.rooted {
		return nil
	}
	a := &sdk.Asset{ID: s.holder(), Scope: s.Name, Kind: s.Kind, Rank: sdk.Holder, ShortName: legible(s.Label)}
	if s.Prefix == "" { // otherwise a part of it was listed
		a.Bytes, a.ChangedAt = &tally.bytes, moment(tally.newest)
		a.Properties = map[string]string{"objects": strconv.FormatInt(tally.objects, 10)}
	}
	if h.follow != nil && h.follow.holds(fmt.Sprint(a.ShortName, tally.bytes, a.ChangedAt, a.Properties)) {
		return nil
	}
	return h.out.Emit(a)
}

// estimate takes the rows of the sample for all of the dataset, by size.
func estimate(d *dataset, rows *int64) *int64 {
	if rows == nil || d.files <= 1 || d.table != "" || d.sample.Size == 0 {
		return rows
	}
	all := int64(float64(*rows) * float64(d.bytes) / float64(d.sample.Size))
	return &all
}

// partitionFields adds the columns that stand in the names of folders.
func partitionFields(a *sdk.Asset, keys []partitionKey) {
	for _, key := range keys {
		name := legible(key.name)
		at := slices.IndexFunc(a.Fields, func(f sdk.Field) bool { return f.Name == name })
		if at < 0 && len(a.Fields) < mostFields {
			a.Fields = append(a.Fields, sdk.Field{Name: name, Position: len(a.Fields) + 1})
			at = len(a.Fields) - 1
		}
		if at >= 0 {
			if a.Fields[at].Meta == nil {
				a.Fields[at].Meta = map[string]string{}
			}
			a.Fields[at].Meta["partition"] = "true"
		}
	}
}

const mostFields = 5000 // what a record may hold
