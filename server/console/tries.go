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

// tries bounds how often one address, and all together, may try to sign in.
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

func (t *tries) allow(address string) bool {
	fresh := rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
	if known, had, _ := t.each.PeekOrAdd(address, fresh); had {
		fresh = known
		t.each.Get(address)
	}
	now := t.now()
	return fresh.AllowN(now, 1) && t.all.AllowN(now, 1)
}
