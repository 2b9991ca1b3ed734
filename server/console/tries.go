package console

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// The bounds of trying to sign in: a person mistypes, a program guesses.
const (
	triesAtOnce     = 10
	triesEvery      = 6 * time.Second // ten a minute from one address
	triesAllAtOnce  = 200
	triesAllEvery   = 100 * time.Millisecond // from all addresses together
	addressesInMind = 10_000
)

// tries bounds how often one address, and all together, may try to sign in in vain.
type tries struct {
	all  *rate.Limiter
	each *lru.Cache[string, *rate.Limiter]
	now  func() time.Time
}

func newTries(now func() time.Time) *tries {
	each, err := lru.New[string, *rate.Limiter](addressesInMind)
	if err != nil {
		panic(err) // the size is ours
	}
	return &tries{all: rate.NewLimiter(rate.Every(triesAllEvery), triesAllAtOnce), each: each, now: now}
}

// allow tells whether one more may be tried.
func (t *tries) allow(address string) bool {
	now := t.now()
	return t.of(address).TokensAt(now) >= 1 && t.all.TokensAt(now) >= 1
}

// failed counts a try. One that opens is none: behind a proxy a whole company has
// one address, and signs in on the same morning.
func (t *tries) failed(address string) {
	now := t.now()
	t.of(address).AllowN(now, 1)
	t.all.AllowN(now, 1)
}

func (t *tries) of(address string) *rate.Limiter {
	if known, had := t.each.Get(address); had {
		return known
	}
	fresh := rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
	if known, had, _ := t.each.PeekOrAdd(address, fresh); had { // by another request meanwhile
		return known
	}
	return fresh
}
