package sdk

// EachText calls do with every text of the record that people wrote or that
// holds a value: descriptions, owners, tags, defaults, properties, definitions,
// expressions, rules, messages. What tells which asset, field or test the record is about is left
// out, since another record may have to lead there. What do returns takes the
// place of the text.
//
// A new field of a record is decided on here or in the test of this function.
func EachText(r Record, do func(text string) string) {
	switch r := r.(type) {
	case *Asset:
		r.Description = do(r.Description)
		eachWord(r.Owners, do)
		eachWord(r.OwnerRoles, do)
		eachWord(r.Tags, do)
		eachValue(r.Properties, do)
		for i := range r.Fields {
			f := &r.Fields[i]
			f.Description, f.Default, f.NativeType = do(f.Description), do(f.Default), do(f.NativeType)
			eachWord(f.Tags, do)
			eachValue(f.Meta, do)
			eachWord(f.Values, do)
		}
		eachDetail(r, do)
	case *Edge:
		for i := range r.Fields {
			r.Fields[i].Transform = do(r.Fields[i].Transform)
		}
	case *Quality:
		r.Name, r.Rule = do(r.Name), do(r.Rule)
		eachValue(r.Arguments, do)
		if r.Result != nil {
			r.Result.Message = do(r.Result.Message)
		}
	}
}

func eachDetail(a *Asset, do func(string) string) {
	a.Definition = do(a.Definition)
	for i := range a.Constraints {
		a.Constraints[i].Expression = do(a.Constraints[i].Expression)
	}
	for i := range a.Indexes {
		a.Indexes[i].Expression = do(a.Indexes[i].Expression)
	}
	for i := range a.Runs {
		a.Runs[i].Message = do(a.Runs[i].Message)
	}
}

func eachWord(words []string, do func(string) string) {
	for i, word := range words {
		words[i] = do(word)
	}
}

func eachValue(values map[string]string, do func(string) string) {
	for key, value := range values {
		values[key] = do(value)
	}
}
