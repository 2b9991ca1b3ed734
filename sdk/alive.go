package sdk

import "context"

type aliveKey struct{}

// withAlive gives a harvest's context the way to say that its plugin is at work.
func withAlive(ctx context.Context, say func()) context.Context {
	return context.WithValue(ctx, aliveKey{}, say)
}

// Alive says that the plugin is at work although it has nothing to emit yet: it
// goes through a long listing. The context is the one that Harvest was called
// with, or one made of it. The client of sdk/web says it with each answer.
func Alive(ctx context.Context) {
	if say, ok := ctx.Value(aliveKey{}).(func()); ok {
		say()
	}
}
