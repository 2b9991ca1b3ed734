package server

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/mesh"
)

// TestNamesAreHeardOf: a server that remembers a domain's name hears that
// another server of the same store has changed it.
func TestNamesAreHeardOf(t *testing.T) {
	uri, _ := mongodbtest.Database(t)
	here := newMatrix(t, uri)
	cfg := Defaults()
	cfg.Store = uri
	there, err := New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, there.Close()) })
	d, err := here.Mesh.CreateDomain(here.system(), mesh.NewDomain{Name: "support"})
	must(t, err)
	follow, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { there.gate.Follow(follow) })
	defer following.Wait()
	defer stop()
	name, err := there.gate.DomainName(t.Context(), d.ID)
	if err != nil || name != "support" {
		t.Fatal(name, err)
	}
	time.Sleep(100 * time.Millisecond) // until it listens
	if name, err = there.gate.DomainName(t.Context(), d.ID); err != nil || name != "support" {
		t.Fatal(name, err)
	}
	_, err = here.Mesh.RenameDomain(here.system(), mesh.Renaming{ID: d.ID, Name: "help"})
	must(t, err)
	if name, err := here.gate.DomainName(t.Context(), d.ID); err != nil || name != "help" {
		t.Errorf("here it is %s, %v", name, err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		name, err := there.gate.DomainName(t.Context(), d.ID)
		if err != nil || name == "help" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after 10 s the other server knows %s as %s, %v", d.ID, name, err)
		}
	}
	led, err := there.Mesh.DomainByName(model.WithPrincipal(t.Context(), model.System()), "support")
	if err != nil || led.Name != "help" {
		t.Errorf("the old name leads to %+v, %v", led, err)
	}
}
