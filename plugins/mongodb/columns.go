package mongodb

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/sdk"
)

// origin is a field of a collection of which a field of a view is made.
type origin struct {
	collection, path, how string
}

// columns follows fields through the stages of a pipeline: which field there is
// now, and of what it is made.
type columns struct {
	on      string // the collection that the pipeline begins with
	open    bool   // a field that is not listed is the same as in that collection
	made    map[string][]origin
	dropped map[string]bool
}

// columnsOf follows a pipeline to its end. It reports false where a stage makes
// documents in a way that is not followed.
func columnsOf(on string, pipeline bson.RawArray) (*columns, bool) {
	c := &columns{on: on, open: true, made: map[string][]origin{}, dropped: map[string]bool{}}
	stages, _ := pipeline.Values()
	for _, s := range stages {
		stage, _ := s.DocumentOK()
		elements, _ := stage.Elements()
		if len(elements) != 1 || !c.stage(elements[0].Key(), elements[0].Value()) {
			return nil, false
		}
	}
	return c, true
}

func (c *columns) stage(name string, v bson.RawValue) bool {
	switch name {
	case "$match", "$sort", "$limit", "$skip", "$sample":
	case "$addFields", "$set":
		c.set("", elementsOf(v))
	case "$unset":
		for _, path := range texts(v) {
			c.drop(path)
		}
	case "$unwind":
		if added := textAt(v, "includeArrayIndex"); added != "" {
			c.put(added, nil)
		}
	case "$lookup":
		whole := []origin{{collection: textAt(v, "from")}}
		if len(arrayAt(v, "pipeline")) > 0 {
			whole = nil // its documents may be of any shape
		}
		c.put(textAt(v, "as"), whole)
	case "$project":
		c.project(elementsOf(v))
	case "$group":
		c.group(elementsOf(v))
	default:
		return false
	}
	return true
}

func elementsOf(v bson.RawValue) []bson.RawElement {
	d, _ := v.DocumentOK()
	elements, _ := d.Elements()
	return elements
}

// of gives what the field at a path is made of.
func (c *columns) of(path string) []origin {
	for at, rest := path, ""; ; {
		if origins, listed := c.made[at]; listed {
			return within(origins, rest)
		}
		if c.dropped[at] {
			return nil
		}
		i := strings.LastIndexByte(at, '.')
		if i < 0 {
			break
		}
		at, rest = at[:i], path[i+1:]
	}
	if !c.open {
		return nil
	}
	return []origin{{collection: c.on, path: path}}
}

// within are the fields below others. Below one that is computed nothing is known.
func within(origins []origin, rest string) (below []origin) {
	for _, o := range origins {
		if rest != "" && o.how != "" {
			continue
		}
		o.path = strings.Trim(o.path+"."+rest, ".")
		below = append(below, o)
	}
	return below
}

func (c *columns) put(path string, origins []origin) {
	c.clear(path)
	delete(c.dropped, path)
	c.made[path] = origins
}

func (c *columns) drop(path string) {
	c.clear(path)
	c.dropped[path] = true
}

func (c *columns) clear(path string) {
	for listed := range c.made {
		if listed == path || strings.HasPrefix(listed, path+".") {
			delete(c.made, listed)
		}
	}
}

// value is what an expression is made of: a path as it is, or the paths in it.
func (c *columns) value(v bson.RawValue) []origin {
	if word, ok := v.StringValueOK(); ok {
		if path, isPath := pathIn(word); isPath {
			return c.of(path)
		}
		return nil
	}
	how := text(v.String())
	var all []origin
	walkPaths(v, 0, func(path string) {
		for _, o := range c.of(path) {
			if o.how = how; !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
	})
	return all
}

// pathIn reads "$a.b". What begins with "$$" is a variable.
func pathIn(word string) (string, bool) {
	path, ok := strings.CutPrefix(word, "$")
	return path, ok && path != "" && path[0] != '$'
}

func walkPaths(v bson.RawValue, depth int, found func(string)) {
	if depth > maxDepth {
		return
	}
	if word, ok := v.StringValueOK(); ok {
		if path, isPath := pathIn(word); isPath {
			found(path)
		}
		return
	}
	if list, ok := v.ArrayOK(); ok {
		values, _ := list.Values()
		for _, one := range values {
			walkPaths(one, depth+1, found)
		}
	}
	for _, e := range elementsOf(v) {
		if e.Key() != "$literal" {
			walkPaths(e.Value(), depth+1, found)
		}
	}
}

// nested tells an object of fields from an expression.
func nested(v bson.RawValue) ([]bson.RawElement, bool) {
	inner := elementsOf(v)
	return inner, len(inner) > 0 && !strings.HasPrefix(inner[0].Key(), "$")
}

// set adds fields. All are made of what there was before the stage.
func (c *columns) set(prefix string, elements []bson.RawElement) {
	made := map[string][]origin{}
	c.collect(prefix, elements, made, false)
	for path, origins := range made {
		c.put(path, origins)
	}
}

// collect works out fields; kept tells whether a 1 keeps a field.
func (c *columns) collect(prefix string, elements []bson.RawElement, into map[string][]origin, kept bool) {
	for _, e := range elements {
		path := strings.Trim(prefix+"."+e.Key(), ".")
		if inner, ok := nested(e.Value()); ok {
			c.collect(path, inner, into, kept)
			continue
		}
		on, isSwitch := switchOf(e.Value())
		switch {
		case kept && isSwitch && on:
			into[path] = c.of(path)
		case kept && isSwitch:
		default:
			into[path] = c.value(e.Value())
		}
	}
}

// switchOf reads the 1 or 0 of a projection.
func switchOf(v bson.RawValue) (on, is bool) {
	if b, ok := v.BooleanOK(); ok {
		return b, true
	}
	n, ok := v.AsInt64OK()
	return n != 0, ok
}

// project keeps the fields that it names, or drops them.
func (c *columns) project(elements []bson.RawElement) {
	if drops(elements) {
		for _, e := range elements {
			c.drop(e.Key())
		}
		return
	}
	made := map[string][]origin{"_id": c.of("_id")}
	c.collect("", elements, made, true)
	for _, e := range elements {
		if on, is := switchOf(e.Value()); is && !on {
			delete(made, e.Key())
		}
	}
	c.open, c.made, c.dropped = false, made, map[string]bool{}
}

// drops tells a projection that names what to leave out: of others only _id may be.
func drops(elements []bson.RawElement) bool {
	for _, e := range elements {
		if on, is := switchOf(e.Value()); !is || on {
			return false
		}
	}
	return true
}

func (c *columns) group(elements []bson.RawElement) {
	made := map[string][]origin{}
	c.collect("", elements, made, false)
	c.open, c.made, c.dropped = false, made, map[string]bool{}
}

// fieldEdges has the fields of a view that are made of fields of a collection.
func (c *columns) fieldEdges(fields []sdk.Field, from string) (edges []sdk.FieldEdge) {
	for _, f := range fields {
		if strings.Contains(f.Name, `"`) {
			continue // a pipeline cannot name a field that has a dot in its name
		}
		for _, o := range c.of(f.Name) {
			if o.collection == from && o.path != "" {
				edges = append(edges, sdk.FieldEdge{From: fieldPath(o.path), To: f.Name, Transform: o.how})
			}
		}
	}
	return edges
}
