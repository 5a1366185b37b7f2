package execution

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// Wanted is what a follower of a run wants to be told beside its state and progress.
type Wanted struct {
	Items bool // each item's outcome
	Lines bool // of the log
}

// Frame is what a follower is told at once. Cursor is where to go on after it.
type Frame struct {
	Cursor int64
	// Snapshot says that Status and Progress are how the run stands: the first frame of
	// who comes without a cursor.
	Snapshot bool
	Status   *storage.StatusEvent
	Progress *storage.ExecutionProgress
	Items    []storage.ItemDone
	Lines    []storage.LogLine
}

// FrameOf is a frame of one stored event.
func FrameOf(stored *storage.ExecutionEvent) (*Frame, error) {
	read, err := readEvent(stored)
	if err != nil {
		return nil, err
	}
	frame := &Frame{Cursor: read.seq, Status: read.status, Lines: read.lines}
	if read.items != nil {
		frame.Progress, frame.Items = &read.items.Progress, read.items.Items
	}
	return frame, nil
}

// The pace of a follower.
const (
	frameEvery = 100 * time.Millisecond // at most ten frames a second
	frameItems = 5_000                  // of one frame, about: events are not cut in two
)

// Follower is told of one run. It belongs to one goroutine. A slow one lags: what waits for
// it stands in the store, not in memory.
type Follower struct {
	tails  *Tails
	tail   *tail
	want   Wanted
	seq    int64 // of the last event that was told
	fresh  bool  // the snapshot is still to be told
	over   bool
	paused time.Time // when the last frame was told
}

// Follow begins to follow a run, behind a cursor or, without one, from now. The caller
// leaves.
func (t *Tails) Follow(ctx context.Context, workspaceKey, key string, after *int64, want Wanted) (*Follower, error) {
	shared, err := t.join(ctx, workspaceKey, key)
	if err != nil {
		return nil, err
	}
	f := &Follower{tails: t, tail: shared, want: want, fresh: after == nil}
	if after != nil {
		last, status, _ := shared.now()
		if *after < 0 || *after > last {
			return nil, errors.Join(storage.BadInput("after", "this is no cursor of the execution: pass one that it gave, or none"), t.leave(shared))
		}
		f.seq, f.over = *after, *after == last && status.Status.Over()
	}
	return f, nil
}

// Leave ends the following.
func (f *Follower) Leave() error { return f.tails.leave(f.tail) }

// Next waits for the next frame; io.EOF follows that of the run's end.
func (f *Follower) Next(ctx context.Context) (*Frame, error) {
	if f.fresh {
		f.fresh = false
		seq, status, progress := f.tail.now()
		f.seq, f.over, f.paused = seq, status.Status.Over(), time.Now()
		return &Frame{Cursor: seq, Snapshot: true, Status: &status, Progress: &progress}, nil
	}
	if f.over {
		return nil, io.EOF
	}
	if err := sleep(ctx, time.Until(f.paused.Add(frameEvery))); err != nil {
		return nil, err
	}
	for {
		behind, old, news, err := f.tail.since(f.seq)
		if err != nil {
			return nil, err
		}
		if old {
			if behind, err = f.older(ctx); err != nil {
				return nil, err
			}
		}
		if frame := f.frame(behind); frame != nil {
			f.paused = time.Now()
			return frame, nil
		}
		if len(behind) > 0 {
			continue // nothing of what was passed over is wanted
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// older reads what the tail keeps no more.
func (f *Follower) older(ctx context.Context) ([]event, error) {
	page, err := f.tail.store.ExecutionEvents(ctx, f.tail.key, f.seq, pageEvents)
	if err != nil {
		return nil, err
	}
	read := make([]event, len(page))
	for i, stored := range page {
		if read[i], err = readEvent(stored); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// frame gathers events up to a change of state or as many items as a frame holds, and
// passes over what is not wanted; nil when nothing is left to tell.
func (f *Follower) frame(behind []event) *Frame {
	frame := &Frame{}
	for _, e := range behind {
		if len(frame.Items) >= frameItems {
			break
		}
		f.seq = e.seq
		switch {
		case e.status != nil:
			frame.Status, f.over = e.status, e.status.Status.Over()
		case e.items != nil:
			frame.Progress = &e.items.Progress
			if f.want.Items {
				frame.Items = append(frame.Items, e.items.Items...)
			}
		case f.want.Lines:
			frame.Lines = append(frame.Lines, e.lines...)
		}
		if e.status != nil {
			break
		}
	}
	if frame.Status == nil && frame.Progress == nil && frame.Lines == nil {
		return nil
	}
	frame.Cursor = f.seq
	return frame
}
