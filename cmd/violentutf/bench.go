package main

import (
	"context"

	"github.com/violentutf/violentutf/bench/generate"
)

func (c *command) bench(ctx context.Context, args []string) error {
	set := c.flags("bench", "generate FILE")
	messages := set.Int("messages", 1_000_000, "number of messages, ten a conversation")
	seed := set.Uint64("seed", 1, "the same seed and number give the same file")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if set.NArg() != 2 || set.Arg(0) != "generate" {
		return usageError("write: violentutf bench generate FILE")
	}
	bar := newBar(c.stderr, set.Arg(1))
	defer bar.end()
	return generate.Memory(ctx, set.Arg(1), generate.Options{Messages: *messages, Seed: *seed, Progress: func(done, total int64) {
		bar.show(progressOf(done, total))
	}})
}
