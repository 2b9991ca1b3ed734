package sqlite

import (
	"context"
	"fmt"

	"github.com/souk-mesh/souk/server/driver/sqlite"
)

// maxDamage is how many findings a file is asked for.
const maxDamage = 10

// Damage implements chain.Keeper: SQLite looks at every page and index.
func (db *DB) Damage(ctx context.Context) ([]string, error) {
	var found []string
	for _, name := range db.segmentNames() {
		err := query(ctx, db.find(name), fmt.Sprintf("PRAGMA integrity_check(%d)", maxDamage), nil, func(r sqlite.Row) (bool, error) {
			if text := r.Text(0); text != "ok" {
				found = append(found, fmt.Sprintf("the file of segment %s is damaged: %s", name, text))
			}
			return true, nil
		})
		if sqlite.IsDamaged(err) {
			found = append(found, fmt.Sprintf("the file of segment %s is damaged: %v", name, err))
			err = nil
		}
		if err != nil {
			return found, db.unusable(err)
		}
	}
	return found, nil
}
