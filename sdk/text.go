package sdk

// EachText calls do with every text of the record that people wrote or that
// holds a value: descriptions, defaults, properties, messages. Names, types and
// whatever else tells what the record is about are left out. What do returns
// takes the place of the text.
func EachText(r Record, do func(text string) string) {
	switch r := r.(type) {
	case *Asset:
		r.Description = do(r.Description)
		eachValue(r.Properties, do)
		for i := range r.Fields {
			f := &r.Fields[i]
			f.Description, f.Default = do(f.Description), do(f.Default)
			eachValue(f.Meta, do)
		}
	case *Quality:
		if r.Result != nil {
			r.Result.Message = do(r.Result.Message)
		}
	}
}

func eachValue(values map[string]string, do func(string) string) {
	for key, value := range values {
		values[key] = do(value)
	}
}
