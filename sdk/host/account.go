package host

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk/host/process"
)

// LookupAccount finds a user that plugins run as by name, or takes UID:GID. The error is a *Failure:
// only root may start processes as somebody else, and root is nobody else.
func LookupAccount(name string) (*process.Account, error) {
	a, err := lookup(name)
	switch {
	case err != nil:
		return nil, misconfigured("no_account", "there is no user "+strconv.Quote(name), "name a user of this machine, or write UID:GID", err)
	case a.UID == 0 || a.GID == 0 || a.UID == os.Getuid():
		return nil, misconfigured("same_account", "a plugin would run as a user that may read the server's files", "name a user that owns nothing of the server", nil)
	case os.Getuid() != 0:
		return nil, misconfigured("no_right", "the server may not start processes as another user", "run the server as root, or leave the setting out", nil)
	}
	return a, nil
}

func lookup(name string) (*process.Account, error) {
	uid, gid, numbers := strings.Cut(name, ":")
	if !numbers {
		u, err := user.Lookup(name)
		if err != nil {
			return nil, err
		}
		uid, gid = u.Uid, u.Gid
	}
	a := &process.Account{}
	var err error
	if a.UID, err = strconv.Atoi(uid); err == nil {
		a.GID, err = strconv.Atoi(gid)
	}
	if err == nil && (a.UID < 0 || a.GID < 0) {
		err = fmt.Errorf("%s is no user and group", name)
	}
	return a, err
}

// give gives the directory to the account; without one it stays the server's.
func give(path string, a *process.Account) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, a.UID, a.GID)
}
