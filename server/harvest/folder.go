package harvest

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/harvest/form"
)

// codeOutside marks the refusal of a path, in the SDK's word: it is the same
// for what lies outside, for what is Souk's own, and for what is not there.
const codeOutside = "files.outside"

// ParseFolders reads the setting source-folders, each DOMAIN=FOLDER.
func ParseFolders(lines []string) (map[model.Slug][]string, error) {
	folders := map[model.Slug][]string{}
	for _, line := range lines {
		name, folder, found := strings.Cut(line, "=")
		domain := model.Slug(strings.TrimSpace(name))
		absolute, err := filepath.Abs(strings.TrimSpace(folder))
		if !found || domain.Validate("domain") != nil || strings.TrimSpace(folder) == "" || err != nil {
			return nil, model.Invalid("source-folders", clip(line, 200)+": is no DOMAIN=FOLDER", "write one such as sales=/srv/sales")
		}
		if info, err := os.Stat(absolute); err != nil || !info.IsDir() {
			return nil, model.Invalid("source-folders", "is no folder: "+absolute, "create it or leave it out")
		}
		folders[domain] = append(folders[domain], absolute)
	}
	return folders, nil
}

// foldersOf lists the folders below which the plugin may open files for the
// source: those that the operator opened to its domain. What the operator has
// set up with the command at the shell may be read beside that, as it stands.
func (s *Service) foldersOf(p *plugin, source model.Source, domain model.Slug) []string {
	folders := slices.Clone(s.folders[domain])
	if source.SetUpBy != model.System().ID {
		return folders
	}
	_ = p.form.Each(source.Config, form.MarkPath, func(_, path string) error {
		if filepath.IsAbs(path) {
			folders = append(folders, filepath.Dir(path))
		}
		return nil
	})
	return folders
}

// enclosed reports a path of the configuration that the source may not read.
// A file of Souk's own is refused wherever it lies and whatever it is called.
func (s *Service) enclosed(p *plugin, source model.Source, domain model.Slug) *model.Error {
	folders := s.foldersOf(p, source, domain)
	files := sdk.NewFiles(folders...)
	err := p.form.Each(source.Config, form.MarkPath, func(path, value string) error {
		file, err := files.Open(path, value)
		if err != nil {
			if e, ok := errors.AsType[*sdk.Error](err); ok && e.Code == codeOutside {
				return outside(path, folders)
			}
			return nil // the plugin says what is wrong with a file that it may read
		}
		defer func() { _ = file.Close() }()
		if info, err := file.Stat(); err != nil || s.isOwn(info) {
			return outside(path, folders)
		}
		return nil
	})
	e, _ := errors.AsType[*model.Error](err)
	return e
}

func outside(path string, folders []string) *model.Error {
	hint := "let the operator open the file's folder to the domain with the setting source-folders, such as sales=/srv/sales"
	if len(folders) > 0 {
		hint = "name a file below " + strings.Join(folders, " or ") + ", or " + hint
	}
	e := form.Wrong(path, "is not below a folder that this source may read", hint)
	e.Code = codeOutside
	return e
}

// isOwn reports a file that the server itself keeps: its store, its log, its keys.
func (s *Service) isOwn(info os.FileInfo) bool {
	for _, pattern := range s.own {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if own, err := os.Stat(path); err == nil && os.SameFile(own, info) {
				return true
			}
		}
	}
	return false
}

// anywhere writes the paths of a configuration that was typed at the shell so
// that they mean the same wherever the server is started.
func anywhere(f *form.Form, config json.RawMessage) json.RawMessage {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config)))
	object, ok := document.(map[string]any)
	if err != nil || !ok {
		return config
	}
	changed := false
	_ = f.Each(config, form.MarkPath, func(path, value string) error {
		holder, name := object, path
		for before, after, nested := strings.Cut(name, "."); nested; before, after, nested = strings.Cut(name, ".") {
			inner, ok := holder[before].(map[string]any)
			if !ok {
				return nil // in a list: it is given as an absolute path or not at all
			}
			holder, name = inner, after
		}
		if whole, err := filepath.Abs(value); err == nil && value != "" && whole != value {
			holder[name], changed = whole, true
		}
		return nil
	})
	if !changed {
		return config
	}
	written, err := json.Marshal(object)
	if err != nil {
		return config
	}
	return written
}
