//go:build !unix

package sdk

// nonBlocking has no meaning where named pipes do not stand among files.
const nonBlocking = 0
