package index

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// edition is raised whenever things are described, cut into words or weighed in
// another way, since a file of before does not fit then.
const edition = 1

// chunkKept is how many entries or words a file holds together.
const chunkKept = 1000

var errUnfit = errors.New("the file does not fit this store")

// The file is a head, the entries and the words in chunks, and a checksum.
type (
	keptHead struct {
		Edition  int
		Position int64
		Event    model.ID // the one at the position: by it a file is known to belong to a store
		Entries  int
		Words    int
	}
	keptEntry struct {
		Entry
		Short string
		Boost float64
	}
	keptWords struct {
		Texts  []string
		Counts []uint32
		At     []uint32 // the postings of all, one word's after the other's
	}
)

// save writes the index with its position in the feed, whole or not at all.
func (x *Index) save(ctx context.Context) error {
	events, err := x.eventsAt(ctx, x.position)
	if err != nil || len(events) == 0 {
		return err // nothing has happened yet, or nothing tells any more what did
	}
	half := x.file + ".new" // one name, so that what a killed server has left is written over
	if err := os.Remove(half); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	err = x.write(f, keptHead{Edition: edition, Position: x.position, Event: events[0].ID})
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(half, x.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(half))
	}
	return nil
}

func (x *Index) eventsAt(ctx context.Context, seq int64) ([]model.Event, error) {
	page, err := store.Events.Find(ctx, x.store, store.Query{Index: "by_seq", Where: store.Between("seq", seq, seq+1), Limit: 1})
	return page.Nodes, err
}

func (x *Index) write(f io.Writer, head keptHead) error {
	sum, buffered := crc32.NewIEEE(), bufio.NewWriter(f)
	if err := x.encode(gob.NewEncoder(io.MultiWriter(buffered, sum)), head); err != nil {
		return err
	}
	if err := binary.Write(buffered, binary.BigEndian, sum.Sum32()); err != nil {
		return err
	}
	return buffered.Flush()
}

func (x *entries) encode(to *gob.Encoder, head keptHead) error {
	x.mu.Lock() // the words are put in order first, so that no forgotten one is kept
	x.known.sort()
	x.mu.Unlock()
	x.mu.RLock()
	defer x.mu.RUnlock()
	number, list := x.dense()
	head.Entries, head.Words = len(list), len(x.known.sorted)
	if err := to.Encode(head); err != nil {
		return err
	}
	for part := range slices.Chunk(list, chunkKept) {
		kept := make([]keptEntry, len(part))
		for i, e := range part {
			kept[i] = keptEntry{e.Entry, e.short, e.boost}
		}
		if err := to.Encode(kept); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(x.known.sorted, chunkKept) {
		if err := to.Encode(x.keptWords(part, number)); err != nil {
			return err
		}
	}
	return nil
}

// dense numbers the entries without those that are gone.
func (x *entries) dense() (number []uint32, list []*entry) {
	number = make([]uint32, len(x.list))
	for i, e := range x.list {
		if number[i] = uint32(len(list)); e != nil { //nolint:gosec // there are no more than in the list
			list = append(list, e)
		}
	}
	return number, list
}

func (x *entries) keptWords(part, number []uint32) keptWords {
	var kept keptWords
	for _, n := range part {
		w := x.known.words[n]
		kept.Texts, kept.Counts = append(kept.Texts, w.text), append(kept.Counts, uint32(len(w.at))) //nolint:gosec // as above
		for _, p := range w.at {
			kept.At = append(kept.At, uint32(newPosting(number[p.entry()], p.parts())))
		}
	}
	return kept
}

// restore takes the index from the file, if it is whole and of this store.
func (x *Index) restore(ctx context.Context) error {
	f, err := os.Open(x.file)
	if errors.Is(err, fs.ErrNotExist) {
		return errUnfit
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	head, kept, err := read(f)
	if err != nil {
		return err
	}
	events, err := x.eventsAt(ctx, head.Position)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[0].ID != head.Event {
		return errUnfit // of another store, or of a later state of this one
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.list, x.number, x.known, x.position = kept.list, kept.number, kept.known, head.Position
	return nil
}

func read(f *os.File) (keptHead, *entries, error) {
	info, err := f.Stat()
	if err != nil {
		return keptHead{}, nil, err
	}
	sum := crc32.NewIEEE()
	from := bufio.NewReader(io.TeeReader(io.NewSectionReader(f, 0, info.Size()-crc32.Size), sum))
	head, kept, err := decode(gob.NewDecoder(from))
	if err != nil {
		return keptHead{}, nil, errors.Join(errUnfit, err)
	}
	var want uint32
	if err := binary.Read(io.NewSectionReader(f, info.Size()-crc32.Size, crc32.Size), binary.BigEndian, &want); err != nil || want != sum.Sum32() {
		return keptHead{}, nil, errors.Join(errUnfit, err)
	}
	return head, kept, nil
}

func decode(from *gob.Decoder) (keptHead, *entries, error) {
	var head keptHead
	if err := from.Decode(&head); err != nil || head.Edition != edition {
		return head, nil, errors.Join(errUnfit, err)
	}
	x := newEntries()
	for len(x.list) < head.Entries {
		var part []keptEntry
		if err := from.Decode(&part); err != nil || len(part) == 0 {
			return head, nil, errors.Join(errUnfit, err)
		}
		for _, k := range part {
			x.takeBack(k)
		}
	}
	for len(x.known.words) < head.Words {
		var part keptWords
		if err := from.Decode(&part); err != nil || len(part.Texts) == 0 || len(part.Counts) != len(part.Texts) {
			return head, nil, errors.Join(errUnfit, err)
		}
		if !x.takeBackWords(part) {
			return head, nil, errUnfit
		}
	}
	return head, x, nil
}

func (x *entries) takeBack(k keptEntry) {
	e := &entry{Entry: k.Entry, folded: strings.ToLower(k.Name), short: k.Short, boost: k.Boost}
	if tail, ok := strings.CutSuffix(e.folded, e.short); ok {
		e.short = e.folded[len(tail):]
	}
	e.Domain, e.Status = model.ID(own(string(e.Domain))), model.AssetStatus(own(string(e.Status)))
	for i, tag := range e.Tags {
		e.Tags[i] = own(tag)
	}
	x.number[e.ID] = uint32(len(x.list)) //nolint:gosec // memory ends before
	x.list = append(x.list, e)
}

// takeBackWords adds words in their order; it is false when they cannot be of this index.
func (x *entries) takeBackWords(part keptWords) bool {
	for i, text := range part.Texts {
		n, count := uint32(len(x.known.words)), int(part.Counts[i]) //nolint:gosec // memory ends before
		if count > len(part.At) {
			return false
		}
		w := word{text: text, at: make([]posting, count)}
		for j, p := range part.At[:count] {
			of := posting(p).entry()
			if int(of) >= len(x.list) {
				return false
			}
			w.at[j] = posting(p)
			x.list[of].words = append(x.list[of].words, n)
		}
		part.At = part.At[count:]
		x.known.words, x.known.sorted, x.known.number[text] = append(x.known.words, w), append(x.known.sorted, n), n
	}
	return true
}
