package harvest

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/harvest/schedule"
	"github.com/souk-mesh/souk/server/store"
)

// NewSource is a source to be made.
type NewSource struct {
	Name      model.Slug
	DomainID  model.ID
	Plugin    string
	Config    json.RawMessage            // as the plugin's schema says; without secrets
	Secrets   map[string]model.SecretRef // by the dotted path of the field
	Schedule  string                     // five cron fields in UTC, a word such as @hourly, or ""
	FullEvery *time.Duration             // at the latest after this everything is read; nil and zero are a day
}

// SourceEdit is a change of a source; what is nil stays as it is.
type SourceEdit struct {
	ID               model.ID
	Name             *model.Slug
	DomainID         *model.ID // moves the source: the right to run sources of that domain is asked for too
	Config           *json.RawMessage
	Secrets          *map[string]model.SecretRef
	Schedule         *string
	FullEvery        *time.Duration
	Paused           *bool
	AllowRetireAll   *bool // lifts the fail-safe for the next complete run
	RetireAllWhy     *string
	ExpectedRevision *model.Revision
}

// CreateSource makes a source. Nothing is read from it yet.
func (s *Service) CreateSource(ctx context.Context, n NewSource) (model.Source, error) {
	source := model.Source{
		Meta: model.Meta{ID: model.NewID(model.PrefixSource)}, Name: n.Name, DomainID: n.DomainID,
		Plugin: n.Plugin, Secrets: n.Secrets, Schedule: n.Schedule, FullEvery: given(n.FullEvery),
	}
	if err := n.Name.Validate("name"); err != nil {
		return model.Source{}, err
	}
	in := s.gate.Session()
	answer, err := s.mayCreate(ctx, in, source)
	if err != nil {
		return model.Source{}, err
	}
	if err := s.judgeTimes(source.Schedule, source.FullEvery); err != nil {
		return model.Source{}, err
	}
	source.Config = n.Config
	reason, vouched, err := s.judge(ctx, in, &source)
	if err != nil {
		return model.Source{}, err
	}
	change := in.Change(ctx, "source.create", source.ID, reason, answer, append(vouched, store.Sources.Put(source))...)
	made, err := store.Sources.Apply(ctx, s.store, change)
	return made, lost(err, "choose another name")
}

func (s *Service) mayCreate(ctx context.Context, in *gate.Session, source model.Source) (gate.Answer, error) {
	if source.DomainID == "" {
		return gate.Answer{}, model.Invalid("domainId", "is missing", "name the domain that the source belongs to")
	}
	if err := s.hasDomain(ctx, in, source); err != nil {
		return gate.Answer{}, err
	}
	res, err := s.gate.Source(ctx, source)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, model.ActSourceAdmin, res)
}

// hasDomain reports a source whose domain there is none of.
func (s *Service) hasDomain(ctx context.Context, in *gate.Session, source model.Source) error {
	in.Needs(store.Domains.Kind(), source.DomainID)
	_, err := store.Domains.Get(ctx, s.store, source.DomainID)
	if model.Is(err, model.KindNotFound) {
		return model.Invalid("domainId", "there is no such domain", "name the domain that the source belongs to")
	}
	return err
}

// judge is the one way into a source for a configuration and its secrets: it
// brings the configuration into the form that is kept, notes who answers for
// it, and says what is wrong, in the plugin's own judgement too. It gives the words for the audit and the
// decisions to keep with the change.
func (s *Service) judge(ctx context.Context, in *gate.Session, source *model.Source) (string, []store.Write, error) {
	p, err := s.plugins.find(ctx, source.Plugin)
	if err != nil {
		return "", nil, err
	}
	if source.Config, err = p.form.Judge(source.Config); err != nil {
		return "", nil, err
	}
	if err := s.finder.Refuse(source.Config, p.form); err != nil {
		return "", nil, err
	}
	if err := p.form.JudgeSecrets(source.Secrets, s.secrets); err != nil {
		return "", nil, err
	}
	asker, err := model.PrincipalFrom(ctx)
	if err != nil {
		return "", nil, err
	}
	source.SetUpBy = asker.ID
	if asker.ID == model.System().ID {
		source.Config = anywhere(p.form, source.Config)
	}
	vouched, err := s.permit(ctx, in, p, *source)
	if err != nil {
		return "", nil, err
	}
	if err := s.askPlugin(ctx, p, source.Config); err != nil {
		return "", nil, err
	}
	return s.uses(p, *source), vouched, nil
}

