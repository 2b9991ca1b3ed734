package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestSpelling: what calls of earlier programs may look like goes on to work.
func TestSpelling(t *testing.T) {
	root := (&program{}).root()
	for call, want := range map[string]string{
		"serve -store x":                           "serve --store x",
		"serve -store=x --log-level info":          "serve --store=x --log-level info",
		"demo -json":                               "demo --json=true",
		"--json demo":                              "--json=true demo",
		"decisions accept --reason -store":         "decisions accept --reason -store",
		"decisions accept --reason --json":         "decisions accept --reason --json",
		"harvest shop -- -store":                   "harvest shop -- -store",
		"serve -h":                                 "serve -h",
		"serve -prot 1":                            "serve -prot 1",
		"token --store sqlite:x issue admin":       "token --store sqlite:x issue admin",
		"policy new -set a=b -set=c=d --list=true": "policy new --set a=b --set=c=d --list=true",
	} {
		if got := strings.Join(spelt(root, strings.Fields(call)), " "); got != want {
			t.Errorf("%s: got %s, want %s", call, got, want)
		}
	}
}

// TestFlagsBeforeTheWord reach the command, and so does one dash.
func TestFlagsBeforeTheWord(t *testing.T) {
	for _, args := range [][]string{
		{"token", "--store", "nonsense", "issue", "admin"},
		{"--store", "nonsense", "serve"},
		{"serve", "-store", "nonsense"},
		{"-store=nonsense", "token", "issue", "admin"},
	} {
		if got := call(t, args...); got.status != 1 || !strings.Contains(got.stderr, "store: must begin with sqlite:") {
			t.Errorf("souk %v: %+v", args, got)
		}
	}
}

// TestNestedHelp: help stands before any word.
func TestNestedHelp(t *testing.T) {
	want := call(t, "token", "issue", "--help")
	for _, args := range [][]string{{"help", "token", "issue"}, {"token", "help", "issue"}, {"token", "issue", "-h"}, {"token", "issue", "-help"}} {
		if got := call(t, args...); got != want || got.status != 0 || !strings.Contains(got.stdout, "Usage: souk token issue [FLAGS] PRINCIPAL") {
			t.Errorf("souk %v: %+v", args, got)
		}
	}
	for _, args := range [][]string{{"help", "frobnicate"}, {"help", "token", "isue"}, {"token", "help", "isue"}} {
		if got := call(t, args...); got.status != 2 || !strings.Contains(got.stderr, "no command") {
			t.Errorf("souk %v: %+v", args, got)
		}
	}
}

// TestCompletion offers words, values and folders.
func TestCompletion(t *testing.T) {
	for typed, want := range map[string]string{
		"tok":                      "token\t",
		"token ":                   "issue\t",
		"serve --log-f":            "--log-format\t",
		"serve --log-format ":      "json",
		"help tok":                 "token\t",
		"policy check ":            ":16", // the shell offers folders
		"decisions verify --publi": "--public-key\t",
	} {
		args := strings.Split(typed, " ")
		if got := call(t, append([]string{cobra.ShellCompRequestCmd}, args...)...); !strings.Contains(got.stdout, want) {
			t.Errorf("souk %s: nothing of %q in %+v", typed, want, got)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := call(t, "completion", shell); got.status != 0 || !strings.Contains(got.stdout, cobra.ShellCompRequestCmd) {
			t.Errorf("%s: status %d, %s", shell, got.status, got.stderr)
		}
	}
}

// TestEveryCommandSaysWhatItIsFor, and its flags do.
func TestEveryCommandSaysWhatItIsFor(t *testing.T) {
	var names []string
	visit((&program{}).root(), func(c *cobra.Command) {
		names = append(names, c.CommandPath())
		if c.HasParent() && c.Short == "" {
			t.Errorf("%s has no summary", c.CommandPath())
		}
	})
	if len(names) < 30 || !slices.Contains(names, "souk decisions replay") {
		t.Errorf("the test holds only %v", names)
	}
}

// TestStartIsNotCollected: what the linked libraries keep fills the first heap, and
// the collector need not go over it before the command has begun.
func TestStartIsNotCollected(t *testing.T) {
	collections := func(env ...string) int {
		got := invoke(t, append(env, "GODEBUG=gctrace=1"), "version")
		got.must(t, 0)
		return strings.Count(got.stderr, "gc ")
	}
	if got := collections(); got > 1 {
		t.Errorf("the start was collected %d times", got)
	}
	if got := collections("GOGC=100"); got < 2 {
		t.Errorf("with what the operator says of it, %d times", got)
	}
}
