package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// The engine bounds steps and time, but one call can double a text or a
// number, and thirty doublings fit into any budget. So the functions that can
// make a value larger than their operands are called through a meter, which
// adds the operands up first. The names are ours: a policy writes concat, and
// the compiler puts souk.metered.concat in its place.
const (
	MeteredPrefix = "souk.metered."
	maxText       = 64 << 10 // bytes of text in the operands of one call
	maxDigits     = 400      // digits of a number that is multiplied
	maxItems      = 10_000   // members of a collection that is joined
)

// Metered names the functions that go through the meter.
var Metered = []string{
	"abs", "array.concat", "ceil", "concat", "div", "floor", "format_int", "internal.template_string", "minus", "mul",
	"object.union", "plus", "product", "rem", "replace", "round", "split", "sprintf", "sum", "to_number",
}

// Meter is a stage of the compiler. It comes last, so that every check before
// it speaks of the names that the author wrote.
func Meter(c *ast.Compiler) *ast.Error {
	for _, m := range c.Modules {
		ast.WalkExprs(m, func(e *ast.Expr) bool {
			if name := e.Operator().String(); e.IsCall() && slices.Contains(Metered, name) {
				e.SetOperator(ast.NewTerm(ast.MustParseRef(MeteredPrefix + name)))
			}
			return false
		})
	}
	return nil
}

// Meters gives the functions to an evaluation.
func Meters() []func(*rego.Rego) {
	options := make([]func(*rego.Rego), len(Metered))
	for i, name := range Metered {
		decl := ast.BuiltinMap[name]
		builtin := topdown.GetBuiltin(name)
		options[i] = rego.FunctionDyn(&rego.Function{Name: MeteredPrefix + name, Decl: decl.Decl, Memoize: false},
			func(ctx rego.BuiltinContext, operands []*ast.Term) (*ast.Term, error) {
				if err := Weigh(name, operands); err != nil {
					return nil, topdown.Halt{Err: err}
				}
				var result *ast.Term
				err := builtin(ctx, operands, func(t *ast.Term) error { result = t; return nil })
				return result, err
			})
	}
	return options
}

// Weigh refuses operands that are too large to go on with.
func Weigh(name string, operands []*ast.Term) error {
	w := weight{}
	for _, o := range operands {
		w.add(o, 0)
	}
	switch {
	case w.text > maxText || replaceGrows(name, operands):
		return fmt.Errorf("%s: its operands hold more than %d bytes of text", name, maxText)
	case w.digits > maxDigits:
		return fmt.Errorf("%s: a number has more than %d digits", name, maxDigits)
	case w.items > maxItems:
		return fmt.Errorf("%s: its operands have more than %d members", name, maxItems)
	case name == "sprintf" && WideFormat(operands[0]):
		return errors.New("sprintf: the format asks for a width or a precision above 999")
	}
	return nil
}

type weight struct{ text, digits, items int }

// add stops as soon as the weight is past any limit, so that weighing a value
// that contains itself many times over is not an attack of its own.
func (w *weight) add(t *ast.Term, depth int) {
	if w.items++; w.items > maxItems || w.text > maxText || depth > 32 {
		w.items = max(w.items, maxItems+1)
		return
	}
	switch v := t.Value.(type) {
	case ast.String:
		w.text += len(v)
	case ast.Number:
		w.digits = max(w.digits, len(v), exponent(string(v)))
	case *ast.Array:
		for i := 0; i < v.Len() && w.items <= maxItems; i++ {
			w.add(v.Elem(i), depth+1)
		}
	case ast.Set:
		_ = v.Iter(func(e *ast.Term) error { return w.next(e, depth) })
	case ast.Object:
		_ = v.Iter(func(key, value *ast.Term) error {
			if err := w.next(key, depth); err != nil {
				return err
			}
			return w.next(value, depth)
		})
	}
}

var errHeavy = errors.New("too heavy")

func (w *weight) next(t *ast.Term, depth int) error {
	if w.add(t, depth+1); w.items > maxItems {
		return errHeavy
	}
	return nil
}

// exponent is how many digits a number such as 1e9 stands for.
func exponent(number string) int {
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return 0
	}
	var n int
	if _, err := fmt.Sscanf(number[i+1:], "%d", &n); err != nil {
		return maxDigits + 1
	}
	return max(n, -n)
}

// replaceGrows foresees a short needle replaced by a long text many times over.
func replaceGrows(name string, operands []*ast.Term) bool {
	if name != "replace" {
		return false
	}
	hay, _ := operands[0].Value.(ast.String)
	old, _ := operands[1].Value.(ast.String)
	put, _ := operands[2].Value.(ast.String)
	return strings.Count(string(hay), string(old))*len(put) > maxText
}

// WideFormat reports four digits in a row, or a width taken from an operand.
func WideFormat(format *ast.Term) bool {
	f, _ := format.Value.(ast.String)
	run := 0
	for _, r := range f {
		if run++; r < '0' || r > '9' {
			run = 0
		}
		if run > 3 || r == '*' {
			return true
		}
	}
	return false
}