// given takes no time at all for one that is not given.
func given(d *time.Duration) *time.Duration {
	if d != nil && *d == 0 {
		return nil
	}
	return d
}

// judgeTimes says what is wrong with when the source is to be harvested.
func (s *Service) judgeTimes(text string, fullEvery *time.Duration) error {
	if fullEvery != nil {
		if err := increment.CheckEvery(*fullEvery); err != nil {
			return err
		}
	}
	if text == "" {
		return nil
	}
	_, err := schedule.Parse(text, s.now())
	return err
}

// UpdateSource changes a source. A new configuration forgets the checkpoint of
// the old one, and pausing or resuming forgets the failures that paused it.
func (s *Service) UpdateSource(ctx context.Context, e SourceEdit) (model.Source, error) {
	in := s.gate.Session()
	source, answer, err := s.administered(ctx, in, e.ID)
	if err != nil {
		return model.Source{}, err
	}
	if e.ExpectedRevision != nil && *e.ExpectedRevision != source.Revision {
		return model.Source{}, stale()
	}
	if err := inUse(source); err != nil {
		return model.Source{}, err
	}
	if err := s.move(ctx, in, &source, e); err != nil {
		return model.Source{}, err
	}
	reason, vouched, err := s.edit(ctx, in, &source, e)
	if err != nil {
		return model.Source{}, err
	}
	change := in.Change(ctx, "source.update", source.ID, reason, answer, append(vouched, store.Sources.Put(source))...)
	edited, err := store.Sources.Apply(ctx, s.store, change)
	return edited, lost(err, "choose another name")
}

// lost tells a write that came second in the words of its caller; the remedy is
// for a name that is taken.
func lost(err error, remedy string) error {
	switch {
	case model.HasCode(err, model.CodeStale):
		return stale()
	case model.HasCode(err, model.CodeExists):
		return nameTaken(remedy)
	}
	return err
}

func stale() error {
	return model.Stale("expectedVersion", "the source has changed since it was read", "read it again and repeat the change")
}

// nameTaken tells of a name that the domain has given already. Names of sources
// are those of their domain: a name that others gave to what the actor may not
// know of is free.
func nameTaken(remedy string) error {
	return model.Exists("name", "there is a source of this name already in the domain", remedy)
}

// move gives the source its new name and domain.
func (s *Service) move(ctx context.Context, in *gate.Session, source *model.Source, e SourceEdit) error {
	if e.Name != nil {
		if err := e.Name.Validate("name"); err != nil {
			return err
		}
		source.Name = *e.Name
	}
	if e.DomainID != nil && *e.DomainID != source.DomainID {
		source.DomainID = *e.DomainID
		if _, err := s.mayCreate(ctx, in, *source); err != nil { // before anything is told of the names there
			return err
		}
	}
	q := store.Query{Index: "by_home", Where: store.And(store.Eq("domain", string(source.DomainID)), store.Eq("name", string(source.Name)))}
	other, err := store.Sources.First(ctx, s.store, q)
	switch {
	case model.Is(err, model.KindNotFound):
		return nil
	case err == nil && other.ID != source.ID:
		return nameTaken("choose another name")
	}
	return err
}

