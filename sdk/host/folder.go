package host

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// LockFile is the file in a plugin folder in which the operator pins the
// plugins that may be launched. It is JSON:
//
//	{"plugins": [{"name": "shopify", "file": "souk-shopify", "sha256": "9f86...", "env": ["HTTPS_PROXY"]}]}
//
// A file that is not named there is found and listed, and never executed.
const LockFile = "plugins.lock"

// Pin is one line of the lock.
type Pin struct {
	Name   string   `json:"name"`
	File   string   `json:"file,omitempty"` // in the folder; the name when empty
	SHA256 string   `json:"sha256"`
	Env    []string `json:"env,omitempty"` // as in Spec

	// Interpreter runs the plugin, where it is no executable but a folder of
	// files. SHA256 is then that of the folder, as SumFolder gives it.
	Interpreter *Interpreter `json:"interpreter,omitempty"`
	Entry       string       `json:"entry,omitempty"` // the file of the folder that is run
	Limits      *PinLimits   `json:"limits,omitempty"`
}

// Interpreter is a program that runs others, pinned as a plugin is.
type Interpreter struct {
	Path   string   `json:"path"` // absolute
	SHA256 string   `json:"sha256"`
	Args   []string `json:"args,omitempty"` // before the entry
}

// PinLimits are those of one plugin, where the defaults will not do.
type PinLimits struct {
	MemoryMiB   uint64 `json:"memoryMiB,omitempty"`
	CPUSeconds  uint64 `json:"cpuSeconds,omitempty"`
	WallMinutes int    `json:"wallMinutes,omitempty"`
	IdleSeconds int    `json:"idleSeconds,omitempty"`
}

func (l *PinLimits) limits() Limits {
	if l == nil {
		return Limits{}
	}
	return Limits{
		MemoryBytes: l.MemoryMiB << 20, CPUSeconds: l.CPUSeconds,
		Wall: time.Duration(l.WallMinutes) * time.Minute, Idle: time.Duration(l.IdleSeconds) * time.Second,
	}
}

// Found is a plugin of a folder.
type Found struct {
	Name    string
	Path    string // absolute
	SHA256  string // of the file as it is now; empty when there is none
	Env     []string
	Trusted bool   // pinned, and the file is what was pinned
	Problem string // why it is not trusted, and what to do

	pin Pin
}

// Spec says how to launch it. One that is not trusted is refused by Launch.
func (f Found) Spec() Spec {
	s := Spec{Name: f.Name, Command: []string{f.Path, ServeArgument, f.Name}, Env: f.Env, Limits: f.pin.Limits.limits()}
	switch i := f.pin.Interpreter; {
	case f.Trusted && i != nil:
		s.Command, s.SHA256 = slices.Concat([]string{i.Path}, i.Args), i.SHA256
		s.Program = &Program{Folder: f.Path, SHA256: f.SHA256, Entry: f.pin.Entry}
	case f.Trusted:
		s.SHA256 = f.SHA256 // Launch compares it again with what it executes
	}
	return s
}

