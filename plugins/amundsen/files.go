package amundsen

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// maxDepth is how far below the folder files are looked for: databuilder keeps
// nodes and relationships in folders of their own, often one for each job.
const maxDepth = 4

// file is a file with the first line that it has.
type file struct {
	path   string
	header []string
}

// readFolder reads every file whose columns are known: nodes first, since what
// joins them may stand in a file before.
func (s *source) readFolder() (*graph, error) {
	files, err := s.list(s.Folder, 0)
	if err != nil {
		return nil, err
	}
	g := newGraph()
	known := false
	for _, kind := range kinds {
		for _, f := range files {
			if !kind.fits(f.header) {
				continue
			}
			known = true
			if err := s.read(f, kind, g); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case !known:
		return nil, sdk.Config("folder", "has no CSV file of databuilder", "name the folder with the files of nodes and relationships, or with the tables that databuilder's CSV extractors read")
	case len(g.tables) == 0:
		return nil, sdk.Config("folder", "has files of databuilder, and none of them holds a table", "add the files of the job that loads tables")
	}
	return g, nil
}

func (k kind) fits(header []string) bool {
	for _, name := range k.columns {
		if !slices.Contains(header, name) {
			return false
		}
	}
	return !slices.ContainsFunc(k.without, func(name string) bool { return slices.Contains(header, name) })
}

func (k kind) byPeople() bool {
	return !slices.Contains(k.columns, "KEY") && !slices.Contains(k.columns, "START_KEY")
}

// in reports whether a row has the columns by which its kind is known.
func (k kind) in(r row) bool {
	return !slices.ContainsFunc(k.columns, func(name string) bool {
		_, has := r[name]
		return !has
	})
}

// list finds the CSV files below a folder, by name.
func (s *source) list(path string, depth int) ([]file, error) {
	folder, err := s.files.OpenFolder("folder", path)
	if err != nil {
		return nil, err
	}
	entries, err := folder.ReadDir(-1)
	if err := errors.Join(err, folder.Close()); err != nil {
		return nil, unreadable(path, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var out []file
	for _, e := range entries {
		below := filepath.Join(path, e.Name())
		switch {
		case e.IsDir() && depth < maxDepth:
			more, err := s.list(below, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case strings.EqualFold(filepath.Ext(e.Name()), ".csv"):
			f := file{path: below}
			if err := s.open(below, func(_ *csv.Reader, header []string) error {
				f.header = header
				return nil
			}); err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// open reads the names of the columns, and hands on the rest.
func (s *source) open(path string, rest func(*csv.Reader, []string) error) error {
	opened, err := s.files.Open("folder", path)
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	from := bufio.NewReader(opened)
	if mark, _ := from.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = from.Discard(3)
	}
	r := csv.NewReader(from)
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil // an empty file holds nothing
	}
	if err != nil {
		return unreadable(path, err)
	}
	for i, name := range header {
		header[i], _, _ = strings.Cut(strings.TrimSpace(name), ":") // is_view:UNQUOTED
	}
	return rest(r, header)
}

// read takes in the rows of a file. Databuilder writes every column of a row; what
// people write, for its extractors, may lack the last ones.
func (s *source) read(f file, k kind, g *graph) error {
	return s.open(f.path, func(r *csv.Reader, header []string) error {
		r.ReuseRecord = true
		if k.byPeople() {
			r.FieldsPerRecord = -1
		}
		for {
			record, err := r.Read()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return unreadable(f.path, err)
			}
			values := make(row, len(header))
			for i, name := range header[:min(len(header), len(record))] {
				values[name] = strings.ToValidUTF8(record[i], "\uFFFD")
			}
			if !k.in(values) {
				line, _ := r.FieldPos(0)
				return unreadable(f.path, &csv.ParseError{Line: line, Err: csv.ErrFieldCount})
			}
			k.take(g, values)
		}
	})
}

// unreadable says which file is cut or none, and at which line.
func unreadable(path string, err error) error {
	where := filepath.Base(path)
	if at, is := errors.AsType[*csv.ParseError](err); is {
		where += ", line " + strconv.Itoa(at.Line)
	}
	e := sdk.Config("folder", "has a file that cannot be read as CSV: "+where, "look whether databuilder has finished writing it, and whether its delimiter is the comma")
	e.Err = err
	return e
}
