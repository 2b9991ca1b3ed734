package policy

import (
	"maps"
	"regexp"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// foreignShape is an action of an application. The owner of the resource alone
// can allow it; the platform can only refuse.
var foreignShape = regexp.MustCompile(`^app\.[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$`)

// rightsOf knows the actions of the mesh and those of applications.
func rightsOf(a model.Action) (rights, bool) {
	if right, ok := actions[a]; ok {
		return right, true
	}
	return rights{}, foreignShape.MatchString(string(a))
}

var quotedAction = regexp.MustCompile(`"(app\.[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99})"`)

// AppActions lists the actions of applications that the rules of the domain
// spell out, sorted. One that a remark mentions is among them, and does no
// harm: the rules are asked about each.
func (s *Snapshot) AppActions(domain model.Slug) []model.Action {
	var found []model.Action
	for _, text := range s.of(domain).rules() {
		for _, match := range quotedAction.FindAllStringSubmatch(text, -1) {
			found = append(found, model.Action(match[1]))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Asked reports whether policies can be asked about the action at all.
func Asked(a model.Action) bool {
	_, ok := rightsOf(a)
	return ok
}

// Known reports whether the action is one of the mesh's own.
func Known(a model.Action) bool {
	_, ok := actions[a]
	return ok
}

// Actions lists the actions of the mesh, sorted.
func Actions() []model.Action { return slices.Sorted(maps.Keys(actions)) }
