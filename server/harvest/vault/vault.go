// Package vault finds the secrets that sources name, in the environment and in a
// folder. It gives out only what the operator has opened to sources, and keeps none.
package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// maxSecret bounds a secret: a key with its chain of certificates fits.
const maxSecret = 64 << 10

// Vault is what the operator has opened to sources: a source is made by a domain,
// and a domain shall not reach the settings of the server itself.
type Vault struct {
	Env []string // environment variables; a trailing * stands for the rest
	Dir string   // folder of files; "" is none
}

// The two ways to name a secret.
const (
	FromEnv  = "env:"
	FromFile = "file:"
)

// Accepts reports a reference that can never be resolved. No message repeats
// the reference: a person may have put the secret itself there.
func (v Vault) Accepts(ref model.SecretRef) error {
	if name, ok := strings.CutPrefix(string(ref), FromEnv); ok {
		if !v.opens(name) {
			return &model.Error{Message: "names an environment variable that is not open to sources", Hint: v.remedyEnv()}
		}
		return nil
	}
	if path, ok := strings.CutPrefix(string(ref), FromFile); ok {
		_, err := v.local(path)
		return err
	}
	return &model.Error{Message: "is no reference to a secret", Hint: "write env:NAME or file:PATH; the secret itself has no place here"}
}

func (v Vault) opens(name string) bool {
	return name != "" && slices.ContainsFunc(v.Env, func(allowed string) bool {
		if stem, open := strings.CutSuffix(allowed, "*"); open {
			return strings.HasPrefix(name, stem)
		}
		return name == allowed
	})
}

func (v Vault) remedyEnv() string {
	if len(v.Env) == 0 {
		return "let the operator open one with the setting secret-env, or use file:PATH"
	}
	return "name one that fits " + strings.Join(v.Env, ", ") + ", or let the operator open it with the setting secret-env"
}

// local gives the path of a file within the folder of secrets.
func (v Vault) local(path string) (string, error) {
	if v.Dir == "" {
		return "", &model.Error{Message: "names a file, and the server has no folder of secrets", Hint: "let the operator set secret-dir, or use env:NAME"}
	}
	if filepath.IsAbs(path) {
		if root, err := filepath.Abs(v.Dir); err == nil {
			path, _ = filepath.Rel(root, path)
		}
	}
	if !filepath.IsLocal(path) {
		return "", &model.Error{Message: "names a file outside of the folder of secrets", Hint: "give a path below the folder that the setting secret-dir names"}
	}
	return path, nil
}

// Resolve looks every secret up. What is missing is the fault of whoever set
// the source up, and the failure names the field.
func (v Vault) Resolve(refs map[string]model.SecretRef) (map[string]string, *model.Failure) {
	secrets := make(map[string]string, len(refs))
	for _, field := range slices.Sorted(maps.Keys(refs)) {
		value, err := v.look(refs[field])
		if err != nil {
			e, ok := errors.AsType[*model.Error](err)
			if !ok {
				e = &model.Error{Message: "cannot be read", Hint: "look at the reference and at what it names"}
			}
			return nil, &model.Failure{Fault: model.FaultConfig, Code: "secret_missing", Message: fmt.Sprintf("secrets.%s: %s", field, e.Message), Fix: e.Hint}
		}
		secrets[field] = value
	}
	return secrets, nil
}

func (v Vault) look(ref model.SecretRef) (string, error) {
	if err := v.Accepts(ref); err != nil {
		return "", err // the operator may have closed it since
	}
	if path, ok := strings.CutPrefix(string(ref), FromFile); ok {
		return v.read(path)
	}
	name := strings.TrimPrefix(string(ref), FromEnv)
	value := os.Getenv(name)
	if value == "" {
		return "", &model.Error{Message: "the environment variable " + name + " is not set", Hint: "set " + name + " where the server runs, and start it again"}
	}
	return value, nil
}

// read takes one file of the folder. Opening through the folder keeps links
// from leading out of it; only a regular file is opened, since a pipe blocks.
func (v Vault) read(path string) (string, error) {
	path, err := v.local(path)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(v.Dir)
	if err != nil {
		return "", &model.Error{Message: "the folder of secrets cannot be opened", Hint: "let the operator look at the setting secret-dir"}
	}
	defer root.Close()
	info, err := root.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", &model.Error{Message: "the file " + path + " does not exist in the folder of secrets", Hint: "put it there, or name another"}
	case err != nil:
		return "", &model.Error{Message: "the file " + path + " lies outside of the folder of secrets or cannot be examined", Hint: "put the secret into a regular file of that folder"}
	case !info.Mode().IsRegular():
		return "", &model.Error{Message: "the file " + path + " is no regular file", Hint: "put the secret into a regular file"}
	case info.Size() > maxSecret:
		return "", &model.Error{Message: "the file " + path + " is larger than 64 KiB", Hint: "put one secret into the file and nothing else"}
	}
	return readSecret(root, path)
}

func readSecret(root *os.Root, path string) (string, error) {
	file, err := root.Open(path)
	if err != nil {
		return "", &model.Error{Message: "the file " + path + " cannot be opened", Hint: "let the user that runs souk read it"}
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil || len(content) > maxSecret {
		return "", &model.Error{Message: "the file " + path + " cannot be read whole", Hint: "put one secret of at most 64 KiB into the file"}
	}
	value := strings.TrimRight(string(content), "\r\n")
	if value == "" {
		return "", &model.Error{Message: "the file " + path + " is empty", Hint: "put the secret into the file"}
	}
	return value, nil
}

// Plain writes a reference the one way that its spellings share.
func (v Vault) Plain(ref model.SecretRef) model.SecretRef {
	path, ok := strings.CutPrefix(string(ref), FromFile)
	if !ok {
		return ref
	}
	if local, err := v.local(strings.TrimSuffix(path, "*")); err == nil {
		return model.SecretRef(FromFile + filepath.Clean(local))
	}
	return ref
}
