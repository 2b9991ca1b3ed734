package sdk_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Config is what an operator fills in; its tags are the form and its checks.
type Config struct {
	Folder string `json:"folder" doc:"The folder with the CSV files."`
	Owner  string `json:"owner,omitempty" doc:"Who answers for the files."`
}

// folder is the opened source.
type folder struct{ Config }

// Check tries what a harvest needs, and says what to do where it fails.
func (f folder) Check(_ context.Context, r *sdk.Report) error {
	if files, _ := os.ReadDir(f.Folder); files == nil {
		r.Failed("list_files", "the folder cannot be read, or is empty", "let the user that runs souk read "+f.Folder)
		return nil
	}
	r.OK("list_files")
	return nil
}

// Harvest emits each file with its columns. A file that cannot be read is noted
// as an error, and then the folder is not done: nothing in it is retired.
func (f folder) Harvest(_ context.Context, _ sdk.Request, out sdk.Sink) error {
	files, err := filepath.Glob(filepath.Join(f.Folder, "*.csv"))
	if err != nil {
		return sdk.Config("folder", "is no path", "name a folder")
	}
	complete := true
	for _, file := range files {
		asset, err := f.asset(file)
		if err != nil {
			complete = false
			err = out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "csv.unreadable", Title: "A file cannot be read.", Sample: file, Scope: "folder"})
		} else {
			err = out.Emit(asset)
		}
		if err != nil {
			return err
		}
	}
	if !complete {
		return nil
	}
	return out.ScopeDone("folder")
}

func (f folder) asset(file string) (*sdk.Asset, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	header, err := csv.NewReader(r).Read()
	if err != nil {
		return nil, err
	}
	name := filepath.Base(file)
	a := &sdk.Asset{
		ID:    sdk.NativeID{Namespace: "file", Name: file},
		Scope: "folder", Kind: "FILE", Rank: sdk.Holder, ShortName: name, Owners: strings.Fields(f.Owner),
	}
	for i, column := range header {
		a.Fields = append(a.Fields, sdk.Field{Name: column, Position: i + 1, Nullable: true})
	}
	return a, nil
}

// Close has nothing to close.
func (f folder) Close() error { return nil }

var plugin = sdk.Plugin[Config]{
	Info: sdk.Info{Name: "csv", Version: "1.0.0", Summary: "CSV files of a folder.", Doc: "# CSV", Emits: []string{"asset"}},
	Open: func(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) { return folder{c}, nil },
}

// A whole plugin. Its binary is `func main() { sdk.Main(sdk.Register(plugin)) }`,
// and `csv dump --config '{"folder": "."}'` prints what it finds.
func Example() {
	dir, _ := os.MkdirTemp("", "csv")
	defer func() { _ = os.RemoveAll(dir) }()
	_ = os.WriteFile(filepath.Join(dir, "orders.csv"), []byte("id,day,cents\n1,2026-01-02,995\n"), 0o600)

	config := fmt.Sprintf(`{"folder": %q, "owner": "ana"}`, dir)
	source, err := sdk.Register(plugin).Open(context.Background(), []byte(config), nil, sdk.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(source.Harvest(context.Background(), sdk.Request{}, printing{}))
	// Output:
	// orders.csv of [ana]: [id day cents]
	// done: folder
	// <nil>
}

// printing is a sink that prints.
type printing struct{ sdk.Sink }

func (printing) ScopeDone(scope string) error { fmt.Println("done:", scope); return nil }
func (printing) Emit(r sdk.Record) error {
	a, _ := r.(*sdk.Asset)
	var names []string
	for _, f := range a.Fields {
		names = append(names, f.Name)
	}
	fmt.Printf("%s of %v: %v\n", a.ShortName, a.Owners, names)
	return nil
}
