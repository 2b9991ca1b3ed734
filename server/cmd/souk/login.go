package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
)

// remoteFlags adds the flags that say which server is meant, and in whose name.
type remoteFlags struct {
	*flags
	url, tokenFile *string
}

func (p *program) remoteCommand(use, summary string) *remoteFlags {
	f := &remoteFlags{flags: p.command(use, summary)}
	f.url = f.String("url", "", "`address` of the server (default: the one signed in to with souk login, or "+remote.DefaultURL+")")
	f.tokenFile = f.String("token-file", "", "`file` with the token to sign in with (default: the environment variable SOUK_TOKEN, or what souk login has kept)")
	return f
}

// remote finds the server and the token. A token is never a flag: those are
// seen by everybody on the machine. One that is given goes to the address that
// is given, never to the server that somebody has signed in to with another.
func (f *remoteFlags) remote() (*remote.Client, error) {
	token, err := f.program.givenToken(*f.tokenFile)
	if err != nil {
		return nil, err
	}
	address := strings.TrimSuffix(*f.url, "/")
	if token == "" {
		session, err := f.program.session()
		if err != nil {
			return nil, err
		}
		address = cmp.Or(address, session.URL, remote.DefaultURL)
		token = session.Tokens[address]
	}
	address = cmp.Or(address, remote.DefaultURL)
	if token == "" {
		return nil, model.Invalid("token-file", "there is no token for "+address, "sign in with souk login "+address+", set SOUK_TOKEN, or name a file that holds the token with --token-file")
	}
	return remote.New(address, token), nil
}

// givenToken is the token of the file or of the environment, if there is one.
func (p *program) givenToken(file string) (string, error) {
	token, _ := p.environ("SOUK_TOKEN")
	if file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the file that the person at the command line names
		if err != nil {
			return "", model.Invalid("token-file", "the file cannot be read", err.Error())
		}
		token = string(text)
	}
	return strings.TrimSpace(token), nil
}

// session opens the person's sign-ins.
func (p *program) session() (*remote.Session, error) {
	folder, _ := p.environ("XDG_CONFIG_HOME") // an empty one is none
	if home, ok := p.environ("HOME"); folder == "" && ok {
		folder = filepath.Join(home, ".config")
	} else if folder == "" {
		var err error
		if folder, err = os.UserConfigDir(); err != nil {
			return &remote.Session{}, nil //nolint:nilerr // who has no folder has no sign-in
		}
	}
	return remote.OpenSession(remote.SessionFile(folder))
}

// login signs in to a server: it proves the token there, and keeps it in a file
// of the person's own.
func login(p *program) *cobra.Command {
	f := p.command("login URL", "sign in to a server and keep the token, so that other commands need neither")
	f.cmd.Long = "The token is asked for, or read from standard input where that is no terminal. It is kept in souk/session.json of your\n" +
		"own folder of settings, which only you can read, and is sent to this server only."
	file := f.String("token-file", "", "`file` that holds the token (default: ask for it)")
	return f.runs(func(ctx context.Context) error {
		address, err := remote.Address(f.Arg(0))
		if err != nil {
			return err
		}
		session, err := p.session()
		if err != nil {
			return err
		}
		if remote.InTheClear(address) {
			fmt.Fprintf(p.stderr, "Whoever listens on the way to %s can read the token: use https.\n", address)
		}
		token, err := p.askToken(*file, address)
		if err != nil {
			return err
		}
		var viewer struct{ Principal struct{ Name string } }
		if err := remote.New(address, token).Ask(ctx, "viewer", "{ viewer { principal { name } } }", nil, &viewer); err != nil {
			return err
		}
		if err := session.Keep(address, token); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "signed in to %s as %s\n", address, viewer.Principal.Name)
		return nil
	})
}

// askToken gets the token from the file, from whoever sits at the terminal, or
// from what is piped in.
func (p *program) askToken(file, address string) (token string, err error) {
	if file != "" {
		token, err = p.givenToken(file)
	} else if in, ok := p.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintf(p.stderr, "Token for %s: ", address)
		var typed []byte
		typed, err = term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(p.stderr)
		token = strings.TrimSpace(string(typed))
	} else {
		token, err = bufio.NewReader(io.LimitReader(p.stdin, 4096)).ReadString('\n')
		token = strings.TrimSpace(token)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err == nil && token == "" {
		err = model.Invalid("token", "is empty", "type it, pipe it in, or name a file that holds it with --token-file")
	}
	return token, err
}

// logout forgets the token of a server. It goes on opening the server until it
// expires or is revoked.
func logout(p *program) *cobra.Command {
	f := p.command("logout [URL]", "forget the token that was kept for a server")
	return f.runs(func(context.Context) error {
		session, err := p.session()
		if err != nil {
			return err
		}
		address := session.URL
		if f.NArg() > 0 {
			if address, err = remote.Address(f.Arg(0)); err != nil {
				return err
			}
		}
		found, err := session.Forget(address)
		switch {
		case err != nil:
			return err
		case !found:
			return model.Invalid("url", "no token is kept for "+address, "souk login keeps one")
		}
		fmt.Fprintf(p.stdout, "the token for %s is forgotten; it still opens until it is revoked: souk token remove TOKEN-ID\n", address)
		return nil
	})
}
