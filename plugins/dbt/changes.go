package dbt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// markForm begins every watermark: another form is of another program.
const markForm = "dbt files 1 "

// Changes emits nothing where the files are what they were, and otherwise all of
// them: dbt writes each whole. They are hashed before they are read, so that one
// that is written meanwhile is read again the next time.
func (s *source) Changes(ctx context.Context, req sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	before, ours := strings.CutPrefix(string(since), markForm)
	was, scope, _ := strings.Cut(before, " ")
	switch {
	case len(since) == 0:
	case !ours || scope == "":
		return nil, sdk.Expired("it is no hash of files")
	case was == sum:
		return since, out.ScopeKept(scope)
	}
	return s.whole(ctx, req, sum, out)
}

// whole reads everything. A manifest that is damaged leaves no watermark: it is
// told of again with each run.
func (s *source) whole(ctx context.Context, req sdk.Request, sum string, out sdk.Sink) (sdk.Watermark, error) {
	last := &lastScope{Sink: out}
	if err := s.Harvest(ctx, req, last); err != nil || last.scope == "" {
		return nil, err
	}
	return sdk.Watermark(markForm + sum + " " + last.scope), nil
}

// lastScope knows which scope was done: its name stands in the manifest.
type lastScope struct {
	sdk.Sink

	scope string
}

// ScopeDone passes the scope on.
func (l *lastScope) ScopeDone(scope string) error {
	l.scope = scope
	return l.Sink.ScopeDone(scope)
}

// sum is a hash of the four files, of which all but the manifest may be absent.
func (s *source) sum() (string, error) {
	sum := sha256.New()
	for _, file := range []string{s.file, filepath.Join(s.folder, "catalog.json"), filepath.Join(s.folder, "run_results.json"), filepath.Join(s.folder, "sources.json")} {
		one, err := s.sumOf(file)
		if err != nil {
			return "", readError(file, err)
		}
		_, _ = fmt.Fprintln(sum, one) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// sumOf is empty for a file that is absent.
func (s *source) sumOf(file string) (string, error) {
	f, err := s.files.Open("path", file)
	if errors.Is(err, fs.ErrNotExist) && file != s.file {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

var _ sdk.Changer = (*source)(nil)
