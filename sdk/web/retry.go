package web

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// How often and how long a request is tried. The host takes a plugin for hanging
// that does nothing for two minutes, so the last try ends before.
const (
	maxTries   = 5
	maxSpent   = 75 * time.Second // before the last try
	maxSilence = 40 * time.Second // in a try
	firstWait  = 500 * time.Millisecond
)

// try sends a request until it is answered, or until it is no use. What the
// waits add up to is counted in waits and not by a clock, which may go back.
// After one request in vain the others are tried once each until one goes well:
// ten thousand of them would be waited for in a run that has nothing to find.
func (c *Client) try(ctx context.Context, r Request, once func(context.Context, *url.URL) error) error {
	target, err := c.target(r)
	if err != nil {
		return err
	}
	began := time.Now()
	renewed, waited := false, time.Duration(0)
	for n := 1; ; n++ {
		answered := c.spoken.raised()
		err := once(ctx, target)
		if err == nil {
			c.down.lower()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failure, ours := errors.AsType[*sdk.Error](err)
		if !ours {
			return err
		}
		if failure.Class == sdk.ClassAuth && c.options.Renew != nil && !renewed {
			renewed = true
			if err := c.options.Renew(ctx); err != nil {
				return err
			}
			continue
		}
		wait := delay(n, failure)
		waited += wait
		if !worthIt(r, failure, answered) || c.down.raised() {
			return err
		}
		if n >= maxTries || max(waited, time.Since(began)+wait) > maxSpent {
			c.down.raise()
			return err
		}
		c.tell(ctx, target, failure, wait)
		if err := c.wait(ctx, wait); err != nil {
			return err
		}
	}
}

// worthIt reports whether the request may go well if it is sent again, and does
// no harm. A host that has never answered is not waited for: its address may be
// wrong, and a person waits for the word.
func worthIt(r Request, e *sdk.Error, answered bool) bool {
	switch Status(e) {
	case http.StatusTooManyRequests:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return r.harmless()
	case 0:
		return e.Code == codeBroken && answered && r.harmless()
	}
	return false
}

// delay is how long to wait after the nth try: what the source asks for, or each
// time twice as long, with a part by chance so that many do not return at once.
func delay(n int, e *sdk.Error) time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	wait := firstWait << (n - 1)
	return wait/2 + rand.N(wait/2) //nolint:gosec // no secret
}

// retryAfter reads how long the source wants to be left alone: seconds or a
// date. A date in the past, or a clock that has gone back, gives nothing to
// wait for, or so long that nobody waits.
func (c *Client) retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 24*60*60) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(c.now()), 0), 24*time.Hour)
}
