package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// misuse is a call that cannot be understood: it names the word at fault and
// what to write instead.
type misuse struct{ reason *model.Error }

// Error says what is wrong.
func (m misuse) Error() string { return m.reason.Error() }

// Unwrap gives the typed error.
func (m misuse) Unwrap() error { return m.reason }

// Is makes the program exit as for every call that cannot be understood.
func (misuse) Is(target error) bool { return target == errUsage }

func misused(field, message, hint string) error { return misuse{model.Invalid(field, message, hint)} }

// dispatch finds the word below path that args begin with, and runs it.
func (p *program) dispatch(ctx context.Context, path string, all []command, args []string) error {
	args = wordFirst(all, args)
	switch {
	case len(args) == 0:
		p.help(p.stderr, path, all)
		return errors.Join(errReported, errUsage)
	case path == "" && (args[0] == "--version" || args[0] == "-version"):
		args = append([]string{"version"}, args[1:]...)
	case isHelp(args[0]) && len(args) > 1:
		args = []string{args[1], "--help"}
	case isHelp(args[0]):
		p.help(p.stdout, path, all)
		return errHelped
	}
	for _, c := range all {
		switch {
		case c.name != args[0]:
		case c.parts != nil:
			return p.dispatch(ctx, strings.TrimSpace(path+" "+c.name), c.parts, args[1:])
		default:
			return c.run(ctx, p, args[1:])
		}
	}
	return misused("", fmt.Sprintf("no command %q", args[0]), hints(model.DidYouMean(args[0], namesOf(all)), "see "+souk(path)+" --help"))
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

// wordFirst lets flags stand before the word, as in souk token --store S issue admin.
func wordFirst(all []command, args []string) []string {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") || isHelp(args[0]) {
		return args
	}
	names := namesOf(all)
	at := slices.IndexFunc(args, func(a string) bool { return slices.Contains(names, a) })
	if at < 0 {
		return args
	}
	return slices.Concat(args[at:at+1], args[:at], args[at+1:])
}

func namesOf(all []command) []string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
	}
	return names
}

// hints makes one of those that say something.
func hints(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(h string) bool { return h == "" }), " ")
}

func souk(path string) string { return strings.TrimSpace("souk " + path) }

func (p *program) usage(w io.Writer) { p.help(w, "", commands()) }

// help lists the words below path.
func (p *program) help(w io.Writer, path string, all []command) {
	if path == "" {
		fmt.Fprint(w, "Souk is a data-mesh server: catalog, lineage and access requests behind one GraphQL API.\n\n")
	}
	fmt.Fprintf(w, "Usage: %s COMMAND [FLAGS]\n\n", souk(path))
	for _, c := range all {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "\n%s COMMAND --help tells the flags of one.\n", souk(path))
	if path == "" {
		fmt.Fprint(w, "Every setting of the server is a flag, an environment variable (--store is SOUK_STORE) and a key of the YAML\n"+
			"file that --config names. A flag wins over the environment, and that over the file.\n")
	}
}

// help prints the flags of one command, those and no others.
func (f *flags) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: souk %s\n", strings.TrimSpace(f.Name()+" [FLAGS] "+f.arguments))
	f.VisitAll(func(g *flag.Flag) {
		what, usage := flag.UnquoteUsage(g)
		if g.DefValue != "" && g.DefValue != "false" && !strings.Contains(usage, "(default") {
			usage += " (default " + g.DefValue + ")"
		}
		fmt.Fprintf(w, "\n  --%s\n        %s\n", strings.TrimSpace(g.Name+" "+strings.ToUpper(what)), usage)
	})
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		fmt.Fprintf(w, "\nSettings may stand in the environment (--%s is %s) and in the file of --config too.\n", name, variable(name))
		break
	}
}
