package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// rateOver is the time over which the speed of a run is measured.
const rateOver = 15 * time.Second

// runBar shows the progress of a run, with its speed, the time that is left and outcomes,
// also while nothing happens.
type runBar struct {
	mutex    sync.Mutex
	bar      *bar
	marks    []mark // of the last rateOver, oldest first
	status   storage.ExecutionStatus
	progress storage.ExecutionProgress
	leave    chan struct{}
	left     sync.WaitGroup
}

// mark is how many items were done at a time.
type mark struct {
	at   time.Time
	done int64
}

func newRunBar(out io.Writer, name string) *runBar {
	return &runBar{bar: newBar(out, name), status: storage.ExecutionQueued, leave: make(chan struct{})}
}

// begin shows the progress again and again, until end.
func (b *runBar) begin() {
	b.left.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				b.show(now)
			case <-b.leave:
				return
			}
		}
	})
}

func (b *runBar) end() {
	close(b.leave)
	b.left.Wait()
	b.bar.end()
}

// say puts a line above the bar.
func (b *runBar) say(line string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.bar.end()
	fmt.Fprintln(b.bar.out, line)
}

// tell takes what a run came to.
func (b *runBar) tell(now time.Time, status storage.ExecutionStatus, p storage.ExecutionProgress) {
	b.mutex.Lock()
	b.status, b.progress = status, p
	if len(b.marks) == 0 || p.Done != b.marks[len(b.marks)-1].done {
		b.marks = append(b.marks, mark{now, p.Done})
	}
	b.mutex.Unlock()
	b.show(now)
}

func (b *runBar) show(now time.Time) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for len(b.marks) > 1 && now.Sub(b.marks[1].at) > rateOver {
		b.marks = b.marks[1:]
	}
	if !b.bar.due(now) {
		return
	}
	p := b.progress
	text := fmt.Sprintf("%d of %d", p.Done, p.Total)
	if b.status != storage.ExecutionRunning {
		text += ", " + strings.ToLower(string(b.status))
	} else if rate := b.rate(now); rate > 0 {
		left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.3g/s, %s left", rate, left.Round(time.Second))
	}
	b.bar.draw(p.Done, p.Total, text+", "+outcomes(p))
}

// rate is in items a second, 0 while it is not known.
func (b *runBar) rate(now time.Time) float64 {
	if len(b.marks) == 0 {
		return 0
	}
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
