package trino

import (
	"github.com/souk-mesh/souk/server/exact"
	"github.com/souk-mesh/souk/server/pdp"
)

// body is what the plugin sends. OPA's own API passes over members beside input.
type body struct {
	Input *input `json:"input"`
}

var bodyShape = exact.Of[body](exact.PassedOver)

// input is a question as the plugin puts it, as far as it concerns us. Versions
// of Trino add members, and leave out what is null.
type input struct {
	Context struct {
		Identity   identity          `json:"identity"`
		Properties map[string]string `json:"properties"`
	} `json:"context"`
	Action struct {
		Operation       string     `json:"operation"`
		Resource        resource   `json:"resource"`
		FilterResources []resource `json:"filterResources"`
	} `json:"action"`

	client pdp.Client // who asks
}

type identity struct {
	User             string            `json:"user"`
	ExtraCredentials map[string]string `json:"extraCredentials"`
}

// resource is one of many things; the operation tells which member is set.
type resource struct {
	User struct {
		User string `json:"user"`
	} `json:"user"`
	Schema   schema    `json:"schema"`
	Table    table     `json:"table"`
	Column   columnRef `json:"column"`
	Function function  `json:"function"`
}

type schema struct {
	Catalog string `json:"catalogName"`
	Schema  string `json:"schemaName"`
}

type table struct {
	Catalog string   `json:"catalogName"`
	Schema  string   `json:"schemaName"`
	Table   string   `json:"tableName"`
	Columns []string `json:"columns"`
}

func (t table) of() pdp.Table { return pdp.Table{Catalog: t.Catalog, Schema: t.Schema, Table: t.Table} }

type columnRef struct {
	Catalog string `json:"catalogName"`
	Schema  string `json:"schemaName"`
	Table   string `json:"tableName"`
	Column  string `json:"columnName"`
	Type    string `json:"columnType"`
}

type function struct {
	CatalogSchema schema `json:"catalogSchema"`
	Name          string `json:"functionName"`
}

// subject is the user that Trino has signed in.
func (in *input) subject() pdp.Entity { return pdp.Entity{Type: "user", ID: in.Context.Identity.User} }

// purpose is what the user says the query is for, as an extra credential, or
// what the operator says of the whole cluster. Trino's own language has no word for it.
func (in *input) purpose() string {
	if p := in.Context.Identity.ExtraCredentials["purpose"]; p != "" {
		return p
	}
	return in.Context.Properties["purpose"]
}
