package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/noun"
)

// addNouns gives the root a command for each thing that can be done with a
// record of a running server, below the word of its noun. A word that is there
// already keeps what it has.
func (p *program) addNouns(root *cobra.Command) {
	acts, _ := noun.Acts(noun.Schema())
	words := map[string]*cobra.Command{}
	for _, c := range root.Commands() {
		words[c.Name()] = c
	}
	for _, a := range acts {
		group := words[a.Noun.Word]
		if group == nil {
			group = p.group(a.Noun.Word, a.Noun.About)
			group.GroupID = remoteGroup
			words[a.Noun.Word] = group
			root.AddCommand(group)
		}
		group.AddCommand(p.act(a))
	}
}

// act is the command of one act.
func (p *program) act(a noun.Act) *cobra.Command {
	var use strings.Builder
	use.WriteString(a.Verb)
	for _, f := range a.Arguments {
		word := strings.ToUpper(f.Flag)
		if f.Of != "" {
			word = strings.ToUpper(f.Of)
		}
		use.WriteString(" " + word)
	}
	f := &actFlags{remoteFlags: p.remoteCommand(use.String(), a.Summary), act: a}
	f.StringVarP(&f.output, "output", "o", "table", "`FORMAT` of what is printed: table, json or yaml")
	_ = f.cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	if a.Mutation() != "" {
		f.String("input", "", "all of the input, as JSON, `YAML` or @FILE; flags win over what it says")
	}
	if a.Lists() {
		f.Int("limit", 0, "how `MANY` rows at most (default: all)")
	}
	for _, field := range a.Flags {
		f.add(field)
	}
	return f.runs(f.run)
}

// actFlags are the flags of an act.
type actFlags struct {
	*remoteFlags
	act    noun.Act
	output string
}

// add gives the command a flag for a field of the schema.
func (f *actFlags) add(field noun.Field) {
	about := field.About
	if field.Required {
		about += " (has to be given)"
	}
	if field.Default != "" && field.Kind != noun.Yes {
		about += " (default: " + field.Default + ")"
	}
	switch field.Kind {
	case noun.Yes:
		f.Bool(field.Flag, field.Default == "true", about)
	case noun.Count:
		f.Int(field.Flag, 0, about)
	case noun.Texts:
		f.StringSlice(field.Flag, nil, "`"+shownAs(field)+"` with commas between them: "+about)
	case noun.Data:
		f.String(field.Flag, "", about+", as `JSON`, YAML or @FILE")
	case noun.Word:
		f.String(field.Flag, "", about+": `WORD` of "+strings.Join(field.Words, ", "))
		_ = f.cmd.RegisterFlagCompletionFunc(field.Flag, cobra.FixedCompletions(field.Words, cobra.ShellCompDirectiveNoFileComp))
	case noun.Text:
		f.Var(&textFlag{word: shownAs(field)}, field.Flag, about)
	}
}

// shownAs is what stands for a value in the help.
func shownAs(field noun.Field) string {
	if field.Of != "" {
		return strings.ToUpper(field.Of)
	}
	return "TEXT"
}

// textFlag is a flag whose value the help calls by a word.
type textFlag struct{ given, word string }

// String is what was given.
func (t *textFlag) String() string { return t.given }

// Type is what a value of it is called.
func (t *textFlag) Type() string { return t.word }

// Set takes one over.
func (t *textFlag) Set(value string) error {
	t.given = value
	return nil
}

// run does what the act is for and prints what came of it.
func (f *actFlags) run(ctx context.Context) error {
	if err := oneOf("--output", "format", f.output, formats); err != nil {
		return misuse{err.(*model.Error)} //nolint:errorlint // oneOf makes no other
	}
	input, err := f.input()
	if err != nil {
		return err
	}
	client, err := f.remote()
	if err != nil {
		return err
	}
	if err := f.act.Names(ctx, client, input); err != nil {
		return err
	}
	switch {
	case f.act.Lists():
		limit, _ := f.GetInt("limit")
		if limit <= 0 {
			limit = noLimit
		}
		out := newListing(f.program.stdout, f.output, f.act.Noun.Columns)
		if err := f.act.List(ctx, client, input, limit, out.row); err != nil {
			return err
		}
		return out.end()
	case f.act.Mutation() == "":
		id, _ := input["id"].(string)
		found, err := f.act.Find(ctx, client, id)
		if err != nil {
			return err
		}
		return printRecord(f.program.stdout, f.output, found)
	}
	answer, err := f.act.Send(ctx, client, input)
	if err != nil {
		return err
	}
	return printRecord(f.program.stdout, f.output, alone(answer))
}

