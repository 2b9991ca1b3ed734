package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/sdk"
)

// markForm begins every watermark: another form is of another program.
const markForm = "sqlite schema 1 "

// mark is a hash of everything that a harvest reads. The counter of changes in the
// file is no good for it: two files may share one, and a copy takes it along.
func (h *harvest) mark() (sdk.Watermark, error) {
	sum := sha256.New()
	analysed := false
	err := h.each(`select type, name, tbl_name, coalesce(sql, '') from sqlite_schema order by type, name`, func(r *sqlite.Stmt) error {
		analysed = analysed || r.ColumnText(1) == "sqlite_stat1"
		return addRow(sum, r)
	})
	if err == nil && analysed {
		err = h.each(`select tbl, coalesce(idx, ''), coalesce(stat, '') from sqlite_stat1 order by tbl, idx, stat`, func(r *sqlite.Stmt) error { return addRow(sum, r) })
	}
	return sdk.Watermark(markForm + hex.EncodeToString(sum.Sum(nil))), err
}

// addRow adds each text with its length, so that no two rows are written alike.
func addRow(sum hash.Hash, r *sqlite.Stmt) error {
	for i := range r.ColumnCount() {
		text := r.ColumnText(i)
		if _, err := fmt.Fprintf(sum, "%d %s", len(text), text); err != nil {
			return err
		}
	}
	return nil
}

// unchanged says that nothing has changed, if that is so.
func (h *harvest) unchanged(out sdk.ChangeSink, since, now sdk.Watermark) (bool, error) {
	switch {
	case len(since) == 0:
		return false, nil
	case !strings.HasPrefix(string(since), markForm):
		return false, sdk.Expired("it is no hash of a schema")
	case !bytes.Equal(since, now):
		return false, nil
	}
	return true, out.ScopeKept(scope)
}
