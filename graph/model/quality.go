package model

import "time"

// QualityRule is a test that some tool runs against an asset, with its last result.
type QualityRule struct {
	Meta
	AssetID  ID             `json:"assetId"`
	SourceID ID             `json:"sourceId"`
	Scope    string         `json:"scope"`
	Key      string         `json:"key"` // the source's own stable name of the rule
	Name     string         `json:"name"`
	Rule     string         `json:"rule"` // not_null, unique, accepted_values, relationships, ...
	Field    string         `json:"field,omitempty"`
	Severity string         `json:"severity,omitempty"` // error or warn
	Last     *QualityResult `json:"last,omitempty"`
}

// QualityResult is how a run of the rule ended.
type QualityResult struct {
	Status   string    `json:"status"` // pass, fail, warn, error, skipped
	Failures int64     `json:"failures"`
	Message  string    `json:"message,omitempty"`
	At       time.Time `json:"at"`
}
