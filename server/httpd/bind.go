package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/souk-mesh/souk/graph/model"
)

// Bind takes the address that the configuration names, and answers nothing on
// it yet. A program binds before its first write, so that a start that cannot
// succeed leaves nothing behind. An address that cannot be had is an error of
// kind Unavailable that says what to do.
func Bind(cfg Config) (net.Listener, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	address := cfg.withDefaults().Listen
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, unbound(address, err)
	}
	return listener, nil
}

// unbound says why the address cannot be had.
func unbound(address string, err error) error {
	e := &model.Error{Kind: model.KindUnavailable, Field: "listen"}
	var lookup *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Message, e.Hint = address+" is in use by another program", "stop that program, or choose another address with --listen; port 0 takes a free one"
	case errors.Is(err, syscall.EACCES):
		e.Message, e.Hint = "this user may not listen on "+address, "choose a port from 1024 on, or put a proxy in front"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Message, e.Hint = address+" is no address of this machine", "use 127.0.0.1:8080, or :8080 for every interface"
	case errors.As(err, &lookup):
		e.Message, e.Hint = fmt.Sprintf("there is no host %q", lookup.Name), "use 127.0.0.1:8080, or :8080 for every interface"
	default:
		e.Message, e.Err = "cannot listen on "+address, err
	}
	return e
}

// URL is where a server is reached that answers on the listener.
func URL(listener net.Listener) (string, error) {
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "", errors.Join(fmt.Errorf("read own address: %w", err), listener.Close())
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
