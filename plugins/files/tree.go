package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// tree is the folder as plugins/internal/lake sees it: keys are paths below it.
type tree struct {
	files sdk.Files
	root  string // with its slash
}

var _ lake.Store = (*tree)(nil)

const (
	pageSize = 1000
	deepest  = 100 // folders in folders
)

// List walks folder by folder, the files of one first. A folder that vanishes
// meanwhile is empty; one that may not be read is an error.
func (t *tree) List(ctx context.Context, prefix string, page func([]lake.Object) error) error {
	return t.walk(ctx, prefix, 0, page)
}

func (t *tree) walk(ctx context.Context, prefix string, depth int, page func([]lake.Object) error) error {
	if depth > deepest {
		return sdk.Config("path", fmt.Sprintf("holds folders that lie %d deep", depth), "name a folder further down, or look for one that was mounted in itself")
	}
	folders, err := t.list(ctx, prefix, page)
	if depth > 0 && errors.Is(err, lake.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.Sort(folders)
	for _, name := range folders {
		if err := t.walk(ctx, prefix+name+"/", depth+1, page); err != nil {
			return err
		}
	}
	return nil
}

// list hands over the files of one folder, and gives the folders in it.
func (t *tree) list(ctx context.Context, prefix string, page func([]lake.Object) error) (folders []string, err error) {
	folder, err := t.files.OpenFolder("path", t.root+prefix)
	if err != nil {
		return nil, t.opened(err)
	}
	defer func() { _ = folder.Close() }()
	for {
		entries, err := folder.ReadDir(pageSize)
		if errors.Is(err, io.EOF) {
			return folders, nil
		}
		if err != nil {
			return nil, explain(err)
		}
		objects, inner := sorted(prefix, entries)
		folders = append(folders, inner...)
		if err := page(objects); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// sorted tells files from folders. Links and devices are neither.
func sorted(prefix string, entries []fs.DirEntry) (objects []lake.Object, folders []string) {
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		objects = append(objects, lake.Object{Key: prefix + e.Name(), Size: info.Size(), Modified: info.ModTime()})
	}
	slices.SortFunc(objects, func(a, b lake.Object) int { return strings.Compare(a.Key, b.Key) })
	return objects, folders
}

// Read opens the file anew: what stands in its place may have changed.
func (t *tree) Read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := t.files.Open("path", t.root+key)
	if err != nil {
		return nil, t.opened(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.NewSectionReader(file, offset, n))
	return content, explain(err)
}

// opened takes the reason out of the refusal of sdk.Files. What was listed and
// leads out of the folder by now counts as gone.
func (t *tree) opened(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
		return explain(err)
	}
	return errors.Join(lake.ErrGone, err)
}
