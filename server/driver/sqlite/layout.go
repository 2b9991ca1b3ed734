package sqlite

import (
	"errors"
	"fmt"
)

// prepare makes the file this program's, and completes its tables.
func (f *File) prepare(c *Conn) error {
	fresh, err := f.check(c)
	if err != nil {
		return err
	}
	if fresh {
		err = errors.Join(c.Run(fmt.Sprintf("PRAGMA application_id = %d", f.options.Application)), c.Run(fmt.Sprintf("PRAGMA user_version = %d", f.options.Layout)))
		if err != nil {
			return err
		}
	}
	return f.options.Prepare(c)
}

// examine refuses a file that is not this program's to read.
func (f *File) examine(c *Conn) error {
	_, err := f.check(c)
	return err
}

// check refuses the file of another program and that of a newer Souk. A file
// with nothing in it is fresh.
func (f *File) check(c *Conn) (fresh bool, err error) {
	application, err1 := c.Number("PRAGMA application_id")
	layout, err2 := c.Number("PRAGMA user_version")
	tables, err3 := c.Number("SELECT count(*) FROM sqlite_schema")
	switch err := errors.Join(err1, err2, err3); {
	case err != nil:
		return false, err
	case (application == 0 && layout == 0 && tables == 0) || f.options.anybody:
		return true, nil
	case application != f.options.Application || layout < 1:
		return false, f.foreign()
	case layout > f.options.Layout:
		return false, f.newer(layout)
	default:
		return false, nil
	}
}
