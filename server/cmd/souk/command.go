package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/settings"
)

// flags is a command that is being made: its flags, and how it runs.
type flags struct {
	*pflag.FlagSet
	cmd     *cobra.Command
	program *program
}

// command begins a command. Its use is its name with what stands beside the
// flags, in capitals, and in brackets what may be left out.
func (p *program) command(use, summary string) *flags {
	cmd := &cobra.Command{Use: use, Short: summary, Args: counted, DisableFlagsInUseLine: true, ValidArgsFunction: completed}
	return &flags{FlagSet: cmd.Flags(), cmd: cmd, program: p}
}

// runs ends the making.
func (f *flags) runs(run func(ctx context.Context) error) *cobra.Command {
	f.cmd.RunE = func(cmd *cobra.Command, _ []string) error { return run(cmd.Context()) }
	return f.cmd
}

// withSettings adds flags for the settings that the command uses: those named,
// or all. The file and the environment are read for all of them.
func (f *flags) withSettings(names ...string) *flags {
	f.String(settings.ConfigFlag, "", "YAML `file` with the same names as the flags")
	for _, s := range settings.All() {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		s.AddFlag(f.FlagSet)
		if s.Words != nil {
			_ = f.cmd.RegisterFlagCompletionFunc(s.Name, cobra.FixedCompletions(s.Words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	return f
}

// group is a word with further words below it.
func (p *program) group(use, summary string, parts ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: summary, Args: cobra.ArbitraryArgs,
		DisableFlagParsing: true, // it has none; what cannot be found is told by its name
		RunE:               p.lost,
	}
	cmd.AddCommand(parts...)
	return cmd
}

// lost answers where no word of a group was meant.
func (p *program) lost(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 && !cmd.HasParent():
		return cmd.Help()
	case len(args) == 0:
		help(p.stderr, cmd)
		return errors.Join(errReported, errUsage)
	case isHelp(args[0]) && len(args) > 1:
		return p.helpOn(cmd, args[1:])
	case isHelp(args[0]):
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return misused("", fmt.Sprintf("no command %q", args[0]), hints(model.DidYouMean(args[0], names), "see "+cmd.CommandPath()+" --help"))
}

// helpOn finds the command that words below cmd name, and tells its help.
func (p *program) helpOn(cmd *cobra.Command, words []string) error {
	found, rest, err := cmd.Find(words)
	if err != nil {
		return err
	}
	if found == cmd || found.HasSubCommands() && len(rest) > 0 {
		return p.lost(found, rest)
	}
	return found.Help()
}

// counted reports arguments that are missing, and those that are too many.
func counted(cmd *cobra.Command, args []string) error {
	words := strings.Fields(cmd.Use)[1:]
	for i, word := range words {
		if i >= len(args) && !strings.HasPrefix(word, "[") {
			return misused("", "wants one "+strings.ToLower(strings.ReplaceAll(word, "-", " ")), "see "+cmd.CommandPath()+" --help")
		}
	}
	if len(args) <= len(words) {
		return nil
	}
	takes := "takes no arguments"
	if len(words) > 0 {
		takes = "takes " + strings.Join(words, " ") + " and nothing more"
	}
	return misused("", fmt.Sprintf("%q is one too many: %s %s", args[len(words)], cmd.CommandPath(), takes), "see "+cmd.CommandPath()+" --help")
}

// completed offers folders and files where a command takes one, and else nothing.
func completed(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	words := strings.Fields(cmd.Use)[1:]
	switch {
	case len(args) >= len(words):
	case strings.Contains(words[len(args)], "FOLDER"):
		return nil, cobra.ShellCompDirectiveFilterDirs
	case strings.Contains(words[len(args)], "FILE"):
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// misread says in plain words which flag could not be read.
func misread(cmd *cobra.Command, err error) error {
	seeHelp := "see " + cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var lacking *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		near := model.Nearest(name, names)
		if near != "" {
			near = "did you mean --" + near + "?"
		}
		return misused("--"+name, "there is no such flag", hints(near, seeHelp))
	case errors.As(err, &lacking):
		return misused("--"+lacking.GetSpecifiedName(), "wants a value", seeHelp)
	case errors.As(err, &wrong):
		return misused("--"+wrong.GetFlag().Name, wrong.Unwrap().Error(), seeHelp)
	}
	return misused("", err.Error(), seeHelp)
}

// spelt writes out what the flag package of Go took and the present one does
// not: one dash before a name, and a switch before the word of a command.
func spelt(root *cobra.Command, args []string) []string {
	known := map[string]*pflag.Flag{}
	visit(root, func(c *cobra.Command) { c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = f }) })
	args = slices.Clone(args)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, value, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		f := known[name]
		switch dashes := len(args[i]) - len(strings.TrimLeft(args[i], "-")); {
		case args[i] == "-help":
			args[i] = "--help"
		case f == nil || dashes == 0 || dashes > 2 || len(name) == 1:
		case hasValue:
			args[i] = "--" + name + "=" + value
		case f.NoOptDefVal != "":
			args[i] = "--" + name + "=" + f.NoOptDefVal
		default:
			args[i] = "--" + name
			i++ // its value stays as it is
		}
	}
	return args
}

func visit(cmd *cobra.Command, each func(*cobra.Command)) {
	each(cmd)
	for _, c := range cmd.Commands() {
		visit(c, each)
	}
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, word)
}

