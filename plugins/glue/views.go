package glue

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// definition is the SQL of a view. Athena, Presto and Trino keep theirs inside a
// comment, in base64.
func definition(t types.Table) (text, language string) {
	texts := []string{aws.ToString(t.ViewOriginalText), aws.ToString(t.ViewExpandedText)}
	if v := t.ViewDefinition; v != nil {
		for _, r := range v.Representations {
			texts = append(texts, aws.ToString(r.ViewOriginalText), aws.ToString(r.ViewExpandedText))
		}
	}
	for _, text := range texts {
		if sql := unwrap(text); sql != "" {
			return sql, "sql"
		}
	}
	return "", ""
}

// unwrap gives the SQL of a view's text, or "" where the text holds none.
func unwrap(text string) string {
	text = strings.TrimSpace(text)
	inner, isComment := strings.CutPrefix(text, "/*")
	if !isComment {
		return text
	}
	inner, whole := strings.CutSuffix(inner, "*/")
	if !whole {
		return text // a comment and then SQL
	}
	_, packed, found := strings.Cut(inner, ":")
	if !found {
		return "" // the mark alone, as "/* Presto View */"
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(packed))
	if err != nil {
		return ""
	}
	var view struct {
		SQL string `json:"originalSql"`
	}
	if json.Unmarshal(raw, &view) != nil {
		return ""
	}
	return strings.TrimSpace(view.SQL)
}