func (s *Service) edit(ctx context.Context, in *gate.Session, source *model.Source, e SourceEdit) (string, []store.Write, error) {
	reason, vouched, err := s.editConfig(ctx, in, source, e)
	if err != nil {
		return "", nil, err
	}
	if e.Schedule != nil {
		source.Schedule = *e.Schedule
	}
	if e.FullEvery != nil {
		source.FullEvery = given(e.FullEvery)
	}
	if e.Schedule != nil || e.FullEvery != nil {
		if err := s.judgeTimes(source.Schedule, source.FullEvery); err != nil {
			return "", nil, err
		}
	}
	if e.Paused != nil {
		source.Paused, source.FailedRuns = *e.Paused, 0
	}
	lifting, err := lift(ctx, source, e)
	if err != nil {
		return "", nil, err
	}
	return strings.Trim(reason+"; "+lifting, "; "), vouched, nil
}

// maxWhy bounds, in characters, what somebody writes of why the fail-safe is lifted.
const maxWhy = 500

// lift lets the next run retire what the fail-safe would not let pass, or takes
// that back. It gives the words for the audit.
func lift(ctx context.Context, source *model.Source, e SourceEdit) (string, error) {
	switch {
	case e.RetireAllWhy != nil && (e.AllowRetireAll == nil || !*e.AllowRetireAll):
		return "", model.Invalid("retireAllReason", "is given, and the fail-safe is not lifted", "set allowsRetireAll too, or leave the reason out")
	case e.AllowRetireAll == nil:
		return "", nil
	}
	source.AllowRetireAll, source.RetireAllBy, source.RetireAllWhy = *e.AllowRetireAll, "", ""
	if !source.AllowRetireAll {
		return "the fail-safe holds", nil
	}
	if e.RetireAllWhy != nil {
		if err := (model.Text{Field: "retireAllReason", Most: maxWhy}).Check(*e.RetireAllWhy); err != nil {
			return "", err
		}
		source.RetireAllWhy = strings.TrimSpace(*e.RetireAllWhy)
	}
	asker, err := model.PrincipalFrom(ctx)
	source.RetireAllBy = asker.ID
	return strings.TrimSuffix("the next run may retire everything: "+source.RetireAllWhy, ": "), err
}

func (s *Service) editConfig(ctx context.Context, in *gate.Session, source *model.Source, e SourceEdit) (string, []store.Write, error) {
	if e.Config == nil && e.Secrets == nil && e.DomainID == nil {
		return "", nil, nil
	}
	before := source.Config
	if e.Config != nil {
		source.Config = *e.Config
	}
	if e.Secrets != nil {
		source.Secrets = *e.Secrets
	}
	reason, vouched, err := s.judge(ctx, in, source)
	if err != nil {
		return "", nil, err
	}
	if !bytes.Equal(source.Config, before) {
		source.Checkpoint, source.CheckpointRun = nil, ""
	}
	return reason, vouched, nil
}

// administered gives a source to whoever may administer it, and the answer that
// says so.
func (s *Service) administered(ctx context.Context, in *gate.Session, id model.ID) (source model.Source, answer gate.Answer, err error) {
	if source, err = store.Sources.Get(ctx, s.store, id); err == nil {
		answer, err = s.mayAdminister(ctx, in, source)
	}
	return source, answer, err
}

// mayAdminister asks for the right to change or run the source. Who may not
// see it does not learn that there is one.
func (s *Service) mayAdminister(ctx context.Context, in *gate.Session, source model.Source) (gate.Answer, error) {
	if err := s.visible(ctx, in, source); err != nil {
		return gate.Answer{}, err
	}
	res, err := s.gate.Source(ctx, source)
	if err != nil {
		return gate.Answer{}, err
	}
	return in.Require(ctx, model.ActSourceAdmin, res)
}

