package host_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// The records with something in every place, as they have to arrive.

func wholeAsset() *sdk.Asset {
	rows, size, at := int64(42), int64(8192), time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	a := asset("whole")
	a.Description, a.Owners, a.OwnerRoles, a.Tags = "All of it.", []string{"ana"}, []string{"loader"}, []string{"gold"}
	a.Fields = []sdk.Field{{
		Name: "state", Position: 1, NativeType: "text", Nullable: true, Description: "How it stands.", PrimaryKey: 1, Default: "'new'",
		Tags: []string{"pii"}, Meta: map[string]string{"unit": "EUR"}, Values: []string{"new", "paid"},
	}}
	a.ForeignKeys = []sdk.ForeignKey{{Name: "fk", Fields: []string{"state"}, ToName: "states", ToFields: []string{"name"}}}
	a.Rows, a.Properties, a.Reference = &rows, map[string]string{"owner": "x"}, true
	a.Aliases = []sdk.Alias{{Scheme: "dbt", Namespace: "shop", Name: "model.shop.whole"}}
	a.Parent = &sdk.NativeID{Namespace: "test://host", Name: "public"}
	a.Constraints = []sdk.Constraint{{Name: "c", Kind: sdk.Check, Fields: []string{"state"}, Expression: "state <> ''"}}
	a.Indexes = []sdk.Index{{Name: "i", Fields: []string{"state"}, Unique: true, Expression: "lower(state)", Method: "btree"}}
	a.Definition, a.DefinitionLanguage, a.Bytes, a.ChangedAt = "SELECT 1", "sql", &size, &at
	a.Freshness = &sdk.Freshness{WarnAfter: 12 * time.Hour, ErrorAfter: 24 * time.Hour, Field: "loaded_at"}
	a.Usage = &sdk.Usage{Reads: 7, Users: 2, From: at, To: at.Add(time.Hour)}
	a.StableID = "oid:16384"
	a.Runs = []sdk.JobRun{{ID: "run-1", State: sdk.RunFailed, Started: at, Ended: at.Add(time.Minute), Message: "no space left"}}
	return a
}

func wholeEdge() *sdk.Edge {
	return &sdk.Edge{
		From: asset("a").ID, To: asset("b").ID, Scope: "all", Kind: "DERIVES", Method: "test", Confidence: 0.5,
		Fields: []sdk.FieldEdge{{From: "x", To: "y", Transform: "sum(x)"}},
	}
}

func wholeQuality() *sdk.Quality {
	return &sdk.Quality{
		Asset: asset("a").ID, Scope: "all", Key: "k", Name: "n", Rule: "accepted_values", Field: "state", Severity: "warn",
		Arguments: map[string]string{"values": "new, paid"},
		Result:    &sdk.Result{Status: "fail", Failures: 3, Message: "Got 3 rows.", At: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)},
	}
}

// TestEverythingArrives sends every place of every record over the pipe.
func TestEverythingArrives(t *testing.T) {
	want := []sdk.Record{wholeAsset(), wholeEdge(), wholeQuality()}
	for _, r := range want {
		everyPlace(t, reflect.ValueOf(r).Elem(), reflect.TypeOf(r).Elem().Name())
	}
	var m memory
	if _, f := newBench(t).harvest("everything", host.Limits{}, &m); f != nil {
		t.Fatal(f)
	}
	if diff := cmp.Diff(want, m.records); diff != "" || len(m.notes) > 0 {
		t.Error(diff, m.notes)
	}
}

// everyPlace wants the value to be of use to the test: a place that is empty
// proves nothing.
func everyPlace(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		t.Errorf("%s is empty: a new place of the wire needs its value here", path)
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Pointer:
		everyPlace(t, v.Elem(), path)
	case v.Kind() == reflect.Slice:
		everyPlace(t, v.Index(0), path+"[]")
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			everyPlace(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	}
}

// TestDefinitionsAndMessagesAreRedacted, as descriptions are.
func TestDefinitionsAndMessagesAreRedacted(t *testing.T) {
	var m memory
	if _, f := newBench(t).harvest("tells more", host.Limits{}, &m); f != nil {
		t.Fatal(f)
	}
	a, _ := m.records[0].(*sdk.Asset)
	if a.Definition != "SELECT '[secret]'" || a.Runs[0].Message != "dial postgres://u:[secret]@h/d" || a.Constraints[0].Expression != "token = '[secret]'" {
		t.Errorf("got %+v", a)
	}
	if e, _ := m.records[1].(*sdk.Edge); e.Fields[0].Transform != "decrypt(x, password => '[secret]')" || e.Fields[0].From != "x" {
		t.Errorf("got %+v", e)
	}
	samples := []string{}
	for _, n := range m.notes {
		samples = append(samples, n.Code+" "+n.Sample)
	}
	if !slices.Equal(samples, []string{"host.credential_removed a", "host.credential_removed b"}) {
		t.Errorf("notes: %q", samples)
	}
}

// TestTheHostCutsWhatIsLong, whatever wrote the plugin, and leaves no half of a secret.
func TestTheHostCutsWhatIsLong(t *testing.T) {
	var m memory
	if _, f := newBench(t).harvest("long by wire", host.Limits{}, &m); f != nil {
		t.Fatal(f)
	}
	a, _ := m.records[0].(*sdk.Asset)
	if len(a.Definition) > 64<<10 || !strings.HasSuffix(a.Definition, "…") || strings.Contains(a.Definition, canary[:4]) {
		t.Errorf("%d bytes, which end in %q", len(a.Definition), a.Definition[len(a.Definition)-40:])
	}
	if len(a.Runs) != 25 || len(a.Runs[24].Message) > 2<<10 {
		t.Errorf("%d runs", len(a.Runs))
	}
	if last := m.notes[len(m.notes)-1]; last.Code != "host.cut" || last.Sample != a.ID.Name {
		t.Errorf("notes: %+v", m.notes)
	}
}
