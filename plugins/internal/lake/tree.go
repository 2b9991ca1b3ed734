package lake

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
)

// What a listing holds in memory at once: the folders on the way to the latest
// key, each with a summary of each kind of file in it.
const (
	deepest    = 64   // folders; what lies deeper is taken for a part of the name
	mostShapes = 1000 // kinds of files in a folder; further ones count as *.csv and so on
	mostKeys   = 32   // partition keys of a dataset
)

// tree puts a stream of objects together. It holds the open folders only: those
// on the way to the latest key. A folder is closed by the first key outside of
// it, and then it is a dataset or several, or a part of what its parent holds.
type tree struct {
	scope   Scope
	options Options
	emit    func(*dataset) error
	stack   []*folder
	seed    maphash.Seed
	last    string
	tally   tally
}

// tally counts what no dataset is made of.
type tally struct {
	objects, hidden, other, folded int64

	bytes  int64 // of all objects
	newest time.Time
}

func newTree(scope Scope, options Options, emit func(*dataset) error) *tree {
	t := &tree{scope: scope, options: options, emit: emit, seed: maphash.MakeSeed()}
	t.stack = []*folder{newFolder(scope.Prefix, "", nil)}
	t.stack[0].sealed = t.isDataset(scope.Prefix)
	return t
}

// folder is an open folder.
type folder struct {
	path    string // with its slash; "" above all
	name    string
	divides division
	within  bool // it, or a folder that it lies in, is a part of what lies above
	sealed  bool // one dataset with all that lies below
	hidden  bool

	entries  map[string]*entry
	children int  // folders that are datasets themselves
	shadowed bool // a file has the name of the folder
	data     *folder
	closed   map[uint64]struct{} // the folders in it that are closed, where the order does not show it

	metadata Object // the newest of an Iceberg table
	version  int
	log      deltaLog
	table    string
}

// deltaLog is what the folder _delta_log holds.
type deltaLog struct {
	found      bool
	version    int64
	checkpoint Object
	trace      uint64 // of what is listed there, in any order
}

// entry sums up the files of one kind in a folder.
type entry struct {
	files, bytes int64
	newest       time.Time
	sample       Object
	formats      map[heads.Format]bool
	keys         []partitionKey
	dated        bool
}

func newFolder(path, name string, parent *folder) *folder {
	f := &folder{path: path, name: name}
	if parent != nil {
		above := parent.divides
		if parent.name == "data" { // where Iceberg spreads files over folders such as 0101
			above = hashed
		}
		f.divides = divisionOf(name, above)
		f.within = parent.within || f.divides != plain
		f.sealed = parent.sealed
		f.hidden = parent.hidden || isHidden(name) && name != "_delta_log"
	}
	return f
}

func (t *tree) top() *folder { return t.stack[len(t.stack)-1] }

// add takes the next object of the listing.
func (t *tree) add(o Object) error {
	if t.scope.ByteOrder && o.Key < t.last {
		return disorder(o.Key)
	}
	t.last = o.Key
	if !strings.HasPrefix(o.Key, t.scope.Prefix) {
		return fmt.Errorf("the listing of %q shows %q", t.scope.Prefix, o.Key)
	}
	t.tally.objects++
	t.tally.bytes += o.Size
	t.tally.newest = later(t.tally.newest, o.Modified)
	for !strings.HasPrefix(o.Key, t.top().path) {
		if err := t.pop(); err != nil {
			return err
		}
	}
	name := o.Key[len(t.top().path):]
	for len(t.stack) < deepest {
		folder, rest, below := strings.Cut(name, "/")
		if !below {
			break
		}
		if err := t.push(folder); err != nil {
			return err
		}
		name = rest
	}
	t.file(t.top(), name, o)
	return nil
}

func disorder(key string) error {
	return fmt.Errorf("the listing is not in order: %.200q comes after keys that follow it", key)
}

