package model

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// PrincipalKind separates people from programs.
type PrincipalKind string

// The kinds of principal.
const (
	Person  PrincipalKind = "PERSON"
	Service PrincipalKind = "SERVICE"
)

// Role is a standing right of a principal on the platform. Rights over one
// domain come from being its steward, not from a role.
type Role string

// The roles.
const (
	RoleAdmin    Role = "ADMIN"       // runs the platform: principals, sources, policies
	RoleSteward  Role = "STEWARD"     // platform steward: approves for domains that have none
	RoleEmployee Role = "EMPLOYEE"    // everybody else
	RolePEP      Role = "PEP"         // a service that asks what others may do, and enforces the answer
	RoleTrusted  Role = "TRUSTED_PEP" // a PEP whose word on attributes stands above the server's
)

// Roles lists every role.
func Roles() []Role {
	return []Role{RoleAdmin, RoleSteward, RoleEmployee, RolePEP, RoleTrusted}
}

// Principal is whoever asks: a person or a service.
type Principal struct {
	Meta
	Kind        PrincipalKind  `json:"kind"`
	Name        string         `json:"name"` // unique sign-in name, such as ana@sales
	DisplayName string         `json:"displayName"`
	Email       string         `json:"email,omitempty"`
	DomainID    ID             `json:"domainId,omitempty"`
	TeamIDs     []ID           `json:"teamIds,omitempty"`
	Roles       []Role         `json:"roles,omitempty"`
	Clearance   Classification `json:"clearance,omitempty"`
	Region      string         `json:"region,omitempty"` // where they work, in the company's own words, such as eu or de_berlin
	Suspended   bool           `json:"suspended,omitempty"`
}

// Has reports whether the principal holds the role.
func (p Principal) Has(role Role) bool { return slices.Contains(p.Roles, role) }

// System is the principal of the server's own work: expiry, schedules, first start.
func System() Principal {
	return Principal{Meta: Meta{ID: "prn_system"}, Kind: Service, Name: "system", DisplayName: "Souk", Roles: []Role{RoleAdmin}}
}

// TokenKind is what a credential opens.
type TokenKind string

// The kinds of token.
const (
	TokenAPI        TokenKind = "API"        // the API, as long as it lasts
	TokenSession    TokenKind = "SESSION"    // the console in one browser, until it is left or unused for long
	TokenInvitation TokenKind = "INVITATION" // a session, once, within minutes
)

// Token is a credential of a principal. Its secret is shown once and only its
// hash is kept.
type Token struct {
	Meta
	PrincipalID ID         `json:"principalId"`
	Kind        TokenKind  `json:"kind,omitempty"` // empty in records from before there were kinds
	Name        string     `json:"name"`
	Hash        string     `json:"hash"` // hex SHA-256 of the secret, which carries 256 random bits
	ExpiresAt   time.Time  `json:"expiresAt"`
	RevokedAt   *time.Time `json:"revokedAt,omitempty"`
}

// Opens is what the token opens.
func (t Token) Opens() TokenKind { return cmp.Or(t.Kind, TokenAPI) }

// Valid reports whether the token still opens anything at the time.
func (t Token) Valid(at time.Time) bool { return t.RevokedAt == nil && at.Before(t.ExpiresAt) }

// SessionUse is when a session was last used, to within some minutes. It is a note
// of the server's own, so that using the console is no change of a credential.
type SessionUse struct {
	Meta
	SessionID ID        `json:"sessionId"`
	At        time.Time `json:"at"`
}

// UseID is the id of the note of a session's last use.
func (t Token) UseID() ID {
	return ID(string(PrefixUse) + strings.TrimPrefix(string(t.ID), string(PrefixToken)))
}

// Team is a group of principals inside a domain.
type Team struct {
	Meta
	Name        Slug   `json:"name"`
	DisplayName string `json:"displayName"`
	DomainID    ID     `json:"domainId"`
}

type contextKey int

const (
	principalKey contextKey = iota
	requestKey
	channelKey
)

// WithPrincipal says who is asking for the length of the context.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// PrincipalFrom tells who is asking, or an error of kind Unauthenticated.
func PrincipalFrom(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(principalKey).(Principal)
	if !ok || p.ID == "" {
		return Principal{}, &Error{
			Kind: KindUnauthenticated, Message: "no one is signed in",
			Hint: "send the header Authorization: Bearer TOKEN",
		}
	}
	return p, nil
}

// Channel is the door by which a question comes, as policies see it in
// input.context.channel.
type Channel string

// The channels. What no door brings is a command of the operator.
const (
	ChannelGraphQL  Channel = "graphql"  // the API, and the console that speaks it
	ChannelAuthZEN  Channel = "authzen"  // enforcement points by AuthZEN
	ChannelTrino    Channel = "trino"    // Trino's access control
	ChannelOPA      Channel = "opa"      // sidecars: their bundles and their reports
	ChannelSchedule Channel = "schedule" // the server's own work: expiry, scheduled runs of sources
	ChannelCommand  Channel = "command"  // souk on the command line
)

// WithChannel says by which door what follows comes.
func WithChannel(ctx context.Context, c Channel) context.Context {
	return context.WithValue(ctx, channelKey, c)
}

// ChannelFrom tells by which door it comes.
func ChannelFrom(ctx context.Context) Channel {
	if c, ok := ctx.Value(channelKey).(Channel); ok {
		return c
	}
	return ChannelCommand
}

// WithRequestID names the request for logs and events.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey, id)
}

// RequestIDFrom names the request, or "" outside of one.
func RequestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestKey).(string)
	return id
}
