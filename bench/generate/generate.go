// Package generate writes PyRIT memories of any size for benchmarks: the same seed
// and size give the same rows on every machine.
package generate

import (
	"context"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/bench/memory"
)

// turnMessages is a prompt and its reply; a conversation has five turns.
const (
	turnMessages         = 2
	conversationMessages = 5 * turnMessages
)

// Options of a generated memory.
type Options struct {
	// Messages is how many messages to write: a multiple of 10, which is one
	// conversation with a target, and one attack.
	Messages int
	// Seed decides everything else.
	Seed uint64
	// Progress is told how many messages are written, each 10,000; may be nil.
	Progress func(done, total int64)
}

// Memory writes a new PyRIT 1.1.0 memory (SQLite) at path. It refuses a path at
// which there is anything, and leaves no file behind when it fails or ctx ends.
// What it needs of memory does not depend on the size.
func Memory(ctx context.Context, path string, opts Options) (err error) {
	if opts.Messages <= 0 || opts.Messages%conversationMessages != 0 {
		return fmt.Errorf("generate memory: %d messages are not a positive multiple of %d", opts.Messages, conversationMessages)
	}
	w, err := memory.Create(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()

	g := newGenerator(w, opts)
	if err := g.seeds(ctx); err != nil {
		return err
	}
	if err := g.scenarios(ctx); err != nil {
		return err
	}
	total := int64(opts.Messages)
	for n := range g.attacks {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("generate memory: %w", err)
		}
		if err := g.attack(ctx, n); err != nil {
			return err
		}
		if done := int64(n+1) * conversationMessages; opts.Progress != nil && (done%10_000 == 0 || done == total) {
			opts.Progress(done, total)
		}
	}
	return w.Finish(ctx, false)
}
