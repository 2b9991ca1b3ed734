package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// explain turns an error of the client into one that says what to do.
func (p *parsed) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if known, ok := errors.AsType[*sdk.Error](err); ok {
		return known
	}
	if e := transport.Unverified(err, "kafka.unverified"); e != nil {
		return e
	}
	is := func(all ...error) bool {
		return slices.ContainsFunc(all, func(one error) bool { return errors.Is(err, one) })
	}
	_, clear := errors.AsType[tls.RecordHeaderError](err)
	_, cut := errors.AsType[*kgo.ErrFirstReadEOF](err)
	var e *sdk.Error
	switch {
	case is(kerr.SaslAuthenticationFailed):
		e = sdk.Auth("the broker refuses the user or its password", "set user and the secret password, and mechanism to the one that the broker keeps the user for")
	case is(kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState):
		e = sdk.Config("mechanism", "is none by which the broker signs users in", "write one of those in the broker's sasl.enabled.mechanisms")
	case is(kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed):
		e = sdk.Denied("the user lacks a right", "run the commands on the plugin's page")
	case clear:
		e = sdk.Config("transport", "the broker offers no encrypted connection at this port", "name the port of its SSL or SASL_SSL listener; an administrator may set transport to clear")
	case cut, errors.Is(err, io.EOF):
		e = sdk.Unavailable("the broker breaks off the connection", "it refuses the user without a word, wants one where none is given, or a connection that is encrypted where transport is clear, or the other way round", nil)
	default:
		e = sdk.Unavailable("the brokers cannot be reached, or break off", "look whether they run, whether the network lets souk through, and whether the addresses that they advertise are good here", nil)
	}
	e.Err = err
	return e
}
