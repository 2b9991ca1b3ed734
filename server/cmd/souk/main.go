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
	"strings"
	"syscall"

	"github.com/souk-mesh/souk/server/policy"
)

// command is one sub-command. Run gets the arguments after its name.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, p *program, args []string) error
}

// program is what a command may touch of the world.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        func(string) (string, bool)
}

func commands() []command {
	return []command{
		{"serve", "start the server, closed to everybody but the admin token it prints once", serve},
		{"demo", "start a server with a small company in it, and forget both at the end", demonstrate},
		{"harvest", "harvest one source now and wait for the report", harvestOnce},
		{"token", "issue or revoke an API token, with the server stopped", tokens},
		{"plugin", "list the plugins, or check a source's configuration with one", plugin},
		{"policy", "write, check, test and publish policies, and explain decisions", policyCommand},
		{"decisions", "verify, export or replay the decision log", decisions},
		{"health", "ask a running server whether it is ready", health},
		{"version", "print the version", version},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.LookupEnv}
	os.Exit(p.main(ctx, os.Args[1:]))
}

// main runs the command that args name and gives the exit status: 0 for
// success, 1 for a failure, 2 for a call that cannot be understood.
func (p *program) main(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		p.usage(p.stdout)
		return 0
	}
	if args[0] == servePlugin {
		return runPlugin(args[1:])
	}
	if args[0] == servePolicies {
		return policy.ServeChild(p.stdin, p.stdout)
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, p, args[1:])
		if err == nil || errors.Is(err, errHelped) {
			return 0
		}
		if !errors.Is(err, errReported) {
			fmt.Fprintf(p.stderr, "souk %s: %v\n", c.name, err)
		}
		if errors.Is(err, errUsage) {
			return 2
		}
		return 1
	}
	fmt.Fprintf(p.stderr, "souk: no command %q\n\n", args[0])
	p.usage(p.stderr)
	return 2
}

var (
	errHelped   = errors.New("help was asked for")
	errUsage    = errors.New("see --help")
	errReported = errors.New("the report says why")
)

func (p *program) usage(w io.Writer) {
	fmt.Fprint(w, "Souk is a data-mesh server: catalog, lineage and access requests behind one GraphQL API.\n\nUsage: souk COMMAND [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintf(w, "\nEvery flag is also an environment variable (--store is SOUK_STORE) and a key of the\nYAML file that --config names. %s\n", strings.TrimSpace("A flag wins over the environment, and that over the file."))
}
