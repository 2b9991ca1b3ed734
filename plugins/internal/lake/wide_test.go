package lake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// TestAFileOfManyColumns keeps as many as a record may hold, and says so.
//
// Bad input: 5,000 columns.
func TestAFileOfManyColumns(t *testing.T) {
	var names []string
	for i := range 5001 {
		names = append(names, fmt.Sprint("c", i))
	}
	s, m := &shelf{content: map[string]string{"a.csv": strings.Join(names, ",") + "\n" + strings.Repeat("1,", 5000) + "1\n"}}, &memory{}
	if err := lake.Harvest(t.Context(), scopeOf(s), lake.Options{}, m); err != nil {
		t.Fatal(err)
	}
	a := m.assets["a.csv"]
	if len(a.Fields) != 5000 || len(m.notes) != 1 || m.notes[0].Level == sdk.ErrorLevel || len(m.done) != 1 {
		t.Errorf("%d columns, %+v, %q", len(a.Fields), m.notes, m.done)
	}
}
