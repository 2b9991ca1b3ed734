package remote

import (
	"encoding/json"
	"testing"
)

// TestARefusalIsSaidOnce leaves out a reason that the message holds already, and
// no other.
func TestARefusalIsSaidOnce(t *testing.T) {
	for answer, want := range map[string]string{
		`{"message": "no rule allows this as things stand", "extensions": {"hint": "Ask for access.", "reasons": [{"message": "No rule allows this."}]}}`: "no rule allows this as things stand (Ask for access.)",
		`{"message": "Only stewards.", "extensions": {"reasons": [{"message": "Only stewards."}, {"message": "Not on Sundays."}]}}`:                       "Only stewards.; Not on Sundays.",
	} {
		var r reply
		if err := json.Unmarshal([]byte(`{"errors": [`+answer+`]}`), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.errorOf().Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
