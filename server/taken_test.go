package server

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/store"
)

// TestNamesThatAreAlike has one name asked for at once in many spellings, by new
// principals and by renamed ones, on both engines: one gets it, and the others
// hear that it is taken. Pairs of a store from before stay as they are.
func TestNamesThatAreAlike(t *testing.T) {
	mongo, _ := mongodbtest.Database(t)
	for engine, where := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "souk.db"), "mongodb": mongo} {
		t.Run(engine, func(t *testing.T) {
			cfg := Defaults()
			cfg.Store = where
			s, err := New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			ctx := model.WithPrincipal(t.Context(), model.System())
			old := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: "eve", DisplayName: "Eve"}
			twin := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: "EVE", DisplayName: "Eve"}
			_, err = s.store.Apply(ctx, store.Change{Action: "test", Writes: []store.Write{store.Principals.Put(old), store.Principals.Put(twin)}})
			must(t, err)
			suspend := true
			_, err = s.Identity.UpdatePrincipal(ctx, identity.PrincipalEdit{ID: twin.ID, Suspended: &suspend})
			must(t, err)
			other, err := s.Identity.CreatePrincipal(ctx, identity.NewPrincipal{Kind: model.Person, Name: "bo"})
			must(t, err)
			spellings := []string{"ana", "Ana", "aNa", "anA", "ANa", "AnA", "aNA", "ANA"}
			errs := make([]error, len(spellings)+1)
			var all sync.WaitGroup
			start := make(chan struct{})
			for i, name := range spellings {
				all.Go(func() {
					<-start
					_, errs[i] = s.Identity.CreatePrincipal(ctx, identity.NewPrincipal{Kind: model.Person, Name: name})
				})
			}
			all.Go(func() {
				<-start
				_, errs[len(spellings)] = s.Identity.RenamePrincipal(ctx, other.ID, "ANA", nil)
			})
			close(start)
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !model.Is(err, model.KindConflict) || !strings.Contains(err.Error(), "name") {
					t.Errorf("refused by %v", err)
				}
			}
			if won != 1 {
				t.Errorf("%d got the name: %v", won, errs)
			}
		})
	}
}
