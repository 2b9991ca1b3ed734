package backup

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	driver "github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

const (
	suffix      = ".bson"
	maxDocument = 48 << 20
	batchBytes  = 8 << 20
)

// dumpMongo writes each collection into a file, all as one moment saw them.
func (o Opener) dumpMongo(ctx context.Context, uri, folder string) (m Manifest, err error) {
	m, err = o.judgeMongo(ctx, uri)
	if err != nil {
		return m, err
	}
	client, err := driver.Open(ctx, uri, "souk backup")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return m, client.Still(ctx, func(ctx context.Context, names []string) error {
		m.Parts = nil
		for _, name := range names {
			if err := dump(ctx, client, name, filepath.Join(folder, name+suffix), &m); err != nil {
				return fmt.Errorf("copy the collection %s: %w", name, driver.Failure(err))
			}
			m.Parts = append(m.Parts, Part{Name: name + suffix})
		}
		return nil
	})
}

// dump writes the documents of a collection one after another. The events tell
// how far the copy goes, which is a little further than what was verified.
func dump(ctx context.Context, client *driver.Client, name, to string, m *Manifest) (err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own file
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	defer func() { err = errors.Join(err, out.Flush(), f.Close()) }()
	found, err := client.Snapshot(name).Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	defer func() { _ = found.Close(context.WithoutCancel(ctx)) }() // the server ends it anyway
	for found.Next(ctx) {
		if seq, ok := found.Current.Lookup("seq").AsInt64OK(); ok && name == "meta" {
			m.Change = seq
		}
		if _, err := out.Write(found.Current); err != nil {
			return err
		}
	}
	return found.Err()
}

// judgeMongo verifies the log in the database and that it belongs to the store.
func (o Opener) judgeMongo(ctx context.Context, uri string) (Manifest, error) {
	m := Manifest{Format: format, Engine: "mongodb", Made: model.Now()}
	records, err := o(ctx, uri, store.Reading)
	if err != nil {
		return m, err
	}
	l, err := decisionlog.Open(ctx, decisionlog.Config{URI: uri, ReadOnly: true, Store: records, Owns: true})
	if err != nil {
		return m, errors.Join(err, records.Close())
	}
	return m, errors.Join(inspect(ctx, l, records, &m), l.Close())
}

// putMongo fills an empty database. Until the last document is there the
// database is marked, so that no souk takes half a store for one.
func (o Opener) putMongo(ctx context.Context, uri, folder string, m Manifest) (err error) {
	client, err := driver.Open(ctx, uri, "souk restore")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	names, err := client.Names(ctx)
	if err != nil {
		return driver.Failure(err)
	}
	if len(names) > 0 {
		return &model.Error{
			Kind: model.KindConflict, Code: "STORE_NEWER", Field: "store", Message: fmt.Sprintf("the database %q is not empty (%s): a server may be using it", client.Name(), strings.Join(names, ", ")),
			Hint: "nothing was touched; name an empty database in the URI, or stop every souk and drop this one first",
		}
	}
	meta := client.Collection("meta")
	if _, err := meta.InsertOne(ctx, bson.D{{Key: "_id", Value: "souk"}, {Key: "layout", Value: -1}}); err != nil {
		return driver.Failure(err)
	}
	for _, p := range m.Parts {
		name := strings.TrimSuffix(p.Name, suffix)
		if name == "meta" {
			continue
		}
		if err := load(ctx, client, name, filepath.Join(folder, p.Name)); err != nil {
			return fmt.Errorf("fill the collection %s (drop the database %s before another try): %w", name, client.Name(), driver.Failure(err))
		}
	}
	if _, err := meta.DeleteMany(ctx, bson.D{}); err != nil {
		return driver.Failure(err)
	}
	if err := load(ctx, client, "meta", filepath.Join(folder, "meta"+suffix)); err != nil {
		return driver.Failure(err)
	}
	records, err := o(ctx, uri, store.Existing) // which makes the indexes
	if err != nil {
		return err
	}
	if err := records.Close(); err != nil {
		return err
	}
	_, err = o.judgeMongo(ctx, uri)
	return err
}

func load(ctx context.Context, client *driver.Client, name, from string) error {
	f, err := os.Open(from) //nolint:gosec // the operator's own file
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	var batch []any
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		_, err := client.Collection(name).InsertMany(ctx, batch)
		batch, size = nil, 0
		return err
	}
	for {
		doc, err := document(in)
		if errors.Is(err, io.EOF) {
			return flush()
		}
		if err != nil {
			return err
		}
		batch = append(batch, doc)
		if size += len(doc); size > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// document reads one: its length, then the rest of it.
func document(in *bufio.Reader) (bson.Raw, error) {
	head, err := in.Peek(4)
	if err != nil {
		if len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head)
	if length < 5 || length > maxDocument {
		return nil, errors.New("a document of an impossible length")
	}
	doc := make(bson.Raw, length)
	if _, err := io.ReadFull(in, doc); err != nil {
		return nil, err
	}
	return doc, doc.Validate()
}