// hints makes one of those that say something.
func hints(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(h string) bool { return h == "" }), " ")
}

// help lists the words of a group, or tells the flags of a command: those and no
// others.
func help(w io.Writer, cmd *cobra.Command) {
	if cmd.HasAvailableSubCommands() {
		helpOnGroup(w, cmd)
	}
	if cmd.DisableFlagParsing {
		return // a group and nothing else
	}
	use, arguments, _ := strings.Cut(cmd.Use, " ")
	path := strings.TrimSuffix(cmd.CommandPath(), use) + use
	fmt.Fprintf(w, "Usage: %s\n", strings.TrimSpace(path+" [FLAGS] "+arguments))
	if text := cmd.Long; text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) { helpOnFlag(w, f) })
	names := settings.Names()
	slices.Sort(names)
	if i := slices.IndexFunc(names, func(name string) bool { return cmd.Flags().Lookup(name) != nil }); i >= 0 {
		fmt.Fprintf(w, "\nSettings may stand in the environment (--%s is %s) and in the file of --config too.\n", names[i], settings.Variable(names[i]))
	}
}

func helpOnFlag(w io.Writer, f *pflag.Flag) {
	if f.Hidden || f.Name == "help" {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	if f.NoOptDefVal != "" {
		value = "" // a switch
	}
	if !slices.Contains([]string{"", "false", "0", "[]"}, f.DefValue) && !strings.Contains(usage, "(default") {
		usage += " (default " + f.DefValue + ")"
	}
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	fmt.Fprintf(w, "\n  %s\n        %s\n", strings.TrimSpace(name+" "+strings.ToUpper(value)), usage)
}

func helpOnGroup(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasParent() {
		fmt.Fprint(w, "Souk is a data-mesh server: catalog, lineage and access requests behind one GraphQL API.\n\n")
	}
	fmt.Fprintf(w, "Usage: %s COMMAND [FLAGS]\n\n", cmd.CommandPath())
	width := cmd.NamePadding()
	for _, c := range cmd.Commands() {
		width = max(width, len(c.Name()))
	}
	for _, group := range append([]*cobra.Group{{}}, cmd.Groups()...) {
		if group.Title != "" {
			fmt.Fprintf(w, "\n%s\n\n", group.Title)
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && c.GroupID == group.ID {
				fmt.Fprintf(w, "  %-*s %s\n", width, c.Name(), c.Short)
			}
		}
	}
	fmt.Fprintf(w, "\n%s COMMAND --help tells the flags of one.\n", cmd.CommandPath())
	if !cmd.HasParent() {
		fmt.Fprint(w, "Every setting of the server is a flag, an environment variable (--store is SOUK_STORE) and a key of the YAML\n"+
			"file that --config names. A flag wins over the environment, and that over the file.\n")
	}
}
