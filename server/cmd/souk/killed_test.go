package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKilledAmidstAHarvest kills the server while a plugin waits for its
// source. The next server takes the source at once, calls the run what it is
// and removes its folder, on each engine: on MongoDB, where another server may
// live beside it, the run's owner is what tells.
func TestKilledAmidstAHarvest(t *testing.T) {
	for engine, store := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			folders, err := os.MkdirTemp("/tmp", "souk-killed-") //nolint:usetesting // a socket's path must be short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(folders) })
			address, place := silent(t), store(t)
			server, token := serving(t, place, "TMPDIR="+folders)
			admin := person{r: server, token: token}
			source := admin.sourceAt(address)
			first := admin.startHarvest(t, source)
			eventually(t, time.Minute, "the plugin runs", func() bool { return len(runFolders(t, folders)) == 1 })
			before := runFolders(t, folders)[0]
			if err := server.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = server.cmd.Wait() // it was killed
			server, _ = serving(t, place, "TMPDIR="+folders)
			admin.r = server
			if _, err := os.Stat(before); !os.IsNotExist(err) {
				t.Errorf("the folder of the run before is still there: %v", err)
			}
			var second string
			eventually(t, time.Minute, "the run is carried on", func() bool {
				second = admin.latestRun(source)
				return second != first
			})
			if status, code := admin.howEnded(first); status != "FAILED" || code != "interrupted" {
				t.Errorf("the run before is %s, %s; want it interrupted", status, code)
			}
			if status, _ := admin.howEnded(second); status != "RUNNING" {
				t.Errorf("the run after is %s", status)
			}
			server.stop()
		})
	}
}

// silent is the address of a server that takes connections and never says a word.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// runFolders lists the folders of runs. One whose server is killed while it makes
// it has another name, and is left for some hours.
func runFolders(t *testing.T, below string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(below, "souk-run-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sourceAt makes a source of a database there, which is waited for patiently.
func (p person) sourceAt(address string) string {
	p.r.t.Helper()
	var domain struct{ Domain struct{ ID string } }
	p.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales", "description": "What is sold."}, "domain { id }", &domain)
	var made struct{ Source struct{ ID string } }
	p.do("createSource", "CreateSourceInput", map[string]any{
		"name": "shop", "domainId": domain.Domain.ID, "plugin": "postgres",
		"config": map[string]any{"url": "postgres://souk@" + address + "/shop", "connectTimeout": "10m"},
	}, "source { id }", &made)
	return made.Source.ID
}

// startHarvest begins a run that reads everything.
func (p person) startHarvest(tb testing.TB, source string) string {
	tb.Helper()
	var started struct{ Run struct{ ID string } }
	p.do("startHarvest", "StartHarvestInput", map[string]any{"sourceId": source, "isFull": true}, "run { id }", &started)
	return started.Run.ID
}

// howEnded gives the status of a run, and the code of its failure.
func (p person) howEnded(run string) (status, code string) {
	p.r.t.Helper()
	var got struct {
		HarvestRun struct {
			Status  string
			Failure struct{ Code string }
		}
	}
	p.ask(`query($id: ID!) { harvestRun(id: $id) { status failure { code } } }`, map[string]any{"id": run}, &got)
	return got.HarvestRun.Status, got.HarvestRun.Failure.Code
}

// latestRun is the id of the source's last run.
func (p person) latestRun(source string) string {
	p.r.t.Helper()
	var got struct {
		Source struct{ LastRun struct{ ID string } }
	}
	p.ask(`query($id: ID!) { source(id: $id) { lastRun { id } } }`, map[string]any{"id": source}, &got)
	return got.Source.LastRun.ID
}