func (t *tree) push(name string) error {
	parent := t.top()
	f := newFolder(parent.path+name+"/", name, parent)
	f.sealed = f.sealed || t.isDataset(f.path)
	if t.options.Grouping != "" && t.options.Grouping != Auto && f.divides != hive || t.options.Grouping == Files {
		f.divides, f.within = plain, parent.within
	}
	if !t.scope.ByteOrder {
		h := maphash.String(t.seed, name)
		if _, again := parent.closed[h]; again {
			return disorder(f.path)
		}
		if parent.closed == nil {
			parent.closed = map[uint64]struct{}{}
		}
		parent.closed[h] = struct{}{}
	}
	t.stack = append(t.stack, f)
	return nil
}

func (t *tree) isDataset(path string) bool {
	return slices.ContainsFunc(t.options.Datasets, func(pattern string) bool { return matches(pattern, strings.TrimSuffix(path, "/")) })
}

// file counts an object in its folder.
func (t *tree) file(f *folder, name string, o Object) {
	switch {
	case name == "": // the folder itself, as some clients leave it
	case f.name == "_delta_log":
		f.log.add(name, o)
	case f.hidden || isHidden(name):
		t.tally.hidden++
	default:
		if f.name == "metadata" {
			f.iceberg(name, o)
		}
		pattern, format, program := t.patternOf(f, name)
		if format == heads.None && !program && !f.sealed {
			t.tally.other++
			return
		}
		t.entry(f, pattern, format).add(o, format)
	}
}

// patternOf gives the name of the dataset within its folder, "" for the folder
// itself.
func (t *tree) patternOf(f *folder, name string) (pattern string, format heads.Format, program bool) {
	stem, format, _ := heads.Kind(name)
	if f.sealed {
		return "", known(format), true
	}
	if t.options.Grouping == Files {
		return name, format, false
	}
	pattern, program = patternOf(stem)
	switch {
	case format == heads.None && (!program || !isPart(stem)):
		return "", format, false
	case t.options.Grouping == Hive && f.divides != hive && !program:
		return name, format, false
	case program:
		return "", known(format), true
	}
	return pattern + name[len(stem):], format, false
}

func known(format heads.Format) heads.Format {
	if format == heads.None {
		return heads.Unknown
	}
	return format
}

// entry finds the summary for the pattern. A folder with a great many kinds of
// files has the further ones together, by their format.
func (t *tree) entry(f *folder, pattern string, format heads.Format) *entry {
	if e := f.entries[pattern]; e != nil {
		return e
	}
	if len(f.entries) >= mostShapes && pattern != "" {
		t.tally.folded++
		pattern = "*." + string(format)
		if e := f.entries[pattern]; e != nil {
			return e
		}
	}
	if f.entries == nil {
		f.entries = map[string]*entry{}
	}
	e := &entry{formats: map[heads.Format]bool{}}
	f.entries[pattern] = e
	return e
}

