package index

import (
	"runtime"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestEntriesLetGoOfDocuments puts assets whose texts are parts of a large document,
// as a decoder makes them, and sees that none of the documents stays.
func TestEntriesLetGoOfDocuments(t *testing.T) {
	const count, size = 64, 1 << 20
	x := newEntries()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range count {
		text := strings.Repeat(string(rune('a'+i%26))+"bcdefgh ", size/9)
		x.put(ofAsset(model.Asset{
			Meta: model.Meta{ID: model.ID(text[i*9 : i*9+300])}, DomainID: model.ID(text[:20]), Status: model.AssetStatus(text[20:26]),
			Name: text[30:60], ShortName: text[40:60], Tags: []string{text[60:70]}, Owners: []string{text[70:80]}, Description: text[80:100],
			Fields: []model.AssetField{{Name: text[100:110], Description: text[110:130], Tags: []string{text[130:140]}}},
		}))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(x)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > count*size/8 {
		t.Errorf("%d entries keep %d KiB, want less than one in eight of their documents", count, kept>>10)
	}
}
