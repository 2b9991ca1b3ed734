package sdk

import (
	"embed"
	"io/fs"
)

//go:embed * all:python
var own embed.FS

// OwnSource is the source of this package and of those below it. The command
// `souk plugin new` writes it beside a plugin, since no registry has it. A binary
// that does not call it does not carry it.
func OwnSource() fs.FS { return own }
