package mesh

import (
	"context"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of a data product.
const (
	MaxPorts  = 100
	MaxAssets = 1000 // over all ports
	maxTags   = 50
)

// checkProduct reports what is wrong with the product by itself. It looks
// nothing up, so it can run before anybody's rights are known.
func checkProduct(p model.DataProduct) error {
	for _, err := range []error{
		p.Name.Validate("name"),
		checkTitle(p.DisplayName),
		checkProse("description", p.Description),
		checkProse("businessContext", p.BusinessContext),
		checkTags(p.Tags),
		checkPorts(p.Ports),
	} {
		if err != nil {
			return err
		}
	}
	switch p.Classification {
	case model.Public, model.Internal, model.Confidential, model.Restricted:
	default:
		return model.Invalid("classification", "must be PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED", "")
	}
	if p.Visibility != model.VisibleToAll && p.Visibility != model.VisibleToDomain {
		return model.Invalid("visibility", "must be COMPANY or DOMAIN", "")
	}
	if p.OwnerID == "" {
		return model.Invalid("ownerId", "is empty", "somebody must answer for the product: name a principal")
	}
	return nil
}

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return model.Invalid("tags", fmt.Sprintf("holds more than %d tags", maxTags), "choose fewer")
	}
	for i, tag := range tags {
		if err := (model.Text{Field: "tags", Least: 1, Most: 50}).Check(tag); err != nil {
			return err
		}
		if slices.Contains(tags[:i], tag) {
			return model.Invalid("tags", fmt.Sprintf("holds %q twice", tag), "name each once")
		}
	}
	return nil
}

func checkPorts(ports []model.Port) error {
	if len(ports) > MaxPorts {
		return model.Invalid("ports", fmt.Sprintf("holds more than %d ports", MaxPorts), "gather assets that are read together in one port")
	}
	assets := 0
	for i, port := range ports {
		if err := checkPort(port); err != nil {
			return err
		}
		if slices.ContainsFunc(ports[:i], func(o model.Port) bool { return o.Name == port.Name }) {
			return model.Invalid("ports", fmt.Sprintf("two ports have the name %q", port.Name), "give each a name of its own")
		}
		if assets += len(port.AssetIDs); assets > MaxAssets {
			return model.Invalid("ports", fmt.Sprintf("hold more than %d assets", MaxAssets), "make more than one product of them")
		}
	}
	return nil
}

func checkPort(port model.Port) error {
	if err := port.Name.Validate("ports.name"); err != nil {
		return err
	}
	if port.Direction != model.InputPort && port.Direction != model.OutputPort {
		return model.Invalid("ports.direction", "must be INPUT or OUTPUT", "")
	}
	for i, id := range port.AssetIDs {
		if slices.Contains(port.AssetIDs[:i], id) {
			return model.Invalid("ports.assetIds", fmt.Sprintf("port %q names an asset twice", port.Name), "name each once")
		}
	}
	return checkProse("ports.description", port.Description)
}

// checkRefs reports an owner, a team or an asset that the product did not name
// before and that the actor may not know of.
func (s *Service) checkRefs(ctx context.Context, in *gate.Session, was, p model.DataProduct) error {
	if p.OwnerID != was.OwnerID {
		if _, err := gate.Refer(ctx, in, store.Principals, "ownerId", gate.Each(s.gate.Principal), p.OwnerID); err != nil {
			return err
		}
	}
	if p.OwnerTeamID != "" && p.OwnerTeamID != was.OwnerTeamID {
		if _, err := gate.Refer(ctx, in, store.Teams, "ownerTeamId", gate.Each(s.gate.Team), p.OwnerTeamID); err != nil {
			return err
		}
	}
	_, err := gate.Refer(ctx, in, store.Assets, "ports.assetIds", s.gate.Assets, added(was, p)...)
	return err
}

// added lists the assets that ports of p name and none of was does, each once.
func added(was, p model.DataProduct) []model.ID {
	known := map[model.ID]bool{}
	for _, port := range was.Ports {
		for _, id := range port.AssetIDs {
			known[id] = true
		}
	}
	var fresh []model.ID
	for _, port := range p.Ports {
		for _, id := range port.AssetIDs {
			if !known[id] {
				known[id] = true
				fresh = append(fresh, id)
			}
		}
	}
	return fresh
}
