package host

import (
	"os"
	"path/filepath"
)

// ProgramAt pins the program at the path as it is now, for the author who tries it:
// that a person names it is the trust. A server never does this; it reads the
// lock of its plugin folder. The error is a *Failure.
func ProgramAt(path string) (Spec, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Spec{}, ours("no_folder", "the program has no absolute path", "name a file that exists", err)
	}
	file, err := os.Open(path) //nolint:gosec // the program that its author names
	if err != nil {
		return Spec{}, misconfigured("no_executable", "the program "+path+" cannot be opened", "name a file that exists and that you may read", err)
	}
	defer func() { _ = file.Close() }()
	if problem := unsafeFile(file); problem != "" {
		return Spec{}, misconfigured("unsafe_file", "the program "+path+" "+problem, "build it, run chmod 755 on it, and let only the owner write to it", nil)
	}
	sum, err := sumOf(file)
	if err != nil {
		return Spec{}, misconfigured("no_executable", "the program "+path+" cannot be read", "see that you may read the file", err)
	}
	return Spec{Name: filepath.Base(path), Command: []string{path, ServeArgument}, SHA256: sum}, nil
}

// FolderAt is ProgramAt for a plugin that an interpreter runs. The error is a *Failure.
func FolderAt(folder, entry, interpreter string, args ...string) (Spec, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Spec{}, ours("no_folder", "the program has no absolute path", "name a folder that exists", err)
	}
	s, err := ProgramAt(interpreter)
	if err != nil {
		return Spec{}, err
	}
	sum, err := SumFolder(folder)
	if err != nil {
		return Spec{}, err
	}
	s.Name, s.Command = filepath.Base(folder), append(s.Command[:1], args...)
	s.Program = &Program{Folder: folder, SHA256: sum, Entry: entry}
	return s, nil
}
