package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/sdk"
)

// Grants says with what the plugin gives rights. It is off without a user.
type Grants struct {
	User        string   `json:"user,omitempty" doc:"User that gives rights to others and takes them away. It is Souk's alone, and may change every rule of the cluster. No right is ever given when empty." admin:"true"`
	Password    string   `json:"password,omitempty" doc:"Password of the user that gives rights." format:"secret"`
	GroupPrefix string   `json:"groupPrefix" doc:"Beginning of the names of the consumer groups that a reader may use, in which {role} stands for the reader's name; none when it is a single minus." default:"{role}." admin:"true"`
	SuperUsers  []string `json:"superUsers,omitempty" doc:"What super.users says on the brokers, each User:NAME. No broker shows it, and whoever is named there reads without a rule." admin:"true"`
}

func (g Grants) judge(harvester string) error {
	switch {
	case g.User == "" && g.Password != "":
		return sdk.Config("grants.user", "is empty and has a password", "name the user, or take the secret grants.password away")
	case g.User != "" && g.User == harvester:
		return sdk.Config("grants.user", "is the user that harvests", "give rights by a user of its own, so that the harvest can give none")
	case slices.ContainsFunc(g.SuperUsers, func(u string) bool { return !strings.Contains(u, ":") }):
		return sdk.Config("grants.superUsers", "has one that is no principal", "write each as User:NAME")
	}
	return nil
}

// writer is who gives rights, on a connection of its own.
type writer struct {
	*source

	client *kgo.Client
}

// within opens a connection as the user that gives rights.
func (s *source) within(use func(*writer) error) error {
	if s.Grants.User == "" {
		return sdk.NoGrants("grants.user")
	}
	p := *s.parsed
	p.User, p.Password = s.Grants.User, s.Grants.Password
	client, err := kgo.NewClient(p.options()...)
	if err != nil {
		return sdk.Config("brokers", "are not understood", "write each as broker.example:9092")
	}
	defer client.Close()
	return s.explainGrant(use(&writer{s, client}))
}

// explainGrant is explain for the user that gives rights.
func (p *parsed) explainGrant(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		e := sdk.Auth("the broker refuses the user that gives rights, or its password", "set grants.user and the secret grants.password")
		e.Err = err
		return e
	case errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TopicAuthorizationFailed):
		e := sdk.Denied("the user that gives rights lacks a right that it needs for it", "run the commands on the plugin's page for the user that gives rights")
		e.Err = err
		return e
	}
	return p.explain(err)
}

// PlanGrant looks at the source and changes nothing.
func (s *source) PlanGrant(ctx context.Context, r sdk.GrantRequest) (plan sdk.GrantPlan, err error) {
	err = s.within(func(w *writer) error {
		p, err := w.plan(ctx, r)
		plan = p.GrantPlan
		return err
	})
	return plan, err
}

// ApplyGrant plans anew and does what it has planned if that is what it was asked
// to do. The brokers take all rules of one request or none.
func (s *source) ApplyGrant(ctx context.Context, r sdk.GrantRequest, asked sdk.GrantPlan) (outcome sdk.GrantOutcome, err error) {
	err = s.within(func(w *writer) error {
		var now planner
		outcome, err = granting.Settle(asked, func() (sdk.GrantPlan, error) {
			var err error
			now, err = w.plan(ctx, r)
			return now.GrantPlan, err
		}, func([]string) error {
			if err := w.change(ctx, now.add, now.drop); err != nil {
				return err
			}
			return w.arrives(ctx, r)
		})
		return err
	})
	return outcome, err
}

// arrives waits until the brokers show what was done: it comes to them by the
// controller, a moment later.
func (w *writer) arrives(ctx context.Context, r sdk.GrantRequest) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		left, err := w.plan(ctx, r)
		if err != nil || len(left.Statements) == 0 {
			return err
		}
		if pause == time.Second {
			return sdk.Unavailable("the brokers do not show yet what was done: "+left.Statements[0], "try again", nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// change adds rules in one request, or takes them in one.
func (w *writer) change(ctx context.Context, add, drop []rule) error {
	if len(add) > 0 {
		if err := w.create(ctx, add); err != nil {
			return err
		}
	}
	if len(drop) == 0 {
		return nil
	}
	request := kmsg.NewPtrDeleteACLsRequest()
	for _, one := range drop {
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourceName, f.ResourcePatternType = one.Type, &one.Name, one.Pattern
		f.Principal, f.Host, f.Operation, f.PermissionType = &one.Principal, &one.Host, one.Operation, one.Permission
		request.Filters = append(request.Filters, f)
	}
	answer, err := request.RequestWith(ctx, w.client)
	if err != nil {
		return err
	}
	for _, one := range answer.Results {
		err = errors.Join(err, kerr.ErrorForCode(one.ErrorCode))
	}
	return err
}

// create takes back what it has added where the cluster refuses some of it.
func (w *writer) create(ctx context.Context, add []rule) error {
	request := kmsg.NewPtrCreateACLsRequest()
	for _, one := range add {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = one.Type, one.Name, one.Pattern
		c.Principal, c.Host, c.Operation, c.PermissionType = one.Principal, one.Host, one.Operation, one.Permission
		request.Creations = append(request.Creations, c)
	}
	answer, err := request.RequestWith(ctx, w.client)
	if err != nil {
		return err
	}
	var made []rule
	for i, one := range answer.Results {
		refused := kerr.ErrorForCode(one.ErrorCode)
		if refused == nil && i < len(add) {
			made = append(made, add[i])
		}
		err = errors.Join(err, refused)
	}
	if err == nil || len(made) == 0 {
		return err
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, w.change(back, nil, made))
}

// checkGrants tries what giving rights needs, where it is on.
func (s *source) checkGrants(ctx context.Context) error {
	return s.within(func(w *writer) error {
		rules, err := w.rules(ctx)
		if err != nil || rules == nil {
			return err
		}
		if _, err := w.openToAll(ctx); err != nil {
			return err
		}
		me := "User:" + s.Grants.User
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.may(me) && r.alters() }) && !slices.Contains(s.Grants.SuperUsers, me) {
			return sdk.Denied(fmt.Sprintf("no rule lets the user %q change rules", s.Grants.User), "run the commands on the plugin's page for the user that gives rights; name it in grants.superUsers where it is a super user")
		}
		return nil
	})
}

var _ sdk.Granter = (*source)(nil)
