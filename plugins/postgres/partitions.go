package postgres

import "github.com/souk-mesh/souk/sdk"

// leaves is what the partitions of a table add up to.
type leaves struct {
	count int
	rows  float64 // -1 once one of them is unknown
	bytes int64
	reads int64
}

// partitionsOf adds up the leaf partitions at every level above them.
func partitionsOf(all []relation) map[uint32]leaves {
	parent := map[uint32]uint32{}
	for _, r := range all {
		if r.Partition {
			parent[r.OID] = r.Parent
		}
	}
	sums := map[uint32]leaves{}
	for _, r := range all {
		if !r.Partition || r.Kind == "p" {
			continue
		}
		for up := parent[r.OID]; up != 0; up = parent[up] {
			sum := sums[up]
			sum.count++
			sum.bytes += r.Bytes
			sum.reads += r.Reads
			if r.Tuples < 0 || sum.rows < 0 {
				sum.rows = -1
			} else {
				sum.rows += r.Tuples
			}
			sums[up] = sum
		}
	}
	return sums
}

// standsFor is the table that a partition is counted on: the topmost one that
// is harvested. Any other relation stands for itself, and so does a partition
// of a table that is not harvested.
func (s *source) standsFor(l *listing, r relation) relation {
	for r.Partition && !s.unfold {
		up, known := l.byOID[r.Parent]
		if !known {
			break
		}
		r = up
	}
	return r
}

// maxPartitionNames bounds the names of partitions that lead to their table.
const maxPartitionNames = 1000

// partitionNames gives the names of the partitions by the table that they are
// counted on, so that whoever names a partition means the table.
func (s *source) partitionNames(l *listing) map[uint32][]sdk.Alias {
	names := map[uint32][]sdk.Alias{}
	for _, r := range l.relations {
		top := s.standsFor(l, r)
		if top.OID != r.OID && r.Named && len(names[top.OID]) < maxPartitionNames {
			names[top.OID] = append(names[top.OID], s.alias(s.id(r.Schema, r.Name).Name))
		}
	}
	return names
}

// emitParts says that a table is made of its partitions, where these are listed.
func (s *source) emitParts(l *listing, out sdk.Sink) error {
	for _, r := range l.relations {
		up, known := l.byOID[r.Parent]
		if !s.unfold || !r.Partition || !known || !r.Listed || !r.Named || !up.Named {
			continue
		}
		edge := &sdk.Edge{From: s.id(r.Schema, r.Name), To: s.id(up.Schema, up.Name), Scope: s.scope(up.Schema), Kind: "DERIVES", Method: "pg_inherits", Confidence: 1}
		if err := out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) alias(name string) sdk.Alias {
	return sdk.Alias{Scheme: "openlineage", Namespace: s.namespace, Name: name}
}
