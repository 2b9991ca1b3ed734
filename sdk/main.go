package sdk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Main is the whole main function of a plugin's binary. Launched by Souk it
// serves; run by a person it answers to sub-commands, with which an author
// tries the plugin without a server:
//
//	schema   print the JSON Schema of the configuration
//	doc      print the page for operators
//	check    check a configuration, capability by capability
//	dump     harvest, and print what is found as lines of JSON; with --since what has changed
//
// It does not return.
func Main(plugins ...Registration) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	t := &tool{plugins: plugins, stdout: os.Stdout, stderr: os.Stderr, launched: os.Getenv(harvestv1.CookieKey) == harvestv1.CookieValue, serve: Serve}
	status := t.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// tool is a plugin's binary as a person or the host runs it.
type tool struct {
	plugins        []Registration
	stdout, stderr io.Writer
	launched       bool // by a host
	serve          func(Registration)
}

// run gives the exit status: 0 for success, 1 for a failure, 2 for a call that
// cannot be understood.
func (t *tool) run(ctx context.Context, args []string) int {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if t.launched {
		if command == harvestv1.ServeArgument || command == "" {
			return t.serveOne(args)
		}
	}
	commands := map[string]func(context.Context, Registration, input) error{
		"schema": t.schema, "doc": t.doc, "check": t.check, "dump": t.dump,
	}
	do, known := commands[command]
	if !known {
		t.usage()
		return 2
	}
	plugin, in, err := t.parse(command, args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(t.stderr, err)
		return 2
	}
	if err := do(ctx, plugin, in); err != nil {
		t.report(err)
		return 1
	}
	return 0
}

func (t *tool) serveOne(args []string) int {
	r, err := t.pick(strings.Join(args, " "))
	if err != nil {
		fmt.Fprintln(t.stderr, err)
		return 2
	}
	t.serve(r)
	return 0
}

// pick finds a plugin by name. The only one needs none.
func (t *tool) pick(name string) (Registration, error) {
	var names []string
	for _, r := range t.plugins {
		if r.info.Name == name || name == "" && len(t.plugins) == 1 {
			return r, nil
		}
		names = append(names, r.info.Name)
	}
	return Registration{}, fmt.Errorf("there is no plugin %q here: name one of %s", name, strings.Join(names, ", "))
}

func (t *tool) usage() {
	fmt.Fprintln(t.stderr, "This is a plugin of Souk: put it into the plugin folder, and pin it in plugins.lock.")
	fmt.Fprintln(t.stderr, "To try it: schema | doc | check | dump, with --config JSON or @FILE, and --secret FIELD=env:NAME or FIELD=file:PATH.")
	for _, r := range t.plugins {
		fmt.Fprintf(t.stderr, "  %s %s: %s\n", r.info.Name, r.info.Version, r.info.Summary)
	}
}

// input is what a person gives to check and dump.
type input struct {
	config  json.RawMessage
	secrets map[string]string
	since   Watermark
}

func (t *tool) parse(command string, args []string) (Registration, input, error) {
	in := input{config: json.RawMessage("{}"), secrets: map[string]string{}}
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(t.stderr)
	name := f.String("plugin", "", "`NAME` of the plugin, where the binary has several")
	f.Func("config", "the configuration, as `JSON` or @FILE", func(text string) (err error) {
		in.config, err = jsonOrFile(text)
		return err
	})
	f.Func("secret", "`FIELD=REFERENCE`, such as password=env:DB_PASSWORD; may be repeated", func(text string) error {
		field, reference, _ := strings.Cut(text, "=")
		value, err := resolve(reference)
		in.secrets[field] = value
		return err
	})
	f.Func("since", "a `WATERMARK` that dump has printed: what has changed since", func(text string) (err error) {
		in.since, err = base64.StdEncoding.DecodeString(text)
		return err
	})
	if err := f.Parse(args); err != nil {
		return Registration{}, in, err
	}
	if f.NArg() > 0 {
		return Registration{}, in, fmt.Errorf("%s takes no argument %q", command, f.Arg(0))
	}
	r, err := t.pick(*name)
	return r, in, err
}

func jsonOrFile(text string) (json.RawMessage, error) {
	path, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return json.RawMessage(text), nil
	}
	return os.ReadFile(path) //nolint:gosec // the file that the person at the command line names
}

// resolve reads a secret. It is never an argument itself, which every process
// of the machine can read.
func resolve(reference string) (string, error) {
	scheme, place, _ := strings.Cut(reference, ":")
	switch scheme {
	case "env":
		value, has := os.LookupEnv(place)
		if !has {
			return "", fmt.Errorf("there is no variable %s", place)
		}
		return value, nil
	case "file":
		content, err := os.ReadFile(place) //nolint:gosec // the file that the person at the command line names
		return strings.TrimRight(string(content), "\r\n"), err
	}
	return "", errors.New("want FIELD=env:NAME or FIELD=file:PATH")
}

// report prints an error with its remedy.
func (t *tool) report(err error) {
	fmt.Fprintln(t.stderr, err)
	if e, ok := errors.AsType[*Error](err); ok && e.Fix != "" {
		fmt.Fprintln(t.stderr, "  "+e.Fix)
	}
}

func (t *tool) schema(_ context.Context, r Registration, _ input) error {
	_, err := fmt.Fprintln(t.stdout, string(r.schema))
	return err
}

func (t *tool) doc(_ context.Context, r Registration, _ input) error {
	_, err := fmt.Fprintln(t.stdout, r.info.Doc)
	return err
}

func (t *tool) check(ctx context.Context, r Registration, in input) error {
	source, err := t.open(ctx, r, in)
	if err != nil {
		return err
	}
	missing := 0
	report := &Report{OnAdd: func(c Capability) {
		if c.OK {
			fmt.Fprintf(t.stdout, "ok      %s\n", c.Name)
			return
		}
		missing++
		fmt.Fprintf(t.stdout, "FAILED  %s: %s\n        %s\n", c.Name, c.Reason, c.Fix)
	}}
	if err := errors.Join(source.Check(ctx, report), source.Close()); err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d capabilities are missing", missing, len(report.Capabilities))
	}
	return nil
}

func (t *tool) open(ctx context.Context, r Registration, in input) (Source, error) {
	return r.Open(ctx, in.config, in.secrets, Env{Log: slog.New(slog.NewTextHandler(t.stderr, nil)), Files: NewFiles("/")})
}
