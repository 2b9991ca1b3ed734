package resolver

import (
	"reflect"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
)

// staying are the nouns that renameRecord, removeRecord and restoreRecord do not take.
var staying = map[string]string{
	"Asset": "goes when no source shows it", "Grant": "is revoked, and stays to be seen", "Source": "has mutations of its own", "HarvestRun": "is history",
	"Namespace": "is released", "AccessRequest": "is history", "ProposedChange": "is history", "DecisionRecord": "is history", "PolicyProposal": "is history",
	"PolicyRevision": "is history", "AuditEvent": "is history",
	"SourceRole": "has a mutation of its own", "SourceGrant": "is revoked with its grant, and stays to be seen",
}

// noNode are the nouns that node(id:) does not find.
var noNode = map[string]string{"Token": "is seen by its holder, in their list", "AuditEvent": "is a line of a feed", "SourceRole": "is seen in the list of its source", "SourceGrant": "is seen with its grant"}

// TestNounsOfTheGraph fails for a noun of the policies or of the schema that is
// new and has no row in nouns, and for a row that lacks a part.
func TestNounsOfTheGraph(t *testing.T) {
	c := newCatalogue(nouns(Services{}))
	for _, n := range gate.New(nil, nil, nil, nil).Nouns() {
		if c.of(model.ID(n.Prefix)+"_0") == nil {
			t.Errorf("%s: policies are asked about it: give it a row in nouns", n.Type)
		}
	}
	schema := graph.NewExecutableSchema(Config(Services{})).Schema()
	for _, d := range schema.GetPossibleTypes(schema.Types["Node"]) {
		if !slices.ContainsFunc(c.rows, func(n noun) bool { return n.schema == d.Name && n.find != nil }) {
			t.Errorf("%s: it is a Node: give it a row in nouns that finds one", d.Name)
		}
	}
	for i, n := range c.rows {
		d := schema.Types[n.schema]
		if d == nil || n.note == nil || c.byType[n.typ] != i || n.prefix != "" && c.byPrefix[n.prefix] != i {
			t.Errorf("the row of %s is there twice or lacks a part", n.schema)
			continue
		}
		_, hidden := noNode[n.schema]
		if node := slices.Contains(d.Interfaces, "Node"); node != (n.find != nil) || n.prefix != "" && node == hidden {
			t.Errorf("%s: find it by its id and let it implement Node, or say in noNode why not", n.schema)
		}
		if _, stays := staying[n.schema]; n.prefix != "" && stays == (n.removal != nil) {
			t.Errorf("%s: say how it is removed, or in staying why not", n.schema)
		}
	}
}

// TestNounsAreLookedUpTogether puts an id into each field of a record that links
// to another, and finds that it will be looked up together with the others.
func TestNounsAreLookedUpTogether(t *testing.T) {
	c := newCatalogue(nouns(Services{}))
	for _, n := range c.rows {
		record := reflect.New(n.typ.Elem())
		wanted := idsOf(record.Elem(), n.schema)
		l := newLinks(c, Services{})
		l.note(record.Interface())
		teams := lookupOf[model.Team](l)
		for id := range wanted {
			if !teams.wanted[id] && unlinked[wanted[id]] == "" {
				t.Errorf("%s links to a record that a page would look up one by one: expect it in the row, or say in unlinked why not", wanted[id])
			}
			if teams.wanted[id] && unlinked[wanted[id]] != "" {
				t.Errorf("%s is looked up: take it out of unlinked", wanted[id])
			}
		}
	}
}

