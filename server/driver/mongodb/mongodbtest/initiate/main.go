// Command initiate makes the mongod at ADDRESS a replica set of one, so that
// .ci/mongod needs no MongoDB shell.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: initiate HOST:PORT")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := mongodbtest.Initiate(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		cancel()
		os.Exit(1)
	}
}
