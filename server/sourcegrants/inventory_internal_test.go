package sourcegrants

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
)

// TestWhatIsListedByNameIsNotPlanned: a source such as Kafka lists for which grant a
// right is and no fields. Of those, a part is planned at each check, and what is not
// listed always.
func TestWhatIsListedByNameIsNotPlanned(t *testing.T) {
	const many = 5 * plannedEach
	in := &inventory{names: map[string]bool{}, fields: map[spot]map[string]bool{}}
	for i := range many {
		right := &model.SourceRight{Role: "User:dan", Namespace: "kafka://shop", Name: fmt.Sprint("t", i), Fields: []string{"id", "email"}}
		row := model.SourceGrant{Meta: model.Meta{ID: model.ID(fmt.Sprint("sgr_", i))}, State: model.SourceGrantApplied, Wanted: right, Given: right}
		in.rows = append(in.rows, row)
		if i == 7 {
			continue
		}
		if err := in.found(sdk.HeldGrant{Asset: sdk.NativeID{Namespace: right.Namespace, Name: right.Name}, Role: right.Role, Ours: true, GrantID: string(row.ID)}); err != nil {
			t.Fatal(err)
		}
	}
	h := &holding{service: &Service{now: func() time.Time { return time.Unix(0, 0) }}}
	suspect := h.suspect(in)
	lost := slices.ContainsFunc(suspect, func(row model.SourceGrant) bool { return row.ID == "sgr_7" })
	if len(suspect) > 2*plannedEach || !lost {
		t.Errorf("%d of %d are planned anew, the lost one among them: %t", len(suspect), many, lost)
	}
}
