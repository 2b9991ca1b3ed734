package identity_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// onEngines runs a test in an empty company on each engine.
func onEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range map[string]enginetest.Open{"sqlite": enginetest.SQLite, "mongodb": enginetest.MongoDB} {
		t.Run(name, func(t *testing.T) {
			w := &world{World: servertest.New(t, servertest.Company{Open: open})}
			w.Service = w.Identity
			test(t, w)
		})
	}
}

// TestSessionLasts turns the clock: a session that is used goes on until its life
// is over, one that is not used ends before, and an invitation ends in minutes.
func TestSessionLasts(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana := w.person("ana")
		_, token := w.token(ana, 30*day)
		in := func() string {
			w.Helper()
			session, secret, err := w.SignIn(w.Context(), token, "Firefox on Linux")
			if err != nil || session.Person.ID != ana.ID || session.Token.Name != "Firefox on Linux" {
				t.Fatalf("%+v, %v", session, err)
			}
			return secret
		}
		open := func(secret string) bool {
			_, err := w.Session(w.Context(), secret)
			if err != nil && !model.Is(err, model.KindUnauthenticated) {
				t.Fatal(err)
			}
			return err == nil
		}
		w.Turn(0)
		used, left := in(), in()
		for hour := range 12 {
			w.Turn(time.Duration(hour) * time.Hour)
			if !open(used) {
				t.Fatalf("a session that is used each hour ends after %d", hour)
			}
		}
		if open(left) {
			t.Error("a session that is left for hours goes on")
		}
		w.Turn(12*time.Hour + time.Second)
		if open(used) {
			t.Error("a session outlives its life")
		}
	})
}

// readsOnly is a store that cannot be written at present.
type readsOnly struct{ store.Store }

func (readsOnly) Apply(context.Context, store.Change) (model.Event, error) {
	return model.Event{}, &model.Error{Kind: model.KindUnavailable, Code: "READS_ONLY", Message: "the disk is full"}
}

// TestSessionGoesOnWhileNothingIsWritten has somebody read while the disk is full.
func TestSessionGoesOnWhileNothingIsWritten(t *testing.T) {
	w := newWorld(t)
	_, token := w.token(w.person("ana"), day)
	_, secret, err := w.SignIn(w.Context(), token, "")
	w.Must(err)
	w.Turn(time.Hour)
	full := identity.New(readsOnly{w.Store}, w.Gate, identity.Sessions{Life: 12 * time.Hour, Idle: 2 * time.Hour}, w.Now)
	if _, err := full.Session(w.Context(), secret); err != nil {
		t.Error(err)
	}
}

// TestEndedSessionsAreForgotten has somebody come back after months.
func TestEndedSessionsAreForgotten(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana := w.person("ana")
		_, token := w.token(ana, 360*day)
		for range 3 {
			_, _, err := w.SignIn(w.Context(), token, "")
			w.Must(err)
		}
		for _, later := range []struct {
			days time.Duration
			want int // with the token and the new session
		}{{20, 5}, {35, 3}} {
			w.Turn(later.days * day)
			_, _, err := w.SignIn(w.Context(), token, "")
			w.Must(err)
			page, err := w.Tokens(w.as(ana), "", model.Paging{First: 50})
			w.Must(err)
			if len(page.Nodes) != later.want {
				t.Errorf("after %d days there are %d", later.days, len(page.Nodes))
			}
		}
	})
}

// TestInvitationIsTakenOnce has the link of an invitation taken in two windows at
// once, and after its time.
func TestInvitationIsTakenOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, w *world) {
		t.Helper()
		ana, bo := w.person("ana"), w.person("bo")
		robot, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Service, Name: "robot"})
		w.Must(err)
		invite := func() string {
			w.Helper()
			_, secret, err := w.Invite(w.System(), ana.ID)
			w.Must(err)
			return secret
		}
		secret, got := invite(), make(chan error, 8)
		for range cap(got) {
			go func() {
				_, _, err := w.SignIn(t.Context(), secret, "")
				got <- err
			}()
		}
		in := 0
		for range cap(got) {
			if err := <-got; err == nil {
				in++
			} else if !model.Is(err, model.KindUnauthenticated) {
				t.Error(err)
			}
		}
		if in != 1 {
			t.Errorf("%d windows took one invitation", in)
		}
		late := invite()
		w.Turn(15*time.Minute + time.Second)
		if _, _, err := w.SignIn(w.Context(), late, ""); !model.Is(err, model.KindUnauthenticated) {
			t.Errorf("an invitation opens after its time: %v", err)
		}
		w.Turn(0)
		if _, _, err := w.Invite(w.as(ana), bo.ID); !model.Is(err, model.KindDenied) {
			t.Errorf("somebody invites who may not: %v", err)
		}
		if _, _, err := w.Invite(w.System(), robot.ID); !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "service") {
			t.Errorf("a service is invited: %v", err)
		}
	})
}
