// Command speedtest runs the benchmarks of what users wait for and says how the
// figures stand: as the table of SPEED.md, or as a gate that fails where one has
// grown. It owns the list of what is measured and what each figure may be. It
// measures nothing itself: every figure is one that a benchmark in the tree
// reports, so that whoever doubts it runs that one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "speedtest:", err)
		os.Exit(1)
	}
}

// run does what the arguments say.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("speedtest", flag.ContinueOnError)
	gate := flags.Bool("gate", false, "run the short form, and fail where a figure is over what it may be")
	update := flags.String("update", "", "write the table into this page, between its marks, in place of printing it")
	only := flags.String("run", "", "measure the lines whose benchmark matches this expression alone")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	chosen := choose(everything, wanted, *gate)
	if len(chosen) == 0 {
		return errors.New("-run: no line of the table has such a benchmark")
	}
	if *gate {
		return judge(out, chosen, measure(ctx, progress, chosen, brief))
	}
	found := measure(ctx, progress, chosen, long)
	if *update != "" {
		return errors.Join(found.err, write(*update, table(chosen, found)))
	}
	_, err = io.WriteString(out, table(chosen, found))
	return errors.Join(found.err, err)
}

// choose gives the lines to measure, for the gate those that it judges.
func choose(all []line, wanted *regexp.Regexp, gate bool) []line {
	var chosen []line
	for _, l := range all {
		if wanted.MatchString(l.Bench) && (!gate || l.judged()) {
			chosen = append(chosen, l)
		}
	}
	return chosen
}
