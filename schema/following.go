package schema

import (
	"math"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// ExecutionEvent is a frame of a followed run.
type ExecutionEvent struct {
	Cursor    string
	Snapshot  bool
	Status    *storage.ExecutionStatus
	Reason    *storage.ExecutionReason
	Message   *string
	Progress  *ExecutionProgress
	Items     []*ExecutionItemDone
	Log       []storage.LogLine
	Completed bool
}

// ExecutionProgress is how far a run is, and how fast of late.
type ExecutionProgress struct {
	storage.ExecutionProgress
	PerSecond *float64
	Eta       *time.Time
}

// Failed counts items that could not be carried out.
func (p *ExecutionProgress) Failed() int64 { return p.Errors }

// ExecutionItemDone is an item of a frame.
type ExecutionItemDone struct {
	storage.ItemDone
	AttackID *string
}

// ExecutionState is how a run stands.
type ExecutionState struct {
	*storage.ExecutionState
	ExecutionID string
	Progress    *ExecutionProgress
}

// Speed tells from the progress of a while how fast a run is. The zero value is ready.
type Speed struct {
	seen []seen
}

type seen struct {
	at   time.Time
	done int64
}

// speedOver is the time over which a speed is measured.
const speedOver = 10 * time.Second

// Of is the progress with its speed.
func (s *Speed) Of(p storage.ExecutionProgress, now time.Time) *ExecutionProgress {
	for len(s.seen) > 1 && now.Sub(s.seen[1].at) >= speedOver {
		s.seen = s.seen[1:]
	}
	s.seen = append(s.seen, seen{now, p.Done})
	made := &ExecutionProgress{ExecutionProgress: p}
	first := s.seen[0]
	took := now.Sub(first.at).Seconds()
	if took < 0.5 || p.Done <= first.done {
		return made
	}
	perSecond := float64(p.Done-first.done) / took
	made.PerSecond = &perSecond
	if left := float64(max(p.Total-p.Done, 0)) / perSecond; left < math.MaxInt32 {
		eta := now.Add(time.Duration(left * float64(time.Second)))
		made.Eta = &eta
	}
	return made
}