const noLimit = 1 << 40

// alone is the one record of an answer that holds nothing else.
func alone(answer noun.Record) noun.Record {
	values := slices.DeleteFunc(slices.Collect(maps.Values(answer)), func(v any) bool { return v == nil })
	if len(values) == 1 {
		if record, ok := values[0].(noun.Record); ok {
			return record
		}
	}
	return answer
}

// input joins the file, the arguments and the flags that were given.
func (f *actFlags) input() (noun.Input, error) {
	input := noun.Input{}
	if whole := f.Lookup("input"); whole != nil && whole.Changed {
		value, err := readData("--input", whole.Value.String())
		if err != nil {
			return nil, err
		}
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, model.Invalid("--input", "is no object", "write the fields of the input, such as {displayName: Sales}")
		}
		input = fields
	}
	for i, field := range f.act.Arguments {
		input[field.Name] = f.Arg(i)
	}
	for _, field := range f.act.Flags {
		if err := f.take(field, input); err != nil {
			return nil, err
		}
	}
	return input, nil
}

// take puts what a flag says into the input.
func (f *actFlags) take(field noun.Field, input noun.Input) error {
	flag := f.Lookup(field.Flag)
	if !flag.Changed {
		if _, given := input[field.Name]; field.Required && !given {
			return misused("--"+field.Flag, "has to be given", "see "+f.cmd.CommandPath()+" --help")
		}
		return nil
	}
	value, err := valueOf(field, flag)
	input[field.Name] = value
	return err
}

// valueOf reads a flag. Nothing where a record, a word or data is wanted takes
// the value away.
func valueOf(field noun.Field, flag *pflag.Flag) (any, error) {
	text := flag.Value.String()
	switch {
	case field.Kind == noun.Yes:
		return text == "true", nil
	case field.Kind == noun.Count:
		var n int
		_, err := fmt.Sscan(text, &n)
		return n, err
	case field.Kind == noun.Texts:
		return severalOf(field, flag)
	case text == "" && (field.Kind != noun.Text || field.Of != ""):
		return nil, nil //nolint:nilnil // null is the value
	case field.Kind == noun.Word:
		return wordOf(field, text)
	case field.Kind == noun.Data:
		return readData("--"+field.Flag, text)
	}
	return text, nil
}

// severalOf reads a flag that takes several values.
func severalOf(field noun.Field, flag *pflag.Flag) ([]string, error) {
	all := []string{}
	for _, text := range flag.Value.(pflag.SliceValue).GetSlice() { // a StringSlice is one
		word, err := wordOf(field, text)
		if err != nil {
			return nil, err
		}
		if word != "" {
			all = append(all, word)
		}
	}
	return all, nil
}

// wordOf reads a word of an enumeration, in either case; another text stays.
func wordOf(field noun.Field, text string) (string, error) {
	if field.Words == nil {
		return text, nil
	}
	word := strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	return word, oneOf("--"+field.Flag, "word", word, field.Words)
}

// readData reads JSON or YAML, from the file after an @ or as it stands.
func readData(field, text string) (value any, err error) {
	if path, isFile := strings.CutPrefix(text, "@"); isFile {
		content, err := os.ReadFile(path) //nolint:gosec // the file that the person at the command line names
		if err != nil {
			return nil, model.Invalid(field, "the file cannot be read", err.Error())
		}
		text = string(content)
	}
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, model.Invalid(field, strings.TrimPrefix(err.Error(), "yaml: "), "write JSON or YAML, or @FILE")
	}
	return value, nil
}
