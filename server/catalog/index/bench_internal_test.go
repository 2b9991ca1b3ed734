package index

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// hundredThousand fills an index with tables of eleven columns, as a firm of a
// few databases has them.
func hundredThousand() *entries {
	x := newEntries()
	for i := range 100_000 {
		short := fmt.Sprintf("%s_%s_%06d", someWords[i%len(someWords)], []string{"facts", "daily", "archive", "raw"}[i%4], i)
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, DomainID: model.ID(fmt.Sprintf("dom_%d", i%50)), Status: model.AssetActive, ShortName: short,
			Name: fmt.Sprintf("shop%d.public.%s", i%7, short), Description: fmt.Sprintf("What the shop knows of its customers and orders, part %d.", i),
		}
		for f := range 11 {
			a.Fields = append(a.Fields, model.AssetField{Name: fmt.Sprintf("field_%02d_%d", f, i%1000), Description: "One fact of the row."})
		}
		x.put(ofAsset(a))
	}
	x.settle()
	return x
}

// BenchmarkMemory tells what 100,000 assets with 1,100,000 columns take.
func BenchmarkMemory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := hundredThousand()
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(x)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "heap-MB")
}

// BenchmarkFind takes the first page of 20 out of 100,000 assets.
func BenchmarkFind(b *testing.B) {
	x := hundredThousand()
	for _, text := range []string{"customers", "orders archive", "c", "fie", "nothing_like_it", "archive_000002"} {
		b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
			b.ReportAllocs()
			began := processor()
			for b.Loop() {
				x.Find(Query{Text: text, Words: Asked(text)}, 21)
			}
			b.ReportMetric(float64((processor()-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// processor is the processor time that this process has taken, which a busy
// machine does not change as it does the time that passes.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it knows of this process
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRestore takes the index of 100,000 assets from its file, as a start does.
func BenchmarkRestore(b *testing.B) {
	x := &Index{entries: hundredThousand()}
	f, err := os.Create(filepath.Join(b.TempDir(), "souk-search"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	begun := processor()
	if err := x.write(f, keptHead{Edition: edition}); err != nil {
		b.Fatal(err)
	}
	saved, size := processor()-begun, int64(0)
	begun = processor()
	for b.Loop() {
		head, _, err := read(f)
		if err != nil || head.Entries != 100_000 {
			b.Fatal(head, err)
		}
	}
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	b.ReportMetric(float64((processor()-begun).Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(saved.Milliseconds()), "save-cpu-ms")
	b.ReportMetric(float64(size)/(1<<20), "file-MB")
}
