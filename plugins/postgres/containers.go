package postgres

import (
	"fmt"
	"math"
	"strconv"

	"github.com/souk-mesh/souk/sdk"
)

func (s *source) databaseID() sdk.NativeID {
	return sdk.NativeID{Namespace: s.namespace, Name: sdk.JoinName(s.database)}
}

func (s *source) schemaID(name string) sdk.NativeID {
	return sdk.NativeID{Namespace: s.namespace, Name: sdk.JoinName(s.database, name)}
}

// stableID is made of numbers that stay when a thing is renamed. Those of one
// database are known in it alone.
func (l *listing) stableID(catalogue string, oid uint32) string {
	return fmt.Sprintf("%s:%d.%d", catalogue, l.more.database.OID, oid)
}

// emitContainers emits the schemas, and the database that holds them. A source
// that reads some schemas alone has not seen the whole database, and names it only.
func (s *source) emitContainers(l *listing, out sdk.Sink) error {
	if len(l.schemas) == 0 {
		return nil
	}
	partial := len(s.include)+len(s.exclude) > 0
	holder := &sdk.Asset{
		ID: s.databaseID(), Scope: s.scope(l.schemas[0].Name), Kind: "DATABASE", Rank: sdk.Holder, ShortName: s.database,
		Description: l.more.database.Comment, OwnerRoles: []string{l.more.database.Owner}, StableID: l.stableID("pg_database", l.more.database.OID), Reference: partial,
	}
	if err := out.Emit(holder); err != nil {
		return err
	}
	for _, sc := range l.schemas {
		parent := holder.ID
		err := out.Emit(&sdk.Asset{
			ID: s.schemaID(sc.Name), Scope: s.scope(sc.Name), Kind: "SCHEMA", Rank: sdk.Holder, ShortName: sc.Name, Parent: &parent,
			Description: sc.Comment, OwnerRoles: []string{sc.Owner}, StableID: l.stableID("pg_namespace", sc.OID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// describe adds what the catalogue says of a relation beside its columns and keys.
func (s *source) describe(a *sdk.Asset, r relation, l *listing, parts leaves) {
	parent := s.schemaID(r.Schema)
	a.Parent, a.StableID = &parent, l.stableID("pg_class", r.OID)
	a.Constraints, a.Indexes = l.more.constraints[r.OID], l.more.indexes[r.OID]
	if a.Definition = l.more.definitions[r.OID]; a.Definition != "" {
		a.DefinitionLanguage = "sql"
	}
	size, reads := r.Bytes, r.Reads
	if r.Kind == "p" {
		size, reads = parts.bytes, parts.reads
	}
	if size > 0 {
		a.Bytes = &size
	}
	if s.counts && l.more.database.Counts && (r.Kind == "r" || r.Kind == "m" || r.Kind == "p") {
		a.Usage = &sdk.Usage{Reads: rounded(reads)}
		if from := l.more.database.CountedFrom; from != nil {
			a.Usage.From = from.UTC()
		}
	}
}

// rounded keeps two digits: each read of a table shall not make it another one.
func rounded(n int64) int64 {
	unit := int64(math.Pow10(max(0, len(strconv.FormatInt(n, 10))-2)))
	return n / unit * unit
}
