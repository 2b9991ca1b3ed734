package mongodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// Codes of the server, by https://www.mongodb.com/docs/manual/reference/error-codes/.
const (
	codeUnauthorized = 13
	codeAuthFailed   = 18
	codeNoNamespace  = 26
	codeTimeExceeded = 50
	codeNoSuchView   = 166 // CommandNotSupportedOnView
	codeAtlas        = 8000
)

// says tells whether the server answered with one of the codes.
func says(err error, codes ...int) bool {
	told, ok := errors.AsType[mongo.ServerError](err)
	return ok && slices.ContainsFunc(codes, told.HasErrorCode)
}

// explain turns an error of the driver into one that says what to do. The
// server's own words are kept for the log only: they repeat what was asked.
func (p *parsed) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if known, ok := errors.AsType[*sdk.Error](err); ok {
		return known
	}
	for _, cause := range causes(err) {
		if e := transport.Unverified(cause, "mongodb.unverified"); e != nil {
			return e
		}
	}
	var e *sdk.Error
	switch {
	case says(err, codeAuthFailed, codeAtlas):
		e = sdk.Auth("the server refuses the user "+quote(p.user)+" or its password", "set the secret password; where the user is kept in another database than admin, name it as the URL's path: mongodb://USER@HOST/DATABASE")
	case says(err, codeUnauthorized) && p.user == "":
		e = sdk.Auth("the server wants a user", "write mongodb://USER@HOST:27017, and the password into the secret password")
	case says(err, codeUnauthorized):
		e = sdk.Denied("the user "+quote(p.user)+" lacks a right", "grant the role on the plugin's page")
	case says(err, codeTimeExceeded):
		e = sdk.Unavailable("the server took longer than sampleTime", "raise sampleTime, or lower sample", nil)
	case mongo.IsTimeout(err), mongo.IsNetworkError(err), isDial(err):
		e = sdk.Unavailable("the server at "+p.address+" cannot be reached, or breaks off", "look whether it runs and the network lets souk through; a server that takes no encrypted connection wants transport: clear, which an administrator sets", nil)
	default:
		e = sdk.Unavailable("the server answers with an error"+codeOf(err), "look into the log of the server", nil)
	}
	e.Err = err
	return e
}

// causes are the error, and why each server of the deployment could not be used:
// the driver tries until its time is up, and then says so.
func causes(err error) []error {
	all := []error{err}
	if none, ok := errors.AsType[topology.ServerSelectionError](err); ok {
		for _, server := range none.Desc.Servers {
			all = append(all, server.LastError)
		}
	}
	return all
}

// isSlow tells a time that ran out while a server was there.
func isSlow(err error) bool {
	_, none := errors.AsType[topology.ServerSelectionError](err)
	return mongo.IsTimeout(err) && !none
}

func isDial(err error) bool {
	_, dial := errors.AsType[*net.OpError](err)
	_, name := errors.AsType[*net.DNSError](err)
	return dial || name
}

func codeOf(err error) string {
	told, ok := errors.AsType[mongo.ServerError](err)
	if !ok || len(told.ErrorCodes()) == 0 {
		return ""
	}
	return fmt.Sprintf(" %d", told.ErrorCodes()[0])
}

func quote(name string) string { return strconv.Quote(name) }

const codeSlow = "mongodb.slow"

func (p *parsed) tooLong(err error) *sdk.Error {
	return &sdk.Error{
		Class: sdk.ClassUnavailable, Code: codeSlow, Message: "the sample took longer than sampleTime, " + p.sampleTime.String(),
		Fix: "raise sampleTime, or lower sample; views: leave spares the pipelines of views", Err: err,
	}
}
