package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Name is a name that a record has had, or had when it was removed. It leads
// to the record, and nobody else takes it: rules, logs and other systems know
// records by their names, and would go on about somebody else.
type Name struct {
	Meta
	Kind      Prefix `json:"kind"`             // of which noun it is a name
	Within    ID     `json:"within,omitempty"` // the domain that it is unique in; "" is the company
	Name      string `json:"name"`
	SubjectID ID     `json:"subjectId"`
}

// NameID is the id of a name: two claims on one have the same.
func NameID(kind Prefix, within ID, name string) ID {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + string(within) + "\x00" + name))
	return ID(string(PrefixName) + "_" + hex.EncodeToString(sum[:16]))
}

// Removed is a record that was taken away, as it was, so that it can be
// restored.
type Removed struct {
	Meta
	Kind     string          `json:"kind"` // the noun in words, such as team
	RecordID ID              `json:"recordId"`
	Name     string          `json:"name"`
	DomainID ID              `json:"domainId,omitempty"` // whose it was; "" is the platform's
	ActorID  ID              `json:"actorId"`
	Reason   string          `json:"reason,omitempty"`
	Record   json.RawMessage `json:"record"`
}

// RemovedID is the id of what a removed record leaves behind.
func RemovedID(record ID) ID { return ID(string(PrefixRemoved) + "_" + string(record)) }

// Dependency is what keeps a record from being removed: the records of one
// kind that would point at nothing.
type Dependency struct {
	Kind    string      // the nouns in words, such as members
	Count   int         // how many there are
	More    bool        // there are more than were counted
	Samples []Dependent // some of those that the actor may know of
	Hint    string      // what to do about them
}

// Dependent is one record that points at another.
type Dependent struct {
	ID   ID
	Name string
}