// unlinked are the fields with an id that need no look-up.
var unlinked = map[string]string{
	"AccessRequest.DecisionID": "shown as an id", "AuditEvent.DecisionID": "shown as an id", "AuditEvent.SubjectID": "shown as an id",
	"DecisionRecord.ResourceID": "shown as an id", "Grant.RequestID": "shown as an id", "PolicyState.PolicyState.TakenBack.RevisionID": "shown as an id",
	"SourceGrant.DecisionID": "not shown", "SourceGrant.DomainID": "not shown", "SourceRole.DomainID": "not shown",
	"ProposedChange.DecisionID": "shown as an id", "RemovedRecord.RecordID": "shown as an id",

	"Asset.Sightings.AssetDetails.ParentID": "not shown", "Asset.Sightings.DomainID": "not shown", "Asset.Sightings.Fields.DescribedBy": "not shown", "AuditEvent.Touched.ID": "not shown",
	"DataProduct.Consents.ChangeID": "not shown", "DecisionRecord.Decision.ID": "not shown", "PolicyState.PolicyState.Past": "not shown",
	"PolicyState.PolicyState.ShadowOf": "not shown", "Source.CheckpointRun": "not shown", "Source.SetUpBy": "not shown", "Source.RetireAllBy": "not shown",

	"Asset.DescribedBy": "a source of its sightings", "Asset.Fields.DescribedBy": "a source of its sightings", "DataProduct.Unconsented": "assets of its ports",

	"PolicyProposal.RevisionID": "read one by one, at its cost", "PolicyState.PolicyState.ActiveID": "in no list", "PolicyState.PolicyState.PreviousID": "in no list",
	"PolicyState.PolicyState.ProposalID": "in no list", "PolicyState.PolicyState.ShadowID": "in no list",
}

// idsOf fills the fields of a record that hold ids of others with ids of a noun,
// and gives these with the names of the fields.
func idsOf(v reflect.Value, name string) map[model.ID]string {
	found := map[model.ID]string{}
	var fill func(v reflect.Value, name string)
	fill = func(v reflect.Value, name string) {
		switch {
		case v.Type() == reflect.TypeFor[model.ID]():
			id := model.ID(model.PrefixTeam) + "_" + model.ID(name)
			v.SetString(string(id))
			found[id] = name
		case v.Type() == reflect.TypeFor[model.Meta]():
		case v.Kind() == reflect.Struct && v.Type().PkgPath() == reflect.TypeFor[model.Meta]().PkgPath():
			for i := range v.NumField() {
				fill(v.Field(i), name+"."+v.Type().Field(i).Name)
			}
		case v.Kind() == reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), name)
		}
	}
	fill(v, name)
	return found
}

// TestListsAndRightsCost asks what each list and each right of the schema costs.
func TestListsAndRightsCost(t *testing.T) {
	g := Schema(Services{})
	lists, rights := 0, 0
	for _, d := range g.Schema().Types {
		if d.Kind != ast.Object {
			continue
		}
		for _, f := range d.Fields {
			if f.Arguments.ForName("first") != nil {
				lists++
				if cost, ok := g.Complexity(t.Context(), d.Name, f.Name, 7, arguments(f)); !ok || cost < 1+7*50 {
					t.Errorf("50 rows of %s.%s cost %d, %v", d.Name, f.Name, cost, ok)
				}
			}
			if f.Name == "viewerCan" {
				rights++
				want := 7 + rightsCost
				if d.Name == "DataProduct" { // a page of them is judged together
					want = 7 + pageRightsCost
				}
				if cost, ok := g.Complexity(t.Context(), d.Name, f.Name, 7, nil); !ok || cost != want {
					t.Errorf("%s.%s costs %d, %v", d.Name, f.Name, cost, ok)
				}
			}
		}
	}
	if lists < 19 || rights < 7 {
		t.Errorf("%d lists and %d rights: the test holds nothing", lists, rights)
	}
}

// arguments asks for 50 rows, and gives every other argument that is needed.
func arguments(f *ast.FieldDefinition) map[string]any {
	args := map[string]any{}
	for _, a := range f.Arguments {
		if a.Type.NonNull {
			args[a.Name] = "x"
		}
	}
	args["first"] = int64(50)
	return args
}
