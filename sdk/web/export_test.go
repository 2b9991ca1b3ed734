package web

import (
	"context"
	"time"
)

// Waits lets a test stand in for the waits of a client.
func (c *Client) Waits(wait func(context.Context, time.Duration) error) { c.wait = wait }
