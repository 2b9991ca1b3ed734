// Package decisionlog owns the memory of what was decided: rows that are never
// changed, linked by hashes and signed, in a place of their own beside the
// store. It copies the decisions that the store keeps with each change, takes
// the others itself, masks what no policy reads, and lets go of inputs when
// their time is over. It shows rows to whoever calls it: who may see which is
// audit's question to the policies.
//
// What it notices: a row that is changed, added, moved or taken out, by hashes
// and signatures; and an end that is cut off together with its head, because
// the store remembers the head of a second ago (anchorEvery), which costs one
// small write a second while there are rows, and nothing a decision. What it
// does not: rows of the last second before the process was killed, and a store
// and a log that are both set back, which only a head tells that somebody has
// written down elsewhere.
package decisionlog

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/decisionlog/mongo"
	"github.com/souk-mesh/souk/server/decisionlog/sqlite"
	"github.com/souk-mesh/souk/server/groupcommit"
	"github.com/souk-mesh/souk/server/store"
)

// DefaultRetention is how long inputs stay: the window in which decisions can
// be made again.
const DefaultRetention = 90 * 24 * time.Hour

// Config says where the log is and what it does.
type Config struct {
	URI       string        // of the store that it lies beside: sqlite:PATH or mongodb://...
	Store     store.Store   // whose feed it follows; nil follows nothing
	Owns      bool          // the log closes the store when it is closed itself
	Fault     string        // why there is no store to compare the log with
	Retention time.Duration // how long inputs stay; 0 is DefaultRetention
	Relaxed   bool          // SQLite: a commit survives the process, but perhaps not the machine
	ReadOnly  bool          // look on beside the process that writes
	Accept    string        // why to go on although store and log do not belong together; "" refuses
	Accepting string        // who says so: an account of the machine, since no token was shown

	// Reads tells which paths of the input the policies read that made a
	// decision, such as subject.name; what is personal and read by none is
	// masked. Nil, or false where nobody can tell, masks nothing.
	Reads func(model.DecisionRecord) (paths []string, ok bool)

	Now func() time.Time // nil is model.Now
	Log *slog.Logger     // nil is silent
}

// Log is an open decision log.
type Log struct {
	config Config
	keeper chain.Keeper
	sign   ed25519.PrivateKey
	mask   []byte // key of the hashes that stand for what is masked

	writer  *groupcommit.Writer[*job]
	writing sync.WaitGroup
	shut    func() error

	unwritten, unfollowed atomic.Pointer[error] // why the log cannot be written, or not follow the store
	unfit                 atomic.Pointer[error] // what store and log have lost of one another

	accepted []string      // what the operator has accepted at opening
	head     chain.Segment // the writer's own
	written  atomic.Int64  // the last row of this process
	follow   sync.Mutex    // one copies from the feed at a time
	followed int64         // the last event that it has looked at
}

// Open opens the log and makes its key when the log is new.
func Open(ctx context.Context, c Config) (*Log, error) {
	keeper, err := openKeeper(ctx, &c)
	if err != nil {
		return nil, err
	}
	l := &Log{config: c, keeper: keeper}
	l.writer = l.newWriter()
	l.shut = sync.OnceValue(l.close)
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(err, keeper.Close())
	}
	if !c.ReadOnly {
		l.writing.Go(func() { l.writer.Run(context.Background()) })
		if err := l.begin(ctx); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// begin logs what was accepted, and anchors the head.
func (l *Log) begin(ctx context.Context) error {
	if len(l.accepted) > 0 {
		if err := l.CatchUp(ctx); err != nil {
			return err
		}
	}
	return l.anchor(ctx)
}

func openKeeper(ctx context.Context, c *Config) (chain.Keeper, error) {
	if c.Retention <= 0 {
		c.Retention = DefaultRetention
	}
	if c.Now == nil {
		c.Now = model.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if path, ok := strings.CutPrefix(c.URI, "sqlite:"); ok {
		return sqlite.Open(path, sqlite.Options{ReadOnly: c.ReadOnly, Relaxed: c.Relaxed})
	}
	return mongo.Open(ctx, c.URI)
}

// prepare reads the key, sees that the log is the store's and its own, and
// closes a segment that a crash left open.
func (l *Log) prepare(ctx context.Context) error {
	secret, err := l.keeper.Secret(ctx, newSecret)
	if err != nil {
		return err
	}
	if len(secret) != secretLength {
		return &model.Error{Kind: model.KindUnavailable, Message: "the key of the decision log is damaged", Hint: "restore it from the backup"}
	}
	l.sign, l.mask = ed25519.NewKeyFromSeed(secret[:ed25519.SeedSize]), secret[ed25519.SeedSize:]
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return err
	}
	if len(segments) > 0 {
		l.head = segments[len(segments)-1]
	}
	if l.config.ReadOnly {
		return nil
	}
	if err := l.own(l.head); err != nil {
		return err
	}
	if err := l.finish(ctx, segments); err != nil {
		return err
	}
	return l.agree(ctx)
}

// finish closes the segments before the last that a crash left open.
func (l *Log) finish(ctx context.Context, segments []chain.Segment) error {
	for _, s := range segments[:max(0, len(segments)-1)] {
		if s.Closed {
			continue
		}
		if !s.Signed(l.sign.Public().(ed25519.PublicKey)) {
			continue // not ours to bless: the verification will name it
		}
		closed := s
		closed.Closed = true
		closed.Sign(l.sign)
		if err := l.keeper.Settle(ctx, s, closed); err != nil && !errors.Is(err, chain.ErrMoved) {
			return err
		}
	}
	return nil
}

const secretLength = ed25519.SeedSize + 32

func newSecret() []byte {
	secret := make([]byte, secretLength)
	_, _ = rand.Read(secret) // crypto/rand.Read never fails
	return secret
}

// PublicKey is the key that the heads of the log are signed with, as text.
func (l *Log) PublicKey() string {
	return hex.EncodeToString(l.sign.Public().(ed25519.PublicKey))
}

// Close writes what waits and closes the log.
func (l *Log) Close() error { return l.shut() }

func (l *Log) close() error {
	l.writer.Stop()
	l.writing.Wait()
	errs := []error{l.leave(), l.keeper.Close()}
	if l.config.Owns && l.config.Store != nil {
		errs = append(errs, l.config.Store.Close())
	}
	return errors.Join(errs...)
}

func errClosed() error {
	return &model.Error{Kind: model.KindUnavailable, Message: "the decision log is closed", Hint: "souk is shutting down: try again when it is back"}
}
