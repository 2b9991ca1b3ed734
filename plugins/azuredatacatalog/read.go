package azuredatacatalog

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// list gives the files of the export, by name.
func (s *source) list() ([]string, error) {
	isFolder, err := s.files.IsFolder("path", s.Path)
	if err != nil || !isFolder {
		return []string{s.Path}, err
	}
	folder, err := s.files.OpenFolder("path", s.Path)
	if err != nil {
		return nil, err
	}
	entries, err := folder.ReadDir(-1)
	if err := errors.Join(err, folder.Close()); err != nil {
		return nil, damaged(s.Path, err)
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".json") {
			out = append(out, filepath.Join(s.Path, e.Name()))
		}
	}
	slices.Sort(out)
	return out, nil
}

// each hands on every item of the export: assets, terms, and pages by their counts.
func (s *source) each(take func(item) error) error {
	paths, err := s.list()
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := s.file(path, take); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) file(path string, take func(item) error) error {
	opened, err := s.files.Open("path", path)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	from := bufio.NewReader(opened)
	mark, _ := from.Peek(3)
	switch {
	case strings.HasPrefix(string(mark), "\xef\xbb\xbf"):
		_, _ = from.Discard(3)
	case strings.HasPrefix(string(mark), "\xff\xfe"), strings.HasPrefix(string(mark), "\xfe\xff"):
		return sdk.Config("path", filepath.Base(path)+" is written in UTF-16, as PowerShell does", "write it anew as UTF-8: Get-Content FILE | Set-Content -Encoding utf8 NEW")
	}
	r := &reading{decoder: json.NewDecoder(from), take: take, path: path}
	for {
		switch err := r.value(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// reading is one pass over a file, which may hold several answers after another.
type reading struct {
	decoder *json.Decoder
	take    func(item) error
	path    string
	depth   int // of lists
}

// maxDepth is more than any answer has: a list of pages, in which there is a list of items.
const maxDepth = 4

// lists are the keys under which the service and its exporter list items.
var lists = []string{"catalog", "results", "value"}

// value reads one value at the top, or one item of a list. The lists in it are
// read item by item, so that a large export is never held whole.
func (r *reading) value() error {
	token, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	switch {
	case err != nil:
		return damaged(r.path, err)
	case token == json.Delim('['):
		return r.items()
	case token != json.Delim('{'):
		return r.foreign()
	}
	rest := map[string]json.RawMessage{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return damaged(r.path, err)
		}
		key, _ := token.(string)
		if err := r.field(key, rest); err != nil {
			return err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return damaged(r.path, err)
	}
	return r.object(rest)
}

// field reads one field of an object: a list item by item, all else as it stands.
func (r *reading) field(key string, rest map[string]json.RawMessage) error {
	if !slices.Contains(lists, key) {
		var raw json.RawMessage
		if err := r.decoder.Decode(&raw); err != nil {
			return damaged(r.path, err)
		}
		rest[key] = raw
		return nil
	}
	switch token, err := r.decoder.Token(); {
	case err != nil:
		return damaged(r.path, err)
	case token == json.Delim('['):
		return r.items()
	case token == nil:
		return nil
	}
	return r.foreign()
}

func (r *reading) items() error {
	if r.depth++; r.depth > maxDepth {
		return r.foreign()
	}
	defer func() { r.depth-- }()
	for r.decoder.More() {
		if err := r.value(); err != nil {
			if errors.Is(err, io.EOF) {
				return damaged(r.path, io.ErrUnexpectedEOF)
			}
			return err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return damaged(r.path, err)
	}
	return nil
}

// object hands on what an object is: an asset, a term, the count of a search, or nothing.
func (r *reading) object(fields map[string]json.RawMessage) error {
	if content := fields["content"]; len(content) > 0 {
		return r.asset(content)
	}
	if total := fields["totalResults"]; len(total) > 0 {
		var n int
		if json.Unmarshal(total, &n) != nil {
			return r.foreign()
		}
		return r.take(item{total: n})
	}
	if len(fields["properties"]) > 0 {
		whole, err := json.Marshal(fields)
		if err != nil {
			return damaged(r.path, err)
		}
		return r.asset(whole)
	}
	var t term
	if json.Unmarshal(fields["id"], &t.ID) == nil && json.Unmarshal(fields["name"], &t.Name) == nil && t.ID != "" {
		return r.take(item{term: &t})
	}
	return nil
}

func (r *reading) asset(text json.RawMessage) error {
	a, err := decode(text)
	return r.take(item{asset: a, err: err})
}

func (r *reading) foreign() error {
	return sdk.Config("path", filepath.Base(r.path)+" is no export of Azure Data Catalog", "give what its export tool wrote, or answers of its REST API")
}

// damaged says which file cannot be read.
func damaged(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return sdk.Config("path", filepath.Base(path)+" cannot be read", "let the user that runs souk read it")
	}
	e := sdk.Config("path", filepath.Base(path)+" is cut or no JSON", "export it anew, or take the file out of the folder")
	e.Err = err
	return e
}

// item is one thing in an export; one of its parts is given.
type item struct {
	asset *asset
	err   error // the asset has parts of another shape
	term  *term
	total int // of the search whose page it was
}

// term is a term of the glossary.
type term struct{ ID, Name string }

// known is what assets refer to, and what the export says of itself.
type known struct {
	containers map[string]sdk.NativeID // by id
	terms      map[string]string
	assets     map[string]bool // their ids
	total      int             // that a search has counted; 0 where none has
}

func (k *known) missing() int { return k.total - len(k.assets) }

// survey reads the export for what assets refer to.
func (s *source) survey() (*known, error) {
	k := &known{containers: map[string]sdk.NativeID{}, terms: map[string]string{}, assets: map[string]bool{}}
	n := names{s.Namespace, s.Servers}
	err := s.each(func(i item) error {
		switch {
		case i.term != nil:
			k.terms[lastPart(i.term.ID)] = i.term.Name
		case i.asset != nil:
			k.assets[i.asset.key()] = true
			if i.asset.holds() {
				k.containers[lastPart(i.asset.ID)] = n.of(i.asset)
			}
		default:
			k.total = max(k.total, i.total)
		}
		return nil
	})
	if err == nil && len(k.assets) == 0 {
		err = sdk.Config("path", "holds no asset of Azure Data Catalog", "give what its export tool wrote, or answers of its REST API; a file of the glossary stands beside them in a folder")
	}
	return k, err
}

// lastPart is the id within the catalogue: addresses are written whole and in part.
func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
