package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/scaffold"
)

// pluginNew begins a plugin in a folder of its own.
func pluginNew(p *program) *cobra.Command {
	f := p.command("new NAME", "begin a plugin: a folder NAME with a program that works, its tests and the SDK")
	goModule := f.String("module", "", "`path` of the Go module (default example.com/NAME)")
	python := f.Bool("python", false, "write it in Python")
	return f.runs(func(context.Context) error {
		dir, err := filepath.Abs(f.Arg(0))
		if err != nil {
			return err
		}
		name := filepath.Base(dir)
		begin, try := scaffold.Go, "go build . && go test ."
		if *python {
			begin, try = scaffold.Python, "python3 -m pip install --target plugin/vendor -r requirements.txt && souk plugin test ./plugin"
		}
		err = begin(dir, scaffold.Plugin{Name: name, Module: *goModule})
		switch {
		case errors.Is(err, scaffold.ErrName):
			return model.Invalid("name", err.Error(), "write it as my-shop")
		case errors.Is(err, fs.ErrExist):
			return model.Invalid("name", dir+" is there already", "choose another name, or remove it first")
		case err != nil:
			return err
		}
		fmt.Fprintf(p.stdout, "wrote  %s\n\nTry it with: cd %s && %s\n", dir, f.Arg(0), try)
		return nil
	})
}
