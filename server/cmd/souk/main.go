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
	"slices"
	"syscall"

	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/policy"
)

// command is one word of the program, with what it does or with further words
// below it. Run gets the arguments after its name.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, p *program, args []string) error
	parts   []command
}

// program is what a command may touch of the world.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        func(string) (string, bool)
	environment    func() []string // all of it, as NAME=VALUE
}

func commands() []command {
	return []command{
		{name: "serve", summary: "start the server, closed to everybody but the admin token it prints once", run: serve},
		{name: "demo", summary: "start a server with a small company in it, and forget both at the end", run: demonstrate},
		{name: "harvest", summary: "harvest one source now and wait for the report", run: harvestOnce},
		{name: "token", summary: "issue or revoke an API token, with the server stopped", parts: tokenCommands()},
		{name: "plugin", summary: "list the plugins, or check a source's configuration with one", parts: pluginCommands()},
		{name: "policy", summary: "write, check, test and publish policies, and explain decisions", parts: policyCommands()},
		{name: "decisions", summary: "verify, export or replay the decision log", parts: decisionCommands()},
		{name: "backup", summary: "copy the store, its decision log and the key of that into one file, also beside a running server", run: backupStore},
		{name: "restore", summary: "bring back what such a file holds, with the server stopped", run: restoreStore},
		{name: "health", summary: "ask a running server whether it is ready", run: health},
		{name: "version", summary: "print the version", run: version},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	harden(os.Args[1:])
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.LookupEnv, environment: os.Environ}
	os.Exit(p.main(ctx, os.Args[1:]))
}

// harden closes the memory and the environment of a program that runs plugins
// to them. Where the machine does not let it, the program goes on, and says so.
func harden(args []string) {
	if len(args) == 0 || !slices.Contains([]string{"serve", "demo", "harvest", "plugin"}, args[0]) {
		return
	}
	if err := host.Harden(); err != nil {
		fmt.Fprintf(os.Stderr, "souk: plugins of the same user may look into this process: %v\n", err)
	}
}

// main runs the command that args name and gives the exit status: 0 for
// success, 1 for a failure, 2 for a call that cannot be understood.
func (p *program) main(ctx context.Context, args []string) int {
	switch {
	case len(args) == 0:
		p.usage(p.stdout)
		return 0
	case args[0] == servePlugin:
		return runPlugin(args[1:])
	case args[0] == servePolicies:
		return policy.ServeChild(p.stdin, p.stdout)
	}
	name := "souk"
	if i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] }); i >= 0 {
		name += " " + args[0]
	}
	return p.status(name, p.dispatch(ctx, "", commands(), args))
}

// status tells of an error and gives the status to exit with.
func (p *program) status(name string, err error) int {
	if err == nil || errors.Is(err, errHelped) {
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

var (
	errHelped   = errors.New("help was asked for")
	errUsage    = errors.New("see --help")
	errReported = errors.New("the report says why")
)
