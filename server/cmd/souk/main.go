// Command souk is the whole of Souk: the server, its demo, and the commands of
// its operators and of those who write policies and plugins.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/settings"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/startup"
	"github.com/souk-mesh/souk/server/policy"
)

// program is what a command may touch of the world.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environment    func() []string // all of it, as NAME=VALUE
	hardened       func() error    // closes the memory and the environment of this process to plugins; nil where there are none
}

// remoteGroup are the commands that only talk to a server.
const remoteGroup = "remote"

// root is the word souk with every command below it.
func (p *program) root() *cobra.Command {
	root := p.group("souk", "",
		serve(p), demonstrate(p), harvestOnce(p),
		p.group("token", "issue or revoke an API token, with the server stopped; list, create and remove them on one that runs", tokenIssue(p), tokenRevoke(p)),
		p.group("plugin", "list the plugins, check a source's configuration or give rights with one, or begin one and hold it to the rules", pluginList(p), pluginCheck(p), pluginGrants(p), pluginNew(p), pluginTest(p)),
		p.group("policy", "write, check, test and publish policies, vote on them, and explain decisions", policyCommands(p)...),
		p.group("decisions", "verify, export or replay the decision log; list decisions of a running server",
			decisionsVerify(p), decisionsExport(p), decisionsReplay(p), decisionsAccept(p)),
		backupStore(p), restoreStore(p), health(p), version(p), login(p), logout(p))
	root.AddGroup(&cobra.Group{ID: remoteGroup, Title: "With a server that runs, after souk login URL:"})
	p.addNouns(root)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(misread)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { help(p.stdout, cmd) })
	root.SetHelpCommand(p.helpCommand(root))
	root.InitDefaultCompletionCmd("completion")
	return root
}

// helpCommand is the word help, below which every other stands.
func (p *program) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "tell the flags of a command", DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, words []string) error {
			if len(words) == 0 || isHelp(words[0]) {
				return root.Help()
			}
			return p.helpOn(root, words)
		},
		ValidArgsFunction: func(_ *cobra.Command, words []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if cmd, _, err := root.Find(words); err == nil {
				for _, c := range cmd.Commands() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environment: os.Environ, hardened: host.Harden}
	os.Exit(p.main(ctx, os.Args[1:]))
}

// harden closes the memory and the environment of a program that runs plugins
// to them. Where the machine does not let it, the program goes on, and says so.
func (p *program) harden() {
	if p.hardened == nil {
		return
	}
	if err := p.hardened(); err != nil {
		fmt.Fprintf(p.stderr, "souk: plugins of the same user may look into this process: %v\n", err)
	}
}

// main runs the command that args name and gives the exit status: 0 for
// success, 1 for a failure, 2 for a call that cannot be understood.
func (p *program) main(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0:
	case args[0] == servePlugin:
		startup.Over()
		return runPlugin(args[1:])
	case args[0] == servePolicies:
		return policy.ServeChild(p.stdin, p.stdout)
	case args[0] == "--version" || args[0] == "-version":
		args = append([]string{"version"}, args[1:]...)
	}
	root := p.root()
	root.SetArgs(spelt(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	for cmd.HasParent() && cmd.Parent().HasParent() {
		cmd = cmd.Parent()
	}
	return p.status(cmd.CommandPath(), err)
}

// status tells of an error and gives the status to exit with.
func (p *program) status(name string, err error) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintf(p.stderr, "%s: %v\n", name, err)
	}
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// environ finds a variable of the environment.
func (p *program) environ(variable string) (string, bool) {
	return settings.Lookup(p.environment(), variable)
}

var (
	errUsage    = errors.New("see --help")
	errReported = errors.New("the report says why")
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
