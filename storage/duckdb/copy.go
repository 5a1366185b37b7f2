package duckdb

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// Checkpoint writes the log of an open file into it.
func (r *Registry) Checkpoint(ctx context.Context, e userstore.Engine) error {
	return r.checkpointed(ctx, e, func(*attachment) error { return nil })
}

// Copy writes an open file as of now to w: writers wait, readers do not. Nothing
// else may open the file, not even to read it: POSIX drops a process' locks on a
// file when it closes any descriptor of it, and another program could then write.
// Copy keeps its descriptor until the file is detached.
func (r *Registry) Copy(ctx context.Context, e userstore.Engine, w io.Writer) error {
	return r.checkpointed(ctx, e, func(a *attachment) error {
		if a.lock == nil {
			file, err := os.Open(a.path)
			if err != nil {
				return err
			}
			a.lock = file
		}
		info, err := a.lock.Stat()
		if err != nil {
			return err
		}
		return copyStream(ctx, w, io.NewSectionReader(a.lock, 0, info.Size()))
	})
}

// checkpointed runs fn while nobody writes and the file holds everything.
func (r *Registry) checkpointed(ctx context.Context, e userstore.Engine, fn func(*attachment) error) error {
	opened, ok := e.(*engine)
	if !ok || opened.registry != r {
		return storage.Errorf(storage.CodeInternal, "the engine is not of this registry")
	}
	a := opened.attachment
	return a.writing(ctx, func() error {
		c, err := a.write.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.ExecContext(ctx, "CHECKPOINT "+identifier(a.alias)); err != nil {
			return fmt.Errorf("checkpoint %s: %w", filepath.Base(a.path), err)
		}
		return fn(a)
	})
}