// visible reports a source that the viewer may not see as absent.
func (s *Service) visible(ctx context.Context, in *gate.Session, source model.Source) error {
	res, err := gate.Each(s.gate.Source)(ctx, []model.Source{source})
	if err != nil {
		return err
	}
	seen, err := in.Filter(ctx, model.ActMetadataView, res)
	if err == nil && !seen[0] {
		err = model.NotFound("source", source.ID)
	}
	return err
}

// Source returns one source; one that the viewer may not see is not found.
func (s *Service) Source(ctx context.Context, id model.ID) (model.Source, error) {
	source, _, err := gate.See(ctx, s.gate, store.Sources, id, s.gate.Source)
	return source, err
}

// SourceByName returns the source of the name among those that the viewer may
// see. Sources of several domains may share a name: then it names none of them.
func (s *Service) SourceByName(ctx context.Context, name model.Slug) (model.Source, error) {
	page, err := store.Sources.Find(ctx, s.store, store.Query{Index: "named", Where: store.Eq("name", string(name)), Limit: store.MaxPage})
	if err != nil {
		return model.Source{}, err
	}
	seen, err := keepVisible(ctx, s.gate.Session(), page.Nodes, gate.Each(s.gate.Source)) // who asks is looked at for none, too
	switch {
	case err != nil:
		return model.Source{}, err
	case len(seen) == 0:
		return model.Source{}, model.NotFound("source", model.ID(clip(string(name), 100)))
	case len(seen) > 1:
		return model.Source{}, model.Invalid("name", "sources of several domains have this name", "name the source by its id, from the list of sources")
	}
	return seen[0], nil
}

// SourceIn returns the source that the domain calls by the name.
func (s *Service) SourceIn(ctx context.Context, domain model.ID, name model.Slug) (model.Source, error) {
	q := store.Query{Index: "by_home", Where: store.And(store.Eq("domain", string(domain)), store.Eq("name", string(name)))}
	source, err := gate.SeeFirst(ctx, s.gate, store.Sources, q, s.gate.Source)
	if model.Is(err, model.KindNotFound) {
		err = model.NotFound("source", model.ID(clip(string(name), 100)))
	}
	return source, err
}

// SourcesByID returns those of the sources that exist and that the viewer may
// see, in the order of the ids.
func (s *Service) SourcesByID(ctx context.Context, ids ...model.ID) ([]model.Source, error) {
	sources, err := store.Sources.GetMany(ctx, s.store, ids...)
	if err != nil {
		return nil, err
	}
	return keepVisible(ctx, s.gate.Session(), sources, gate.Each(s.gate.Source))
}

func keepVisible[T any](ctx context.Context, in *gate.Session, nouns []T, describe gate.Describe[T]) ([]T, error) {
	resources, err := describe(ctx, nouns)
	if err != nil {
		return nil, err
	}
	visible, err := in.Filter(ctx, model.ActMetadataView, resources)
	if err != nil {
		return nil, err
	}
	kept := make([]T, 0, len(nouns))
	for i, n := range nouns {
		if visible[i] {
			kept = append(kept, n)
		}
	}
	return kept, nil
}

// Sources lists sources by name; "" lists those of every domain.
func (s *Service) Sources(ctx context.Context, domainID model.ID, p model.Paging) (model.Page[model.Source], error) {
	q := store.Query{Index: "named", Where: store.Exists("name")} // a removed one has none
	if domainID != "" {
		q = store.Query{Index: "by_domain", Where: store.And(store.Eq("domain", string(domainID)), store.Exists("name"))}
	}
	return gate.List(ctx, s.gate, store.Sources, q, p, gate.Each(s.gate.Source))
}

// Can tells which of the actions the viewer may do to the source.
func (s *Service) Can(ctx context.Context, sourceID model.ID, actions ...model.Action) (map[model.Action]model.Outcome, error) {
	in := s.gate.Session()
	_, res, err := gate.See(ctx, in, store.Sources, sourceID, s.gate.Source)
	if err != nil {
		return nil, err
	}
	return in.Can(ctx, res, actions...)
}
