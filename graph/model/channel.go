package model

import "context"

// Channel is the door by which a question comes, as policies see it in
// input.context.channel.
type Channel string

// The channels. What no door brings is a command of the operator.
const (
	ChannelGraphQL  Channel = "graphql"  // the API, and the console that speaks it
	ChannelAuthZEN  Channel = "authzen"  // enforcement points by AuthZEN
	ChannelTrino    Channel = "trino"    // Trino's access control
	ChannelOPA      Channel = "opa"      // sidecars: their bundles and their reports
	ChannelSchedule Channel = "schedule" // the server's own work: expiry, schedules, assessments, harvests
	ChannelCommand  Channel = "command"  // souk on the command line
)

// WithChannel says by which door what follows comes.
func WithChannel(ctx context.Context, c Channel) context.Context {
	return context.WithValue(ctx, channelKey, c)
}

// ChannelFrom tells by which door it comes.
func ChannelFrom(ctx context.Context) Channel {
	if c, ok := ctx.Value(channelKey).(Channel); ok {
		return c
	}
	return ChannelCommand
}
