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
	CreatedAt *time.Time
}

// ExecutionEventConnection is a page of the events of a run.
type (
	ExecutionEventConnection = storage.Connection[ExecutionEvent]
	ExecutionEventRow        = storage.Edge[ExecutionEvent]
)

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
	made.at(float64(p.Done-first.done)/took, now)
	return made
}

// at tells the speed, in items a second, and when it is over at that.
func (p *ExecutionProgress) at(perSecond float64, now time.Time) {
	p.PerSecond = &perSecond
	if left := float64(max(p.Total-p.Done, 0)) / perSecond; left < math.MaxInt32 {
		eta := now.Add(time.Duration(left * float64(time.Second)))
		p.Eta = &eta
	}
}

// ProgressOf is the progress of a run by its recorded items, with its speed while it goes on.
func ProgressOf(e *storage.Execution, tally *storage.ExecutionTally, now time.Time) *ExecutionProgress {
	made := &ExecutionProgress{ExecutionProgress: tally.ExecutionProgress}
	if e.Items != nil {
		made.Total = *e.Items
	}
	if e.Status == storage.ExecutionRunning && tally.Recent > 0 {
		over := storage.TallyOver
		if e.StartedAt != nil {
			over = min(over, max(now.Sub(*e.StartedAt), time.Second))
		}
		made.at(float64(tally.Recent)/over.Seconds(), now)
	}
	return made
}
