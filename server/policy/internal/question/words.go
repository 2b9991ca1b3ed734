package question

import "github.com/souk-mesh/souk/graph/model"

// ClosedWords lists the fields of the input that hold words of a closed list. A
// rule that compares one with any other word never fires, so a misspelt word
// is an error of the compiler as a misspelt field is.
var ClosedWords = func() map[string][]string {
	closed := map[string][]string{"input.action.name": Spelled(Actions()...)}
	for _, f := range Table {
		if f.Words != nil {
			closed["input."+f.Path] = f.Words
		}
	}
	return closed
}()

// Spelled gives the words as texts.
func Spelled[T ~string](of ...T) []string {
	spelled := make([]string, len(of))
	for i, w := range of {
		spelled[i] = string(w)
	}
	return spelled
}

// FieldsOfActions are the fields that the input has for some actions only.
var FieldsOfActions = func() map[string][]model.Action {
	limited := map[string][]model.Action{}
	for _, f := range Table {
		if f.Only != nil {
			limited["input."+f.Path] = f.Only
		}
	}
	return limited
}()
