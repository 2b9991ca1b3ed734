package sandbox

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestMemoIsTheEnginesCache compares the memo with a plain map through frames,
// growth and overwriting.
func TestMemoIsTheEnginesCache(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	m := newMemo()
	frames := []map[string]*ast.Term{{}}
	scratch := make(ast.Ref, 3)
	for i := range 20_000 {
		top := frames[len(frames)-1]
		scratch[0], scratch[1], scratch[2] = ast.DefaultRootDocument, ast.StringTerm(strconv.Itoa(r.IntN(40))), ast.InternedTerm(r.IntN(40))
		key := scratch.String()
		switch n := r.IntN(100); {
		case n < 50:
			value, undefined := m.Get(scratch)
			want, known := top[key]
			if value != want || undefined != (known && want == nil) {
				t.Fatalf("step %d: %s gives %v %v, want %v %v", i, key, value, undefined, want, known)
			}
		case n < 90:
			top[key] = ast.InternedTerm(i)
			if r.IntN(5) == 0 {
				top[key] = nil
			}
			m.Put(scratch, top[key])
		case n < 95:
			m.Push()
			frames = append(frames, map[string]*ast.Term{})
		case len(frames) > 1:
			m.Pop()
			frames = frames[:len(frames)-1]
		}
	}
	for len(frames) > 1 {
		m.Pop()
		frames = frames[:len(frames)-1]
	}
	defined := 0
	for _, v := range frames[0] {
		if v != nil {
			defined++
		}
	}
	if got := len(m.Keys()); got != defined {
		t.Errorf("%d keys, want %d", got, defined)
	}
}
