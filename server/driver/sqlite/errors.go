package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/souk-mesh/souk/graph/model"
)

// Remedy says what the operator can do about an error that came while a file
// was in use.
func Remedy(err error) string {
	switch {
	case IsFull(err):
		return "make room on the disk of the store, then try again"
	case IsDamaged(err):
		return damagedHint
	default:
		return "see that the disk is sound and that souk may write to it, then try again"
	}
}

const damagedHint = "stop souk, keep the file for those who look into it, and bring the last backup back with: souk restore FILE"

// IsFull reports whether the disk has no more room.
func IsFull(err error) bool { return sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull }

// IsDamaged reports whether the file is not as SQLite has written it.
func IsDamaged(err error) bool {
	return sqlite.ErrCode(err).ToPrimary() == sqlite.ResultCorrupt || sqlite.ErrCode(err) == sqlite.ResultIOErrShortRead
}

// IsKeyTaken reports whether a row was refused because its primary key is
// another's.
func IsKeyTaken(err error) bool {
	code := sqlite.ErrCode(err)
	return code == sqlite.ResultConstraintPrimaryKey || code == sqlite.ResultConstraintRowID
}

// IsValueTaken reports whether a row was refused because a value that must be
// unique beside the primary key is another's.
func IsValueTaken(err error) bool { return sqlite.ErrCode(err) == sqlite.ResultConstraintUnique }

// unwritable reports a file that cannot be read as others write it, because
// nothing can be written beside it.
func unwritable(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return err != nil && (code == sqlite.ResultReadOnly || code == sqlite.ResultCantOpen || code == sqlite.ResultPerm)
}

func (f *File) unfinished(err error) error {
	return unavailable(fmt.Sprintf("the %s %q was not closed: part of it is in the file %s-wal, which cannot be taken up on a medium that is not writable", f.options.Name, f.path, f.path),
		"copy the file and those beside it to where souk may write, and name the copy", err)
}

// unusable says what opening ends with, unless the error says it itself.
func (f *File) unusable(err error) error {
	if _, said := errors.AsType[*model.Error](err); said {
		return err
	}
	switch code := sqlite.ErrCode(err).ToPrimary(); {
	case code == sqlite.ResultNotADB:
		return unavailable(fmt.Sprintf("%q is no database, or its first page is damaged", f.path), "name another file for the "+f.options.Name+", or bring a backup back with: souk restore FILE", err)
	case IsDamaged(err):
		return unavailable(fmt.Sprintf("the %s %q is damaged", f.options.Name, f.path), damagedHint, err)
	case code == sqlite.ResultFull:
		return unavailable(fmt.Sprintf("there is no room for the %s %q", f.options.Name, f.path), Remedy(err), err)
	}
	return unavailable(fmt.Sprintf("the %s %q cannot be opened", f.options.Name, f.path), "see that souk may read and write the file and its folder", err)
}

func (f *File) homeless(err error) error {
	return unavailable(fmt.Sprintf("the %s %q cannot be opened: there is no such folder", f.options.Name, f.path), "name a file in a folder that exists and that souk may write to", err)
}

func (f *File) noFile() error {
	return unavailable(fmt.Sprintf("the %s %q cannot be opened: it is no file", f.options.Name, f.path), "name a file; souk makes it where there is none", nil)
}

func (f *File) absent() error {
	return &model.Error{
		Kind: model.KindNotFound, Message: fmt.Sprintf("there is no %s at %q", f.options.Name, f.path),
		Hint: "look for a mistyped path; souk serve alone makes a new one",
	}
}

func (f *File) held() error { return inUse(f.options.Name, f.path) }

func inUse(name, path string) error {
	return unavailable(fmt.Sprintf("the %s %q is in use by another souk", name, path), "stop the other souk first, or name another file", nil)
}

func (f *File) foreign() error {
	return unavailable(fmt.Sprintf("%q is the database of another program", f.path), "name another file for the "+f.options.Name+"; this one stays as it is", nil)
}

func (f *File) newer(layout int64) error {
	return unavailable(fmt.Sprintf("the %s %q is of a newer souk: its layout is %d and this souk knows %d", f.options.Name, f.path, layout, f.options.Layout),
		"run the newer souk; this one leaves the file as it is", nil)
}

func (f *File) closed() error {
	return unavailable(fmt.Sprintf("the %s is closed", f.options.Name), "souk is shutting down: try again when it is back", nil)
}

func (f *File) readOnly() error {
	return unavailable(fmt.Sprintf("the %s %q is open for reading only", f.options.Name, f.path), "leave the writing to the souk that serves it", nil)
}

func unavailable(message, hint string, err error) error {
	return &model.Error{Kind: model.KindUnavailable, Message: message, Hint: hint, Err: err}
}
