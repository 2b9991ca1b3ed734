package question

import (
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

var (
	classifications = Spelled(model.Public, model.Internal, model.Confidential, model.Restricted)
	visibilities    = Spelled(model.VisibleToAll, model.VisibleToDomain)
	statuses        = Spelled(model.Draft, model.Published, model.Deprecated, model.Retired)
)

// Table is the one list of the input's fields. The input and its schema, the
// words that rules may compare with, what filters and made-up questions do with
// a field, and the table in policies/README.md follow from it: a field more is a
// row more, here and there.
var Table = rooted([]*Field{
	word("subject.type", func(q *Question) *string { return &q.Subject.Type }).ofAsker().open().short().varied(),
	text("subject.id", func(q *Question) *model.ID { return &q.Subject.ID }).ofAsker().open().short().naming(NamesPerson),
	text("subject.name", func(q *Question) *string { return &q.Subject.Name }).ofAsker().open().naming(NamesPerson),
	text("subject.domain", func(q *Question) *model.Slug { return &q.Subject.Domain }).ofAsker().open().short().naming(NamesDomain).varied(),
	texts("subject.teams", func(q *Question) *[]string { return &q.Subject.Teams }).ofAsker().open().naming(NamesTeam).varied(),
	texts("subject.steward_of", func(q *Question) *[]model.Slug { return &q.Subject.StewardOf }).ofAsker().open().naming(NamesDomain).extended(),
	texts("subject.roles", func(q *Question) *[]model.Role { return &q.Subject.Roles }).ofAsker().open().extended().
		closed(Spelled(model.RoleAdmin, model.RoleSteward, model.RoleEmployee, model.RolePEP, model.RoleTrusted)...),
	word("subject.clearance", func(q *Question) *model.Classification { return &q.Subject.Clearance }).ofAsker().short().varied().
		closed(classifications...).tried(slices.Concat(classifications, []string{""})...),
	text("subject.region", func(q *Question) *string { return &q.Subject.Region }).ofAsker().varied(),
	flag("subject.suspended", func(q *Question) *bool { return &q.Subject.Suspended }).ofAsker(),

	word("resource.type", func(q *Question) *string { return &q.Resource.Type }).varied(),
	text("resource.id", func(q *Question) *model.ID { return &q.Resource.ID }).ofRow().short(),
	text("resource.name", func(q *Question) *string { return &q.Resource.Name }).ofRow().varied(),
	text("resource.domain", func(q *Question) *model.Slug { return &q.Resource.Domain }).ofRow().short().naming(NamesDomain),
	text("resource.owner", func(q *Question) *model.ID { return &q.Resource.Owner }).ofRow().short().naming(NamesPerson),
	text("resource.owner_team", func(q *Question) *string { return &q.Resource.OwnerTeam }).ofRow().short().naming(NamesTeam).varied(),
	word("resource.classification", func(q *Question) *model.Classification { return &q.Resource.Classification }).ofRow().short().varied().
		closed(classifications...).tried(slices.Concat(classifications, []string{""})...),
	word("resource.visibility", func(q *Question) *model.Visibility { return &q.Resource.Visibility }).ofRow().short().varied().
		closed(visibilities...).tried(visibilities...),
	word("resource.status", func(q *Question) *string { return &q.Resource.Status }).ofRow().short().varied().tried(statuses...),
	texts("resource.tags", func(q *Question) *[]string { return &q.Resource.Tags }).ofRow().varied(),
	text("resource.product", func(q *Question) *model.ID { return &q.Resource.Product }).ofRow().short(),
	text("resource.requester", func(q *Question) *model.ID { return &q.Resource.Requester }).ofRow().short().naming(NamesPerson),
	flag("resource.described", func(q *Question) *bool { return &q.Resource.Described }).ofRow(),
	flag("resource.has_owner", func(q *Question) *bool { return &q.Resource.HasOwner }).ofRow(),
	flag("resource.exposed", func(q *Question) *bool { return &q.Resource.Exposed }).ofRow(),
	number("resource.ports", func(q *Question) *int { return &q.Resource.Ports }).ofRow().short().varied(),
	number("resource.unconsented", func(q *Question) *int { return &q.Resource.Unconsented }).absentAtZero(),
	object("resource.findings", func(q *Question) bool { return q.Resource.Findings != nil }).only(model.ActProductPublish),
	number("resource.findings.errors", func(q *Question) *int { return &q.Resource.Findings.Errors }),
	number("resource.findings.warnings", func(q *Question) *int { return &q.Resource.Findings.Warnings }),
	texts("resource.findings.codes", func(q *Question) *[]string { return &q.Resource.Findings.Codes }),

	grantsRow().ofRow(),
	texts("facts.roles_held", func(q *Question) *[]model.ApproverRole { return &q.Facts.RolesHeld }).ofRow().closed(Spelled(model.ApproverRoles()...)...),
	object("facts.impact", func(q *Question) bool { return q.Facts.Impact != nil }).
		only(model.ActPolicyApprove, model.ActPolicyActivate, model.ActPolicyRollback, model.ActPolicyDraft, model.ActPolicyComment),
	flag("facts.impact.loosens", func(q *Question) *bool { return &q.Facts.Impact.Loosens }),
	flag("facts.impact.sensitive", func(q *Question) *bool { return &q.Facts.Impact.Sensitive }),
	number("facts.impact.flip_percent", func(q *Question) *int { return &q.Facts.Impact.FlipPercent }),
	texts("facts.impact.touches", func(q *Question) *[]model.Slug { return &q.Facts.Impact.Touches }),
	object("facts.ending", func(q *Question) bool { return q.Facts.Ending != nil }),
	number("facts.ending.consumers", func(q *Question) *int { return &q.Facts.Ending.Consumers }),
	number("facts.ending.notice_hours", func(q *Question) *int { return &q.Facts.Ending.NoticeHours }),
	flag("facts.ending.successor", func(q *Question) *bool { return &q.Facts.Ending.Successor }),
	object("facts.change", func(q *Question) bool { return q.Facts.Change != nil }),
	flag("facts.change.loosens", func(q *Question) *bool { return &q.Facts.Change.Loosens }),
	word("facts.change.classification", func(q *Question) *model.Classification { return &q.Facts.Change.Classification }),
	texts("facts.change.fields", func(q *Question) *[]string { return &q.Facts.Change.Fields }),

	moment("context.now", func(q *Question) *time.Time { return &q.Context.Now }).ofRow().short().varied(),
	text("context.purpose", func(q *Question) *string { return &q.Context.Purpose }).ofAsker().varied().tried(""),
	duration("context.duration_s", func(q *Question) *time.Duration { return &q.Context.Duration }).ofAsker().varied().only(model.ActAccessRequest),
	word("context.channel", func(q *Question) *string { return &q.Context.Channel }).ofAsker().short().varied(),
})

// GrantTable is the list of the fields of one grant.
var GrantTable = []*Row[GrantFact]{
	text("id", func(g *GrantFact) *model.ID { return &g.ID }),
	text("product", func(g *GrantFact) *model.ID { return &g.Product }),
	text("purpose", func(g *GrantFact) *string { return &g.Purpose }),
	moment("until", func(g *GrantFact) *time.Time { return &g.Until }),
}

// fields finds a row by its path.
var fields = func() map[string]*Field {
	byPath := make(map[string]*Field, len(Table))
	for _, f := range Table {
		byPath[f.Path] = f
	}
	return byPath
}()

// FieldAt gives the field at a path such as resource.owner_team, or nil.
func FieldAt(path string) *Field { return fields[path] }

// FieldsNaming lists the fields that name something of the kinds, as rules
// write them.
func FieldsNaming(what ...Naming) []string {
	var paths []string
	for _, f := range Table {
		if f.Names != NamesNothing && slices.Contains(what, f.Names) {
			paths = append(paths, "input."+f.Path)
		}
	}
	return paths
}

// NamesOf lists what the input tells of one of its parts, such as subject.
func NamesOf(of string) []string {
	var names []string
	for _, f := range part(of) {
		names = append(names, f.name())
	}
	return names
}

// OpenPaths lists the fields that everybody may know of everybody.
func OpenPaths() []string {
	var paths []string
	for _, f := range Table {
		if f.Open {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// part gives the fields of one part of the input, without those below them.
func part(name string) []*Field { return below(Table, name) }

func below(table []*Field, path string) []*Field {
	return slices.DeleteFunc(slices.Clone(table), func(f *Field) bool {
		name, ok := strings.CutPrefix(f.Path, path+".")
		return !ok || strings.Contains(name, ".")
	})
}

// rooted gives each object its members.
func rooted(table []*Field) []*Field {
	for _, f := range table {
		f.members = below(table, f.Path)
	}
	return table
}

// grantsRow is the list of the subject's grants.
func grantsRow() *Field {
	r := newRow[Question]("facts.grants", Objects)
	r.put = func(b *builder, q *Question) *ast.Term { return b.grants(q.Facts.Grants) }
	return r
}
