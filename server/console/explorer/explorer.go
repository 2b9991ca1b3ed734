// Package explorer owns the page for those who write GraphQL: ready queries, the
// schema as a manual, and a place to run a query. It asks the same door as
// everybody else and loads nothing from anywhere else.
package explorer

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed web
var files embed.FS

// Handler serves the page and its parts, below the path that it is mounted at.
func Handler() http.Handler {
	web, err := fs.Sub(files, "web")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return http.FileServerFS(web)
}
