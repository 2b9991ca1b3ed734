package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	harvester "github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
)

// TestColumnsOfViews follows them through the SQL: with quotes of every kind, in
// any case, through WITH and set operations, and to a view rather than through it.
func TestColumnsOfViews(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `create table t (Id integer primary key, [a b], "c""d", e as (Id + 1));
		create table u (id, x);
		create view v (n, k) as select ID, [a b] || "c""d" from t;
		create view w as with p as (select * from t) select p.*, upper(x) as big from p left join main.u using (id) union all select 1, 2, 3, 4, x from u;
		create view over_v as select n, count(*) as many from v group by n;
		create view odd as select rowid as r, e from t;
		create view dear as select json_extract(x, '$.a') as a, x ->> 'b' as b from u where id glob 'a*'`)})
	var got []string
	for _, r := range m.order {
		if e, is := r.(*sdk.Edge); is {
			for _, f := range e.Fields {
				got = append(got, fmt.Sprintf("%s.%s > %s.%s %s", e.From.Name, f.From, e.To.Name, f.To, f.Transform[:1]))
			}
		}
	}
	want := []string{
		"u.x > dear.a T", "u.x > dear.b T", "t.e > odd.e I", "v.n > over_v.n I",
		"t.Id > v.n I", "t.a b > v.k T", `t.c"d > v.k T`,
		"t.Id > w.Id I", "t.a b > w.a b I", `t.c"d > w.c"d I`, "t.e > w.e I", "u.x > w.big I",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m.notes["sqlite.columns_unknown"] != "odd: it is not known of which table rowid is" {
		t.Errorf("got %v", m.notes)
	}
}
