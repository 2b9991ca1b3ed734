package access

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of a request.
const (
	MinDuration = time.Hour
	MaxDuration = 366 * 24 * time.Hour
	minPurpose  = 3
	maxPurpose  = 2000
	maxComment  = 2000
)

// Request asks for access to a product. The policies answer at once: with a
// grant, with the approvals that they want first, or with an error of kind
// Denied that says why. While a request is pending or a grant is live, another
// request for the same product is an error of kind Conflict.
func (s *Service) Request(ctx context.Context, n NewRequest) (model.AccessRequest, error) {
	if err := n.check(); err != nil {
		return model.AccessRequest{}, err
	}
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return model.AccessRequest{}, err
	}
	in := s.gate.Session()
	in.Needs(store.Principals.Kind(), actor.ID)
	p, res, err := gate.See(ctx, in, store.Products, n.ProductID, s.gate.Product)
	if err != nil {
		return model.AccessRequest{}, err
	}
	answer, err := in.Ask(ctx, model.ActAccessRequest, res, gate.Extra{Purpose: n.Purpose, Duration: n.Duration})
	if err != nil {
		return model.AccessRequest{}, err
	}
	if answer.Outcome == model.Deny {
		return model.AccessRequest{}, in.Refuse(ctx, model.ActAccessRequest, res, answer)
	}
	id, err := s.nextID(ctx, actor.ID, p.ID)
	if err != nil {
		return model.AccessRequest{}, err
	}
	r := model.AccessRequest{
		Meta: model.Meta{ID: id}, ProductID: p.ID, DomainID: p.DomainID, RequesterID: actor.ID, Purpose: n.Purpose, Duration: n.Duration,
		Status: model.RequestPending, DecisionID: answer.ID, Approvals: answer.Approvals, Reasons: answer.Reasons,
	}
	return s.open(ctx, in, r, answer)
}

// open writes a new request; one that needs no approval comes with its grant.
func (s *Service) open(ctx context.Context, in *gate.Session, r model.AccessRequest, answer gate.Answer) (model.AccessRequest, error) {
	var writes []store.Write
	if answer.Allowed() {
		grant, err := s.grant(&r, answer.Decision)
		if err != nil {
			return model.AccessRequest{}, err
		}
		writes = append(writes, store.Grants.Put(grant))
	}
	writes = append(writes, store.Requests.Put(r))
	opened, err := store.Requests.Apply(ctx, s.store, in.Change(ctx, string(model.ActAccessRequest), r.ID, r.Purpose, answer, writes...))
	if model.LostRace(err) {
		return model.AccessRequest{}, errPending()
	}
	return opened, err
}

// grant closes the request with a grant, which ends when the requester wished
// or when the policies say, whichever comes first.
func (s *Service) grant(r *model.AccessRequest, d model.Decision) (model.Grant, error) {
	at := model.Instant(s.now())
	if err := r.Close(model.RequestApproved, at); err != nil {
		return model.Grant{}, err
	}
	length := r.Duration
	if d.TTLMax > 0 {
		length = min(length, d.TTLMax)
	}
	g := model.Grant{
		Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, ProductID: r.ProductID, DomainID: r.DomainID, PrincipalID: r.RequesterID,
		RequestID: r.ID, Purpose: r.Purpose, Status: model.GrantActive, StartsAt: at, EndsAt: model.Instant(at.Add(length)),
	}
	r.GrantID, r.Reasons = g.ID, d.Reasons
	return g, nil
}

func (n NewRequest) check() error {
	if err := (model.Text{Field: "purpose", Least: minPurpose, Most: maxPurpose, Prose: true}).Check(n.Purpose); err != nil {
		return err
	}
	if n.Duration < MinDuration || n.Duration > MaxDuration {
		return model.Invalid("duration", "must be between an hour and 366 days", "ask for as long as the purpose needs, such as 30 days")
	}
	return nil
}

// nextID refuses a request beside a pending one or a live grant, and names the
// new one. The id is made from the requester, the product and how many
// requests came before, so that of two at once the store takes only one.
func (s *Service) nextID(ctx context.Context, requester, product model.ID) (model.ID, error) {
	before := 0
	q := store.Query{Index: "by_product", Where: store.And(store.Eq("product", product), store.Eq("requester", requester)), Limit: store.MaxPage, Budget: wide}
	for r, err := range store.Requests.All(ctx, s.store, q) {
		if err != nil {
			return "", err
		}
		if before++; r.Status == model.RequestPending {
			return "", errPending()
		}
	}
	if err := s.noLiveGrant(ctx, requester, product); err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", requester, product, before))
	return model.ID(string(model.PrefixRequest) + "_" + strings.ToLower(base32.HexEncoding.EncodeToString(sum[:15]))), nil
}

// wide is the budget of a query whose rows are few beside those it looks at.
const wide = 100_000

func errPending() error {
	return model.Exists("productId", "you have a pending request for this product", "wait for its answer, or cancel it first")
}

func (s *Service) noLiveGrant(ctx context.Context, holder, product model.ID) error {
	q := store.Query{Index: "by_principal", Where: store.And(store.Eq("principal", holder), store.Eq("product", product)), Limit: store.MaxPage}
	for g, err := range store.Grants.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		if g.Live(s.now()) {
			return model.Exists("productId", "you hold a grant for this product until "+g.EndsAt.Format(time.RFC3339), "use it, or give it back first")
		}
	}
	return nil
}

// AccessRequest returns one request, or an error of kind NotFound.
func (s *Service) AccessRequest(ctx context.Context, id model.ID) (model.AccessRequest, error) {
	c, err := s.see(ctx, s.gate.Session(), id)
	return c.request, err
}

// see loads a request that the actor may know of: as the policies say, or
// because their word is wanted. A steward of another domain has no other way in.
func (s *Service) see(ctx context.Context, in *gate.Session, id model.ID) (vote, error) {
	c := vote{}
	describe := func(ctx context.Context, r model.AccessRequest) (policy.Resource, error) {
		p, err := store.Products.Get(ctx, s.store, r.ProductID)
		if err != nil {
			return policy.Resource{}, err
		}
		c.product = p
		return s.gate.RequestFor(ctx, r, p)
	}
	r, res, hidden := gate.See(ctx, in, store.Requests, id, describe)
	if hidden != nil && !model.Is(hidden, model.KindNotFound) {
		return vote{}, hidden
	}
	if hidden != nil {
		known, err := store.Requests.GetMany(ctx, s.store, id)
		if err != nil || len(known) == 0 {
			return vote{}, hidden
		}
		r = known[0]
		if res, err = describe(ctx, r); err != nil {
			return vote{}, err
		}
	}
	c.request, c.res = r, res
	err := s.count(ctx, in, &c)
	if err == nil && hidden != nil && len(c.tally.Seats(c.actor.ID)) == 0 {
		return vote{}, hidden
	}
	return c, err
}

// AccessRequests lists the requests that the actor may see, the newest first;
// those of one domain come by status first.
func (s *Service) AccessRequests(ctx context.Context, f RequestFilter, p model.Paging) (model.Page[model.AccessRequest], error) {
	q := store.Query{Index: "by_created", Desc: true, Budget: wide}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.DomainID)},
		store.Condition{Index: "by_product", Path: "product", Value: string(f.ProductID)},
		store.Condition{Index: "by_requester", Path: "requester", Value: string(f.RequesterID)})
	return gate.List(ctx, s.gate, store.Requests, q, p, s.gate.Requests)
}
