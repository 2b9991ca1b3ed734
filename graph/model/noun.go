package model

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// ID names one record: a prefix that tells the noun, an underscore, and a
// part that sorts by creation time. It is opaque and never reused.
type ID string

// Prefix tells an ID's noun.
type Prefix string

// The prefixes of all nouns. They are API: never renamed, never reused.
const (
	PrefixPrincipal Prefix = "prn"
	PrefixToken     Prefix = "tok"
	PrefixTeam      Prefix = "tea"
	PrefixDomain    Prefix = "dom"
	PrefixProduct   Prefix = "dpr"
	PrefixAsset     Prefix = "ast"
	PrefixAlias     Prefix = "als"
	PrefixEdge      Prefix = "edg"
	PrefixQuality   Prefix = "qua"
	PrefixRequest   Prefix = "acr"
	PrefixGrant     Prefix = "grt"
	PrefixSource    Prefix = "src"
	PrefixRun       Prefix = "run"
	PrefixEvent     Prefix = "evt"
	PrefixDecision  Prefix = "dec"
	PrefixRevision  Prefix = "pol"
	PrefixState     Prefix = "pst"
	PrefixProposal  Prefix = "ppr"
	PrefixScorecard Prefix = "sco"
	PrefixDiffers   Prefix = "pdf"
	PrefixHead      Prefix = "dhd"
	PrefixNamespace Prefix = "nsp"
	PrefixUpgrade   Prefix = "upg"
	PrefixChange    Prefix = "chg"
	PrefixName      Prefix = "nam"
	PrefixRemoved   Prefix = "rem"
	PrefixMemory    Prefix = "mem"
	PrefixRole      Prefix = "srl"
	PrefixInSource  Prefix = "sgr"
	PrefixGranting  Prefix = "sgg"
	PrefixRunChange Prefix = "rch"
	PrefixUse       Prefix = "use"
)

// crockford leaves out the letters that people misread.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID mints an ID: 48 bits of milliseconds, then 80 random bits.
func NewID(p Prefix) ID {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // crypto/rand.Read never fails since Go 1.24
	return SumID(p, b[:])
}

// SumID makes an ID of bytes that stand for what it names, such as a hash of
// it: the same thing has the same ID wherever it is met.
func SumID(p Prefix, sum []byte) ID { return ID(string(p) + "_" + crockford.EncodeToString(sum)) }

// Sum gives what SumID made the ID of; there is nothing of one that it has not made.
func (id ID) Sum() (Prefix, []byte, bool) {
	p, text, _ := strings.Cut(string(id), "_")
	sum, err := crockford.DecodeString(text)
	if err != nil || p == "" || SumID(Prefix(p), sum) != id {
		return "", nil, false
	}
	return Prefix(p), sum, true
}

// Prefix tells which noun the ID names, or "" when it is no ID of ours.
func (id ID) Prefix() Prefix {
	p, rest, ok := strings.Cut(string(id), "_")
	if !ok || rest == "" {
		return ""
	}
	return Prefix(p)
}

// Slug is a name that people and policies type: lower-case letters, digits
// and underscores, beginning with a letter, at most 41 characters.
type Slug string

var slugShape = regexp.MustCompile(`^[a-z][a-z0-9_]{1,40}$`)

// Validate reports a slug that does not fit; field is the name the user knows it by.
func (s Slug) Validate(field string) error {
	if slugShape.MatchString(string(s)) {
		return nil
	}
	return Invalid(field, "must be 2 to 41 lower-case letters, digits or underscores and begin with a letter",
		"use a name such as \"sales\" or \"customer_orders\"")
}

// Revision counts the writes of one record. Zero means "not stored yet", so a
// change that expects revision zero creates.
type Revision int64

// Meta is what every stored noun carries. The store fills Revision, CreatedAt
// and UpdatedAt; nobody else writes them.
type Meta struct {
	ID        ID        `json:"id"`
	Revision  Revision  `json:"-"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Head gives the store a handle on the record's identity.
func (m *Meta) Head() *Meta { return m }

// Noun is anything the store can keep.
type Noun interface{ Head() *Meta }

// PointerTo is the pointer of a noun's type, which is what has its methods:
// generic code that makes nouns of its own names both.
type PointerTo[T any] interface {
	*T
	Noun
}

// Now is the current time as Souk keeps it: UTC, cut to the millisecond,
// because one of the engines drops everything below that.
func Now() time.Time { return Instant(time.Now()) }

// Instant cuts t to the precision that both engines keep.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
