package question

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// whole is a question in which every object is there and every list has one.
func whole() Question {
	return Question{
		Subject:  Subject{Teams: []string{"a/b"}},
		Resource: Resource{Unconsented: 1, Findings: &FindingsFact{}},
		Facts:    Facts{Grants: []GrantFact{{}}, Impact: &ImpactFact{}, Ending: &EndingFact{}, Change: &ChangeFact{}},
	}
}

// leaves calls one for each part of a value that has no parts of its own.
func leaves(v reflect.Value, name string, one func(name string, v reflect.Value)) {
	switch {
	case v.Kind() == reflect.Pointer:
		leaves(v.Elem(), name, one)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			leaves(v.Field(i), name+"."+v.Type().Field(i).Name, one)
		}
	case v.Kind() == reflect.Slice && v.Len() > 0 && v.Index(0).Kind() == reflect.Struct:
		leaves(v.Index(0), name, one)
	default:
		one(name, v)
	}
}

// change gives the value another one.
func change(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1, 0)))
		return
	case time.Duration:
		v.SetInt(int64(5 * time.Second))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("changed")
	case reflect.Int:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		one.SetString("changed")
		v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, 1), one))
	default:
		t.Fatalf("%s is of a kind that no field has: %s", name, v.Type())
	}
}

// flat spells an input out, a line for each path.
func flat(t *testing.T, q Question) map[string]string {
	t.Helper()
	var input any
	if err := json.Unmarshal(q.Input(), &input); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if o, ok := v.(map[string]any); ok {
			for name, inner := range o {
				walk(strings.TrimPrefix(path+"."+name, "."), inner)
			}
			return
		}
		if list, ok := v.([]any); ok && len(list) == 1 {
			if o, ok := list[0].(map[string]any); ok {
				walk(path, o)
				return
			}
		}
		text, _ := json.Marshal(v)
		lines[path] = string(text)
	}
	walk("", input)
	return lines
}

// TestTableHasEveryField changes each part of a question and finds one field of
// the input changed: a part without a row is no fact for anybody, and a row that
// reads another's part is a lie.
func TestTableHasEveryField(t *testing.T) {
	before := flat(t, whole())
	var moved []string
	n := 0
	q := whole()
	leaves(reflect.ValueOf(&q), "", func(string, reflect.Value) { n++ })
	for i := range n {
		q := whole()
		at, name := 0, ""
		leaves(reflect.ValueOf(&q), "", func(leaf string, v reflect.Value) {
			if at == i && !strings.HasPrefix(leaf, ".Properties") && leaf != ".Action" {
				name = leaf
				change(t, leaf, v)
			}
			at++
		})
		if name == "" {
			continue
		}
		var changed []string
		for path, value := range flat(t, q) {
			if before[path] != value {
				changed = append(changed, path)
			}
		}
		if len(changed) != 1 {
			t.Errorf("%s changes %v of the input, want one field", name, changed)
			continue
		}
		moved = append(moved, changed[0])
	}
	for _, f := range Table {
		if f.Kind != Object && f.Kind != Objects && !slices.Contains(moved, f.Path) {
			t.Errorf("the row %s reads no part of a question", f.Path)
		}
	}
	if len(moved) < 40 {
		t.Errorf("%d fields: something was not found", len(moved))
	}
}

// TestTableVaries holds that a made-up value is what the field then gives, and
// that the question it came from stays as it was.
func TestTableVaries(t *testing.T) {
	values := map[Kind]string{Text: "x", Texts: "x", Number: "9"}
	varied := 0
	for _, f := range Table {
		from, value := whole(), values[f.Kind]
		if f.Path == "context.now" {
			value = "2031-05-06T00:00:00Z"
		}
		q := from
		if !Set(&q, f.Path, value) {
			continue
		}
		varied++
		if diff := reflect.DeepEqual(q, from); diff {
			t.Errorf("%s: nothing changed", f.Path)
		}
		if !reflect.DeepEqual(from, whole()) {
			t.Errorf("%s: the question that it was made from changed too", f.Path)
		}
		if got := f.Any(&q); f.Kind == Text && f.Path != "context.now" && got != "x" || f.Kind == Number && got != 9 {
			t.Errorf("%s: got %v", f.Path, got)
		}
	}
	if varied < 15 || Set(&Question{}, "resource.id", "x") || Set(&Question{}, "nothing", "x") || Set(&Question{}, "context.now", "soon") {
		t.Errorf("%d fields are varied, or one that must not be", varied)
	}
}

// TestWhatIsPersonalIsNotOpen names what only a person and their administrators
// know of them: a new field of the subject is one of these unless its row says
// otherwise.
func TestWhatIsPersonalIsNotOpen(t *testing.T) {
	private := NamesOf("subject")
	for _, path := range OpenPaths() {
		name, ok := strings.CutPrefix(path, "subject.")
		if !ok {
			t.Errorf("%s is not about whoever asks", path)
		}
		private = slices.DeleteFunc(private, func(p string) bool { return p == name })
	}
	if want := []string{"clearance", "region", "suspended"}; !slices.Equal(private, want) {
		t.Errorf("only %v are private, want %v", private, want)
	}
}
