package sdk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Files opens the files that the operator lets a source read: those below the
// folders that the host has handed over, and no others. The zero value opens
// nothing.
//
// Whatever lies outside is refused with one message, whether it exists or not,
// so that nobody learns about the server's files by naming them.
type Files struct{ folders []string }

// NewFiles opens files below the folders. "/" is for a person who tries a
// plugin with their own rights: there a relative path begins where they are.
func NewFiles(folders ...string) Files { return Files{slices.Clone(folders)} }

// Open opens a regular file for reading. Its Name is the file's real path, for
// libraries that open a file by themselves. A relative path is looked for
// below each folder in turn. The error is an *Error of ClassConfig for the
// field; one for a file that does not exist also is fs.ErrNotExist.
func (f Files) Open(field, path string) (*os.File, error) {
	file, err := f.open(field, path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, Config(field, "is no file", "name a regular file")
	}
	return file, nil
}

// OpenFolder opens a folder, whose ReadDir lists it. Its Name is its real path.
// What lies in it is opened by Open and OpenFolder in turn, so that a link leads
// nowhere else. The error is as that of Open.
func (f Files) OpenFolder(field, path string) (*os.File, error) {
	folder, err := f.open(field, path)
	if err != nil {
		return nil, err
	}
	info, err := folder.Stat()
	if err != nil || !info.IsDir() {
		_ = folder.Close()
		return nil, Config(field, "is no folder", "name a folder")
	}
	return folder, nil
}

// IsFolder tells whether the path is a folder rather than a file.
func (f Files) IsFolder(field, path string) (bool, error) {
	file, err := f.open(field, path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	return err == nil && info.IsDir(), err
}

func (f Files) open(field, path string) (*os.File, error) {
	if path == "" {
		return nil, Config(field, "is missing", "name a file")
	}
	found := f.outside(field)
	for _, folder := range f.folders {
		file, err := openBelow(folder, path)
		switch {
		case err == nil:
			return file, nil
		case errors.Is(err, errOutside):
		default:
			found = explainOpen(field, err)
		}
	}
	return nil, found
}

func (f Files) outside(field string) *Error {
	hint := "let the operator open the file's folder to the domain of the source"
	if len(f.folders) > 0 {
		hint = "name a file below " + strings.Join(f.folders, " or ") + ", or " + hint
	}
	e := Config(field, "is not below a folder that this source may read", hint)
	e.Code = "files.outside"
	return e
}

func explainOpen(field string, err error) *Error {
	e := Config(field, "the file cannot be opened", "let the user that runs souk read the file")
	if errors.Is(err, fs.ErrNotExist) {
		e = Config(field, "the file does not exist", "name an existing file")
	}
	e.Err = err
	return e
}

var errOutside = errors.New("the path leads out of the folder")

// openBelow opens the path below the folder. Links are followed where they end
// below it, written in whatever way; what is opened is the path without links,
// through the folder, so that a link that is put there meanwhile leads nowhere.
func openBelow(folder, path string) (*os.File, error) {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, errOutside // a folder that is not there holds nothing
	}
	if !filepath.IsAbs(path) {
		if path, err = fromFolder(real, path); err != nil {
			return nil, err
		}
	}
	within, err := belowFolder(folder, real, path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, errOutside
	}
	defer func() { _ = root.Close() }()
	file, err := root.OpenFile(within, os.O_RDONLY|nonBlocking, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		if _, known := errors.AsType[syscall.Errno](err); !known {
			return nil, errOutside // os.Root's own refusal of what leads out
		}
	}
	return file, err
}

func fromFolder(real, path string) (string, error) {
	if filepath.Dir(real) == real {
		return filepath.Abs(path)
	}
	return filepath.Join(real, path), nil
}

// belowFolder gives the path within the folder, without links where they can
// be followed.
func belowFolder(folder, real, path string) (string, error) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return local(real, resolved)
	}
	within, err := local(real, path)
	if err == nil {
		return within, nil
	}
	return local(folder, path)
}

func local(folder, path string) (string, error) {
	within, err := filepath.Rel(folder, path)
	if err != nil || !filepath.IsLocal(within) {
		return "", errOutside
	}
	return within, nil
}
