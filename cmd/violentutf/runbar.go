package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// rateOver is the time over which the speed of a run is measured.
const rateOver = 15 * time.Second

// runBar shows the progress of a run, with its speed, the time that is left and outcomes.
type runBar struct {
	*bar
	marks []mark // of the last rateOver, oldest first
}

// mark is how many items were done at a time.
type mark struct {
	at   time.Time
	done int64
}

func newRunBar(out io.Writer, name string) *runBar { return &runBar{bar: newBar(out, name)} }

func (b *runBar) show(now time.Time, status storage.ExecutionStatus, p storage.ExecutionProgress) {
	if len(b.marks) == 0 || p.Done != b.marks[len(b.marks)-1].done {
		b.marks = append(b.marks, mark{now, p.Done})
	}
	for len(b.marks) > 2 && now.Sub(b.marks[1].at) > rateOver {
		b.marks = b.marks[1:]
	}
	if !b.due(now) {
		return
	}
	text := fmt.Sprintf("%d of %d", p.Done, p.Total)
	if status != storage.ExecutionRunning {
		text += ", " + strings.ToLower(string(status))
	}
	if rate := b.rate(now); rate > 0 && status == storage.ExecutionRunning {
		left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.3g/s, %s left", rate, left.Round(time.Second))
	}
	b.draw(p.Done, p.Total, text+", "+outcomes(p))
}

// rate is in items a second, 0 while it is not known.
func (b *runBar) rate(now time.Time) float64 {
	first, last := b.marks[0], b.marks[len(b.marks)-1]
	if took := now.Sub(first.at).Seconds(); took > 0 {
		return float64(last.done-first.done) / took
	}
	return 0
}

// outcomes count attacks; an attack that succeeded is bad news.
func outcomes(p storage.ExecutionProgress) string {
	return fmt.Sprintf("%d succeeded, %d failed, %d undetermined, %d errors", p.Successes, p.Failures, p.Undetermined, p.Errors)
}
