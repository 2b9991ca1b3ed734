package sdk_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

func TestRecordsThatAreRefused(t *testing.T) {
	id := sdk.NativeID{Namespace: "n", Name: "a"}
	var noAsset *sdk.Asset
	changed := func(change func(*sdk.Asset)) sdk.Record {
		a := book(1)
		change(a)
		return a
	}
	for name, tt := range map[string]struct {
		record sdk.Record
		text   string
	}{
		"nothing":        {nil, "is nil"},
		"nil asset":      {noAsset, "is nil"},
		"no namespace":   {changed(func(a *sdk.Asset) { a.ID.Namespace = "" }), "no namespace"},
		"no name":        {changed(func(a *sdk.Asset) { a.ID.Name = "" }), "no name"},
		"no scope":       {changed(func(a *sdk.Asset) { a.Scope = "" }), "no scope"},
		"no kind":        {changed(func(a *sdk.Asset) { a.Kind = "" }), "no kind"},
		"rank of nobody": {changed(func(a *sdk.Asset) { a.Rank = 1 }), "unknown rank"},
		"rank below all": {changed(func(a *sdk.Asset) { a.Rank = -1 }), "unknown rank"},
		"rank":           {changed(func(a *sdk.Asset) { a.Rank = math.MaxInt32 + 1 }), "unknown rank"},
		"many fields":    {changed(func(a *sdk.Asset) { a.Fields = make([]sdk.Field, 5001) }), "5001 fields"},
		"nameless field": {changed(func(a *sdk.Asset) { a.Fields = []sdk.Field{{}} }), "its field 1"},
		"negative place": {changed(func(a *sdk.Asset) { a.Fields = []sdk.Field{{Name: "f", Position: -1}} }), "out of range"},
		"no UTF-8":       {changed(func(a *sdk.Asset) { a.Properties = map[string]string{"k": "\xff"} }), "no UTF-8"},
		"parent":         {changed(func(a *sdk.Asset) { a.Parent = &sdk.NativeID{Namespace: "n"} }), "no name"},
		"constraint":     {changed(func(a *sdk.Asset) { a.Constraints = []sdk.Constraint{{Kind: "PRIMARY KEY"}} }), "unknown kind"},
		"many indexes":   {changed(func(a *sdk.Asset) { a.Indexes = make([]sdk.Index, 5001) }), "5001 indexes"},
		"run":            {changed(func(a *sdk.Asset) { a.Runs = []sdk.JobRun{{ID: "1", State: "DONE"}} }), "unknown state"},
		"freshness":      {changed(func(a *sdk.Asset) { a.Freshness = &sdk.Freshness{WarnAfter: -1} }), "below zero"},
		"broken SQL":     {changed(func(a *sdk.Asset) { a.Definition = "\xff" }), "no UTF-8"},
		"broken value":   {changed(func(a *sdk.Asset) { a.Fields = []sdk.Field{{Name: "f", Values: []string{"\xff"}}} }), "no UTF-8"},
		"broken message": {changed(func(a *sdk.Asset) { a.Runs = []sdk.JobRun{{State: "FAILED", Message: "\xff"}} }), "no UTF-8"},
		"half an arrow":  {&sdk.Edge{From: id, To: id, Kind: "DERIVES", Fields: []sdk.FieldEdge{{From: "a"}}}, "its field 1"},
		"test argument":  {&sdk.Quality{Asset: id, Key: "k", Arguments: map[string]string{"a": "\xff"}}, "no UTF-8"},
		"edge from":      {&sdk.Edge{To: id, Kind: "USES"}, "no namespace"},
		"edge to":        {&sdk.Edge{From: id, Kind: "USES"}, "no namespace"},
		"edge kind":      {&sdk.Edge{From: id, To: id, Kind: "LOVES"}, "unknown kind"},
		"edge surer":     {&sdk.Edge{From: id, To: id, Kind: "USES", Confidence: 2}, "between 0 and 1"},
		"edge NaN":       {&sdk.Edge{From: id, To: id, Kind: "USES", Confidence: math.NaN()}, "between 0 and 1"},
		"test of what":   {&sdk.Quality{Key: "k"}, "no namespace"},
		"test no key":    {&sdk.Quality{Asset: id}, "no key"},
		"test no UTF-8":  {&sdk.Quality{Asset: id, Key: "k", Result: &sdk.Result{Message: "\xff"}}, "no UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			e, ok := errors.AsType[*sdk.Error](sdk.Validate(tt.record))
			if !ok || e.Class != sdk.ClassInternal || e.Code != "bad_record" || e.Fix == "" || !strings.Contains(e.Message, tt.text) {
				t.Errorf("got %#v", e)
			}
		})
	}
}

func TestRecordsThatAreTaken(t *testing.T) {
	id := sdk.NativeID{Namespace: "n", Name: "a"}
	for name, r := range map[string]sdk.Record{
		"asset":     book(1),
		"reference": &sdk.Asset{ID: id, Kind: "TABLE", Reference: true},
		"edge":      &sdk.Edge{From: id, To: id, Kind: "DERIVES", Confidence: 1},
		"test":      &sdk.Quality{Asset: id, Key: "k"},
	} {
		if err := sdk.Validate(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
