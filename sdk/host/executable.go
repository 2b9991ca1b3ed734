package host

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// executable is a file that has been opened and found to be what was pinned.
// What is executed is the opened file, so that nobody can put another in its
// place in between.
type executable struct {
	file *os.File // nil for this very binary
	path string   // what to execute
}

func openExecutable(spec Spec) (*executable, error) {
	if len(spec.Command) == 0 || !filepath.IsAbs(spec.Command[0]) {
		return nil, misconfigured("no_command", "the plugin has no absolute path", "give the whole path of the executable", nil)
	}
	path := spec.Command[0]
	if spec.SHA256 == "" {
		if !isSelf(path) {
			return nil, misconfigured("not_pinned", "the executable "+path+" is not pinned", "add its name and SHA-256 to "+LockFile, nil)
		}
		return &executable{path: path}, nil
	}
	file, err := os.Open(path) //nolint:gosec // a plugin of the operator's folder
	if err != nil {
		return nil, misconfigured("no_executable", "the executable "+path+" cannot be opened", "see that the file exists and that the server may read it", err)
	}
	if err := verify(file, path, spec.SHA256); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	x := &executable{file: file, path: path}
	if runtime.GOOS == "linux" {
		// By the number that the file has in the plugin, where a script's
		// interpreter finds it too. The server's own files are closed to it.
		x.path = "/proc/self/fd/3"
	}
	return x, nil
}

// isSelf tells whether the path is the executable of this process.
func isSelf(path string) bool {
	if path == "/proc/self/exe" {
		return true
	}
	own, err := os.Executable()
	return err == nil && own == path
}

func verify(file *os.File, path, pinned string) error {
	if problem := unsafeFile(file); problem != "" {
		return misconfigured("unsafe_file", "the executable "+path+" "+problem, "run chmod 755 on it, and let only the owner write to it", nil)
	}
	sum, err := sumOf(file)
	if err != nil {
		return misconfigured("no_executable", "the executable "+path+" cannot be read", "see that the server may read the file", err)
	}
	want := strings.ToLower(pinned)
	if subtle.ConstantTimeCompare([]byte(sum), []byte(want)) != 1 {
		return misconfigured("hash_mismatch", "the executable "+path+" is not the one that was pinned: it has SHA-256 "+sum,
			"put the pinned file back, or pin the new one in "+LockFile+" if you trust it", nil)
	}
	return nil
}

// unsafeFile says why the file must not be executed, or "".
func unsafeFile(file *os.File) string {
	info, err := file.Stat()
	switch {
	case err != nil:
		return "cannot be examined"
	case !info.Mode().IsRegular():
		return "is no regular file"
	case runtime.GOOS == "windows":
		return ""
	case info.Mode().Perm()&0o022 != 0:
		return "can be written by others than its owner"
	case info.Mode().Perm()&0o111 == 0:
		return "is not executable"
	}
	return ""
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (x *executable) close() error {
	if x.file == nil {
		return nil
	}
	return x.file.Close()
}
