package mongodb

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// readsOf lists the collections of the same database that a pipeline reads
// beside the one that it runs on, pipelines within it included.
func readsOf(pipeline bson.RawArray) []string {
	var names []string
	walkPipeline(pipeline, 0, func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return names
}

func walkPipeline(pipeline bson.RawArray, depth int, found func(string)) {
	if depth > maxDepth {
		return
	}
	stages, _ := pipeline.Values()
	for _, s := range stages {
		stage, ok := s.DocumentOK()
		if !ok {
			continue
		}
		elements, _ := stage.Elements()
		for _, e := range elements {
			walkStage(e.Key(), e.Value(), depth, found)
		}
	}
}

func walkStage(name string, v bson.RawValue, depth int, found func(string)) {
	switch name {
	case "$lookup", "$graphLookup":
		found(textAt(v, "from"))
		walkPipeline(arrayAt(v, "pipeline"), depth+1, found)
	case "$unionWith":
		if whole, ok := v.StringValueOK(); ok {
			found(whole)
			return
		}
		found(textAt(v, "coll"))
		walkPipeline(arrayAt(v, "pipeline"), depth+1, found)
	case "$facet":
		facets, _ := v.DocumentOK()
		elements, _ := facets.Elements()
		for _, e := range elements {
			if inner, ok := e.Value().ArrayOK(); ok {
				walkPipeline(inner, depth+1, found)
			}
		}
	}
}

func textAt(v bson.RawValue, key string) string {
	d, ok := v.DocumentOK()
	if !ok {
		return ""
	}
	word, _ := d.Lookup(key).StringValueOK()
	return word
}

func arrayAt(v bson.RawValue, key string) bson.RawArray {
	d, ok := v.DocumentOK()
	if !ok {
		return nil
	}
	list, _ := d.Lookup(key).ArrayOK()
	return list
}
