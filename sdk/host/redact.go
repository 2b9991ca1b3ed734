package host

import (
	"encoding/json"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/internal/report"
)

// clean takes what looks like a credential, and the secrets of this run, out of
// the texts of a record, and tells of it once for each record. A text that was
// harvested is never a reason to refuse the record.
func (r *receiver) clean(record sdk.Record) (found bool) {
	sdk.EachText(record, func(text string) string {
		cleaned := r.cleaned(text)
		found = found || cleaned != text
		return cleaned
	})
	if !found {
		return false
	}
	r.handler.Note(sdk.Note{
		Level: sdk.WarnLevel, Code: "host.credential_removed", Sample: report.Clip(r.secrets.Strike(about(record))),
		Title: "What looks like a credential stood in a text of the source and was taken out: take it out there too, and change it.",
	})
	return true
}

// cleaned is the text without the secrets of this run, and without what looks
// like the credential of another system.
func (r *receiver) cleaned(text string) string {
	return r.credentials.Redact(r.secrets.Strike(text))
}

// about names what the record is about.
func about(record sdk.Record) string {
	switch r := record.(type) {
	case *sdk.Asset:
		return r.ID.Name
	case *sdk.Edge:
		return r.To.Name
	case *sdk.Quality:
		return r.Asset.Name
	}
	return ""
}

// tells reports whether a cleaned record still holds a secret of this run: in a
// name, which cannot be taken out.
func (r *receiver) tells(record sdk.Record) bool {
	text, err := json.Marshal(record)
	return err != nil || r.secrets.In(text)
}
