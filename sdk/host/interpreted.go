package host

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Program is an interpreted plugin: a folder of files, all of which are pinned by
// one sum. What is executed is a copy that was hashed while it was made.
type Program struct {
	Folder string // absolute
	SHA256 string // as SumFolder gives it
	Entry  string // the file that is run
}

// SumFolder is the sum of the files of a folder: the SHA-256 of what
//
//	find . -type f -not -path '*/.*' -not -path '*/__pycache__/*' | LC_ALL=C sort | xargs -d '\n' sha256sum
//
// prints there. What begins with a dot, and what Python compiles, is left out, here
// and in the copy that is run. The error is a *Failure.
func SumFolder(folder string) (string, error) {
	return eachFile(folder, func(string) (io.WriteCloser, error) { return discarding{io.Discard}, nil })
}

type discarding struct{ io.Writer }

// Close has nothing to close.
func (discarding) Close() error { return nil }

// eachFile writes every file where it is told, and gives their sum.
func eachFile(folder string, to func(name string) (io.WriteCloser, error)) (string, error) {
	names, err := filesOf(folder)
	if err != nil {
		return "", err
	}
	all := sha256.New()
	for _, name := range names {
		sum, err := copyFile(filepath.Join(folder, name), func() (io.WriteCloser, error) { return to(name) })
		if err != nil {
			return "", err
		}
		fmt.Fprintf(all, "%s  ./%s\n", sum, filepath.ToSlash(name))
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// filesOf lists the files in order. One that is no regular file is refused: it
// would lead out of what is pinned.
func filesOf(folder string) (names []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return misconfigured("no_executable", "the plugin's folder "+folder+" cannot be read", "see that the folder exists and that the server may read all of it", err)
		case path == folder:
			return nil
		case strings.HasPrefix(d.Name(), ".") || d.Name() == "__pycache__":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return misconfigured("unsafe_file", path+" is no regular file", "put the file itself into the folder of the plugin", nil)
		}
		name, err := filepath.Rel(folder, path)
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	return names, err
}

func copyFile(from string, to func() (io.WriteCloser, error)) (string, error) {
	in, err := os.Open(from) //nolint:gosec // of the plugin's folder
	if err != nil {
		return "", misconfigured("no_executable", from+" cannot be opened", "see that the server may read the file", err)
	}
	defer func() { _ = in.Close() }()
	if info, err := in.Stat(); err != nil || info.Mode().Perm()&0o022 != 0 {
		return "", misconfigured("unsafe_file", from+" can be written by others than its owner", "run chmod go-w on it", err)
	}
	out, err := to()
	if err != nil {
		return "", ours("no_run_dir", "the plugin's files cannot be copied", "see that the temporary directory has room", err)
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return "", ours("no_run_dir", "the plugin's files cannot be copied", "see that the temporary directory has room", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// interpreted copies the program into the private directory of the run, and gives
// the arguments of the interpreter.
func (s Spec) interpreted(dir string) ([]string, error) {
	program := filepath.Join(dir, "program")
	if err := os.Mkdir(program, 0o755); err != nil { //nolint:gosec // for the plugin's user to read
		return nil, ours("no_run_dir", "the plugin's files cannot be copied", "see that the temporary directory has room", err)
	}
	sum, err := eachFile(s.Program.Folder, func(name string) (io.WriteCloser, error) {
		path := filepath.Join(program, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for the plugin's user to read
			return nil, err
		}
		return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444) //nolint:gosec // in a folder of our own, for the plugin's user to read
	})
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(sum), []byte(strings.ToLower(s.Program.SHA256))) != 1 {
		return nil, misconfigured("hash_mismatch", "the folder "+s.Program.Folder+" is not what was pinned: it has the sum "+sum,
			"put the pinned files back, or pin the new ones in "+LockFile+" if you trust them", nil)
	}
	if err := closeFolders(program); err != nil {
		return nil, ours("no_run_dir", "the copy of the plugin's files cannot be made read-only", "see that the temporary directory is a usual one", err)
	}
	return slices.Concat(s.Command, []string{filepath.Join(program, s.Program.Entry), ServeArgument, s.Name}), nil
}

// closeFolders lets nothing be written into the folders any more.
func closeFolders(program string) error {
	return filepath.WalkDir(program, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o555) //nolint:gosec // for the plugin's user to read
		}
		return err
	})
}

// interpreted looks whether the folder and the interpreter are those that were pinned.
func (f Found) interpreted() Found {
	sum, err := SumFolder(f.Path)
	if err != nil {
		f.Problem = asFailure(err).Message + ": " + asFailure(err).Fix
		return f
	}
	f.SHA256 = sum
	i := f.pin.Interpreter
	file, err := os.Open(i.Path)
	if err != nil {
		f.Problem = "its interpreter " + i.Path + " cannot be opened: install it, or pin the one that is there"
		return f
	}
	defer func() { _ = file.Close() }()
	interpreter, err := sumOf(file)
	switch {
	case sum != f.pin.SHA256:
		f.Problem = "the files of the folder are not those that were pinned, or others lie beside them: put them back, or pin the new ones if you trust them"
	case err != nil || !strings.EqualFold(interpreter, i.SHA256):
		f.Problem = "its interpreter " + i.Path + " is not the one that was pinned: pin the new one if you trust it"
	default:
		f.Trusted = true
	}
	return f
}
