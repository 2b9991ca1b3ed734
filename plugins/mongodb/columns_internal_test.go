package mongodb

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestColumnsOf(t *testing.T) {
	cases := []struct{ name, pipeline, want string }{
		{"as it is", `[{"$match": {"x": 1}}, {"$sort": {"x": 1}}]`, "a<on.a a.b<on.a.b"},
		{"kept and renamed", `[{"$project": {"a": "$x.y", "c": {"d": 1}}}]`, "_id<on._id a<on.x.y a.b<on.x.y.b c.d<on.c.d"},
		{"left out", `[{"$project": {"a.b": 0}}, {"$unset": ["c", "_id"]}]`, "a<on.a"},
		{"without an id", `[{"$project": {"_id": false, "a": true}}]`, "a<on.a a.b<on.a.b"},
		{"computed", `[{"$set": {"a": {"$add": ["$x", "$y", {"$literal": "$z"}]}, "c": {"d": "word"}}}]`, "_id<on._id a<on.x! a<on.y!"},
		{"at once", `[{"$addFields": {"a": "$c", "c": "$a"}}]`, "_id<on._id a<on.c a.b<on.c.b c.d<on.a.d"},
		{"joined", `[{"$lookup": {"from": "who", "localField": "x", "foreignField": "_id", "as": "w"}}, {"$unwind": {"path": "$w", "includeArrayIndex": "c"}}, {"$project": {"a": "$w.name"}}]`, "_id<on._id a<who.name a.b<who.name.b"},
		{"joined by a pipeline", `[{"$lookup": {"from": "who", "pipeline": [{"$limit": 1}], "as": "a"}}, {"$unset": ["c", "_id"]}]`, ""},
		{"grouped", `[{"$group": {"_id": {"k": "$x"}, "a": {"$sum": "$y"}, "c": {"$first": "$$ROOT"}}}]`, "_id.k<on.x a<on.y!"},
		{"twice", `[{"$group": {"_id": "$x", "a": {"$max": "$y"}}}, {"$project": {"c": {"d": "$a"}}}]`, "_id<on.x c.d<on.y!"},
		{"not followed", `[{"$replaceRoot": {"newRoot": "$x"}}]`, "unknown"},
		{"of another", `[{"$unionWith": "more"}]`, "unknown"},
	}
	for _, one := range cases {
		var d struct{ P bson.RawValue }
		if err := bson.UnmarshalExtJSON([]byte(`{"p": `+one.pipeline+`}`), false, &d); err != nil {
			t.Fatal(err)
		}
		pipeline, _ := d.P.ArrayOK()
		c, known := columnsOf("on", pipeline)
		got := []string{}
		if !known {
			got = append(got, "unknown")
		}
		for _, path := range []string{"_id", "_id.k", "a", "a.b", "c.d"} {
			if !known || one.name == "as it is" && path[0] != 'a' {
				continue
			}
			for _, o := range c.of(path) {
				word := path + "<" + o.collection + "." + o.path
				if o.how != "" {
					word += "!"
				}
				got = append(got, word)
			}
		}
		if one.name != "as it is" && one.name != "grouped" { // below an id there is nothing else
			got = dropUnder(got, "_id.k")
		}
		if strings.Join(got, " ") != one.want {
			t.Errorf("%s: %v, want %s", one.name, got, one.want)
		}
	}
}

func dropUnder(words []string, path string) (kept []string) {
	for _, w := range words {
		if !strings.HasPrefix(w, path+"<") {
			kept = append(kept, w)
		}
	}
	return kept
}
