// Package python has nothing in Go but the word for the generator of the SDK in
// Python, which lies beside it. It refuses to have more.
package python

//go:generate go run ./generate
