package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/console/query"
)

//go:embed pages/*.html
var templates embed.FS

// pages are the templates by the name of their page, each within the layout.
type pages map[string]*template.Template

func parse() pages {
	names, err := fs.Glob(templates, "pages/*.html")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("the pages are part of the binary: %v", err))
	}
	layout := template.Must(template.New("layout.html").Funcs(vocabulary()).ParseFS(templates, "pages/layout.html", "pages/parts.html"))
	all := pages{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name != "layout" && name != "parts" {
			all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templates, file))
		}
	}
	return all
}

// view is what a page shows.
type view struct {
	Title    string
	Who      *model.Principal // nobody on the page of the sign-in
	Query    string           // in the search field
	Problems problems         // with a form that came back
	Page     any
}

// problems are what is wrong with a form, by the field that it stands beside; ""
// is the form as a whole.
type problems map[string][]query.Problem

// show writes a page, whole or not at all.
func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	var page bytes.Buffer
	if err := c.pages[name].Execute(&page, v); err != nil {
		c.cfg.Log.ErrorContext(r.Context(), "a page cannot be shown", "page", name, "error", err, "request", model.RequestIDFrom(r.Context()))
		http.Error(w, "something went wrong; the log knows it by the request "+model.RequestIDFrom(r.Context()), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// render shows a page to a person.
func (c *Console) render(v *visit, status int, name string, shown view) error {
	shown.Who = &v.who
	c.show(v.w, v.Request, status, name, shown)
	return nil
}

// What a page finds wrong by itself. What is not there and what is not for the person
// are one: the API does not tell them apart, and neither does a page.
var (
	errMissing  = errors.New("there is nothing here that you may see")
	errTooLarge = errors.New("the form is too large")
	errBroken   = errors.New("the form is not whole")
)

// trouble is a page that says what happened and what to do next.
type trouble struct{ Heading, Message, Hint, Request string }

// fail shows what went wrong, in the words of the API.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, who model.Principal, err error) {
	status, shown := troubleOf(err)
	if status == http.StatusInternalServerError {
		c.cfg.Log.ErrorContext(r.Context(), "a page failed", "error", err, "request", model.RequestIDFrom(r.Context()))
		shown.Request = model.RequestIDFrom(r.Context())
	}
	v := view{Title: shown.Heading, Page: shown}
	if who.ID != "" {
		v.Who = &who
	}
	c.show(w, r, status, "trouble", v)
}

func troubleOf(err error) (int, trouble) {
	switch {
	case errors.Is(err, errMissing):
		return http.StatusNotFound, trouble{Heading: "Nothing here", Message: "There is nothing at this address that you may see.", Hint: "It may have been renamed or removed, or it is not for you: search for it, or ask whoever sent you the link."}
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge, trouble{Heading: "Too much text", Message: "The form holds more than 128 KiB, and nothing was done.", Hint: "Go back and shorten it."}
	case errors.Is(err, errBroken):
		return http.StatusBadRequest, trouble{Heading: "This did not work", Message: "The form did not arrive whole, and nothing was done.", Hint: "Go back and send it again."}
	}
	if list, ok := errors.AsType[gqlerror.List](err); ok && len(list) > 0 {
		first := list[0]
		code, _ := first.Extensions["code"].(string)
		hint, _ := first.Extensions["hint"].(string)
		shown := trouble{Heading: "This did not work", Message: sentence(first.Message), Hint: sentence(hint)}
		switch code {
		case string(model.KindNotFound):
			return troubleOf(errMissing)
		case string(model.KindDenied):
			shown.Heading = "You may not do this"
			return http.StatusForbidden, shown
		case string(model.KindUnavailable), "READS_ONLY", "TIMEOUT":
			shown.Heading = "Not just now"
			return http.StatusServiceUnavailable, shown
		case string(model.KindInvalid), string(model.KindBadCursor):
			return http.StatusBadRequest, shown
		}
	}
	return http.StatusInternalServerError, trouble{Heading: "Something went wrong", Message: "It is not your fault. Nothing was changed that the page does not show.", Hint: "Try again; if it stays, tell your administrator."}
}

// beside sorts problems by the field of the form that they stand beside; those of
// no field of it stand above.
func beside(list []*query.Problem, fields ...string) problems {
	sorted := problems{}
	for _, p := range list {
		field := ""
		if len(p.Path) > 0 && slices.Contains(fields, p.Path[len(p.Path)-1]) {
			field = p.Path[len(p.Path)-1]
		}
		sorted[field] = append(sorted[field], *p)
	}
	return sorted
}

// sentence makes a message of the API a sentence for a page.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