// add counts one file. The sample is the newest that can be read and holds something.
func (e *entry) add(o Object, format heads.Format) {
	e.files++
	e.bytes += o.Size
	e.formats[format] = true
	e.newest = later(e.newest, o.Modified)
	if better(o, e.sample) {
		e.sample = o
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// better prefers what can be read, then what is newer, then the later key.
func better(a, b Object) bool {
	if readable := a.Size > 0 && !a.Archived; readable != (b.Size > 0 && !b.Archived) {
		return readable
	}
	if !a.Modified.Equal(b.Modified) {
		return a.Modified.After(b.Modified)
	}
	return a.Key > b.Key
}

func (e *entry) merge(other *entry) {
	e.files += other.files
	e.bytes += other.bytes
	e.newest = later(e.newest, other.newest)
	if e.sample.Key == "" || better(other.sample, e.sample) {
		e.sample = other.sample
	}
	maps.Copy(e.formats, other.formats)
	for _, key := range other.keys {
		e.key(key)
	}
	e.dated = e.dated || other.dated
}

func (e *entry) key(key partitionKey) {
	if len(e.keys) < mostKeys && !slices.Contains(e.keys, key) {
		e.keys = append(e.keys, key)
	}
}

// end closes every folder.
func (t *tree) end() error {
	for len(t.stack) > 1 {
		if err := t.pop(); err != nil {
			return err
		}
	}
	return t.finish(t.stack[0])
}

// pop closes the innermost folder.
func (t *tree) pop() error {
	f := t.top()
	t.stack = t.stack[:len(t.stack)-1]
	parent := t.top()
	switch {
	case f.table != "", f.sealed && !parent.sealed:
		parent.children++
		return t.finish(f)
	case f.log.found:
		parent.table, parent.log = "delta", f.log
		return nil
	case f.metadata.Key != "":
		parent.table, parent.metadata = "iceberg", f.metadata
		return nil
	case f.hidden:
		return nil
	case f.sealed, f.divides != plain:
		t.fold(f, parent, "")
		return nil
	case f.within:
		t.fold(f, parent, f.name)
		return nil
	case f.name == "data": // of an Iceberg table, perhaps: metadata follows
		parent.data = f
		return nil
	}
	if len(f.entries) > 0 || f.children > 0 {
		parent.children++
	}
	_, f.shadowed = parent.entries[f.name]
	return t.finish(f)
}

// fold makes what a folder holds a part of what its parent holds: as it is
// under the same name, where the folder divides a dataset; below its own name,
// where a folder that divides holds several.
func (t *tree) fold(f, parent *folder, below string) {
	if f.data != nil {
		t.fold(f.data, f, "data")
	}
	parent.children += f.children
	for _, pattern := range slices.Sorted(maps.Keys(f.entries)) {
		e, to := f.entries[pattern], pattern
		switch {
		case below != "":
			to = below + "/" + pattern // ends with a slash for the folder itself
		case parent.sealed, f.divides == hive && !strings.Contains(pattern, "/"):
			to = "" // every file below key=value is a part of the table
		case pattern != "":
			to = "*/" + strings.TrimPrefix(pattern, "*/")
		}
		into := t.entry(parent, to, "")
		if f.divides == hive {
			key, _, _ := strings.Cut(f.name, "=")
			into.key(partitionKey{key})
		}
		into.dated = into.dated || f.divides != hive && f.divides != plain
		into.merge(e)
	}
}

// finish tells what a folder that is closed is.
func (t *tree) finish(f *folder) error {
	if f.table != "" {
		return t.finishTable(f)
	}
	if f.data != nil {
		data := f.data
		f.data = nil
		if len(data.entries) > 0 || data.children > 0 {
			f.children++
		}
		if err := t.finish(data); err != nil {
			return err
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(f.entries)) {
		if err := t.emit(f.dataset(pattern, f.entries[pattern])); err != nil {
			return err
		}
	}
	return nil
}

// finishTable makes one dataset of all that lies below.
func (t *tree) finishTable(f *folder) error {
	if f.data != nil {
		t.fold(f.data, f, "")
	}
	all := &entry{formats: map[heads.Format]bool{}}
	for _, pattern := range slices.Sorted(maps.Keys(f.entries)) {
		all.merge(f.entries[pattern])
	}
	d := f.dataset("", all)
	d.table, d.metadata, d.log = f.table, f.metadata, f.log
	return t.emit(d)
}

// dataset describes one entry.
func (f *folder) dataset(pattern string, e *entry) *dataset {
	d := &dataset{
		files: e.files, bytes: e.bytes, newest: e.newest, sample: e.sample, keys: e.keys, dated: e.dated,
		patterned: pattern == "" || strings.Contains(pattern, "*"),
	}
	for format := range maps.Keys(e.formats) {
		if format != "" {
			d.formats = append(d.formats, string(format))
		}
	}
	slices.Sort(d.formats)
	folder := folderName(f.path)
	if f.shadowed {
		folder += "/"
	}
	if pattern == "" {
		d.name, d.short = folder, lastPart(strings.TrimSuffix(f.path, "/"))
	} else {
		pattern = strings.TrimSuffix(pattern, "/")
		d.name, d.short = f.path+pattern, lastPart(pattern)
		if len(f.entries) == 1 && f.children == 0 && !f.shadowed && strings.Trim(f.path, "/") != "" {
			d.alias = folder
		}
	}
	if d.short == "" {
		d.short = d.name
	}
	return d
}

// folderName is the path without its slash, or with one more where a slash is
// all that there is: the name is never empty, and "a//" is not "a".
func folderName(path string) string {
	name := strings.TrimSuffix(path, "/")
	if strings.Trim(name, "/") == "" {
		return path + "/"
	}
	return name
}
