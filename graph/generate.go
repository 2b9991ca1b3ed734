// Package graph is the contract of the API: the executable schema with its
// inputs, payloads and connections, generated from the files under schema,
// and the scalars, written by hand. The nouns are in package model. It
// resolves nothing: server/resolver does.
package graph

//go:generate go -C .. tool gqlgen generate
//go:generate go test -run "TestListsAreHooked|TestPrintedSchema" -update
