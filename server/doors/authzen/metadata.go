package authzen

import (
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/server/doors"
)

// WellKnown is where clients look for the metadata.
const WellKnown = "/.well-known/authzen-configuration"

type metadata struct {
	PolicyDecisionPoint string `json:"policy_decision_point"`
	Evaluation          string `json:"access_evaluation_endpoint"`
	Evaluations         string `json:"access_evaluations_endpoint"`
	SearchSubject       string `json:"search_subject_endpoint"`
	SearchResource      string `json:"search_resource_endpoint"`
	SearchAction        string `json:"search_action_endpoint"`
}

// Metadata tells where the endpoints are. Base is the address that clients
// know the server by; "" takes the one of the request.
func Metadata(base string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := base
		if at == "" {
			at = addressOf(r)
		}
		at = strings.TrimSuffix(at, "/")
		doors.Write(w, http.StatusOK, metadata{
			PolicyDecisionPoint: at,
			Evaluation:          at + "/access/v1/evaluation",
			Evaluations:         at + "/access/v1/evaluations",
			SearchSubject:       at + "/access/v1/search/subject",
			SearchResource:      at + "/access/v1/search/resource",
			SearchAction:        at + "/access/v1/search/action",
		})
	})
}

func addressOf(r *http.Request) string {
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
