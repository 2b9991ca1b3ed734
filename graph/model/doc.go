// Package model owns the nouns of a data mesh: what a domain, a data product,
// an asset or a grant is, what its states are and which moves between them are
// legal. It imports the standard library only, so every other room can import
// it, and it knows nothing about how a noun is stored, asked for or shown.
package model
