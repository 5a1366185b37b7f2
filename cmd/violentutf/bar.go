package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// bar shows the progress of one file or run: a bar on a terminal, otherwise a line every
// few seconds.
type bar struct {
	out      io.Writer
	name     string
	terminal bool
	shown    time.Time
	drawn    bool
}

func newBar(out io.Writer, name string) *bar {
	return &bar{out: out, name: name, terminal: isTerminal(out), shown: time.Now()}
}

// barWidth is in characters.
const barWidth = 30

func (b *bar) show(p storage.Progress) {
	if b.due(time.Now()) {
		b.draw(p.Done, p.Total, p.Phase+" "+amount(p))
	}
}

// due says whether it is time to show something again.
func (b *bar) due(now time.Time) bool {
	every := 3 * time.Second
	if b.terminal {
		every = 100 * time.Millisecond
	}
	if now.Sub(b.shown) < every {
		return false
	}
	b.shown = now
	return true
}

func (b *bar) draw(done, total int64, text string) {
	if !b.terminal {
		fmt.Fprintf(b.out, "%s: %s\n", b.name, text)
		return
	}
	filled := 0
	if total > 0 {
		filled = int(min(done, total) * barWidth / total)
	}
	fmt.Fprintf(b.out, "\r\x1b[K%s [%s%s] %s", b.name, strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), text)
	b.drawn = true
}

func amount(p storage.Progress) string {
	if p.Total > 0 {
		return fmt.Sprintf("%d of %d %s", p.Done, p.Total, p.Unit)
	}
	return fmt.Sprintf("%d %s", p.Done, p.Unit)
}

// end takes the bar away.
func (b *bar) end() {
	if b.drawn {
		fmt.Fprint(b.out, "\r\x1b[K")
		b.drawn = false
	}
}

func progressOf(done, total int64) storage.Progress {
	return storage.Progress{Phase: "writing", Done: done, Total: total, Unit: "messages"}
}