// ReadFolder lists the plugins of a folder by name: those that are pinned, and
// the executables that are not. It executes nothing. The error is a *Failure.
func ReadFolder(dir string) ([]Found, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, ours("no_folder", "the plugin folder has no absolute path", "start Souk in a folder that exists", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, misconfigured("no_folder", "the plugin folder "+dir+" cannot be read", "name an existing folder that the server may read", err)
	}
	pins, err := readLock(filepath.Join(dir, LockFile))
	if err != nil {
		return nil, err
	}
	pinned := map[string]bool{}
	var found []Found
	for _, pin := range pins {
		pinned[pin.File] = true
		found = append(found, pin.find(dir))
	}
	for _, entry := range entries {
		if !pinned[entry.Name()] && looksExecutable(entry) {
			found = append(found, notPinned(filepath.Join(dir, entry.Name())))
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

func readLock(path string) ([]Pin, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the lock of the operator's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, badLock("cannot be read", "let the server read it", err)
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return nil, badLock("can be written by others than its owner", "run chmod 644 on it", nil)
	}
	var lock struct {
		Plugins []Pin `json:"plugins"`
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&lock); err != nil {
		return nil, badLock("does not have the right form: "+err.Error(), `write {"plugins": [{"name": "...", "sha256": "..."}]}`, err)
	}
	return lock.Plugins, checkPins(lock.Plugins)
}

func badLock(message, fix string, err error) *Failure {
	f := misconfigured("bad_lock", message, fix, err)
	f.Field = LockFile
	return f
}

// checkPins looks at each pin, and gives one without a file that of its name.
func checkPins(pins []Pin) error {
	seen := map[string]bool{}
	for i := range pins {
		p := &pins[i]
		sum, err := hex.DecodeString(p.SHA256)
		switch {
		case p.Name == "":
			return badLock(fmt.Sprintf("has no name for plugin %d", i+1), "name every plugin", nil)
		case seen[p.Name]:
			return badLock("names "+p.Name+" twice", "leave one of them", nil)
		case err != nil || len(sum) != 32:
			return badLock("has no SHA-256 of 64 hexadecimal digits for "+p.Name, "write what sha256sum prints for the file", nil)
		}
		seen[p.Name] = true
		if p.File == "" {
			p.File = p.Name
		}
		if p.File != filepath.Base(p.File) || p.File == "." || p.File == ".." {
			return badLock("names the file "+p.File+" outside of the folder", "put the file into the folder, and write its bare name", nil)
		}
		p.SHA256 = strings.ToLower(p.SHA256)
		if err := p.Interpreter.problem(p); err != nil {
			return err
		}
	}
	return nil
}

// problem says what is wrong with a pin that has an interpreter, or has none and needs one.
func (i *Interpreter) problem(p *Pin) error {
	switch {
	case i == nil && p.Entry == "":
		return nil
	case i == nil || p.Entry == "" || !filepath.IsLocal(p.Entry):
		return badLock("names no interpreter or no entry for "+p.Name, "write both: an interpreter, and the file of the folder that it runs", nil)
	case !filepath.IsAbs(i.Path):
		return badLock("names no absolute path of the interpreter of "+p.Name, "write the whole path, such as /usr/bin/python3.11", nil)
	}
	if sum, err := hex.DecodeString(i.SHA256); err != nil || len(sum) != 32 {
		return badLock("has no SHA-256 of 64 hexadecimal digits for the interpreter of "+p.Name, "write what sha256sum prints for it", nil)
	}
	return nil
}

func (p Pin) find(dir string) Found {
	f := Found{Name: p.Name, Path: filepath.Join(dir, p.File), Env: p.Env, pin: p}
	if p.Interpreter != nil {
		return f.interpreted()
	}
	file, err := os.Open(f.Path)
	if err != nil {
		f.Problem = "the file is pinned and not there: put it back, or take it out of " + LockFile
		return f
	}
	defer func() { _ = file.Close() }()
	f.SHA256, _ = sumOf(file) // an empty sum is not the pinned one
	problem := unsafeFile(file)
	switch {
	case problem != "":
		f.Problem = "the file " + problem + ": run chmod 755 on it"
	case f.SHA256 != p.SHA256:
		f.Problem = "the file is not the one that was pinned: put that back, or pin the new one if you trust it"
	default:
		f.Trusted = true
	}
	return f
}

func looksExecutable(entry fs.DirEntry) bool {
	info, err := entry.Info()
	switch {
	case err != nil || !info.Mode().IsRegular() || strings.HasPrefix(entry.Name(), "."):
		return false
	case runtime.GOOS == "windows":
		return strings.EqualFold(filepath.Ext(entry.Name()), ".exe")
	}
	return info.Mode().Perm()&0o111 != 0
}

func notPinned(path string) Found {
	f := Found{Name: strings.TrimSuffix(filepath.Base(path), ".exe"), Path: path}
	if file, err := os.Open(path); err == nil { //nolint:gosec // a plugin of the operator's folder
		defer func() { _ = file.Close() }()
		f.SHA256, _ = sumOf(file)
	}
	f.Problem = "the file is not pinned: add its name and SHA-256 to " + LockFile + " if you trust it"
	return f
}
