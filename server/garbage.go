package server

import (
	"runtime/debug"
	"sync"
)

// How much garbage there may be, in percent of what is used.
const (
	rarePercent    = 400
	streamsPercent = 75 // many streams: their buffers are much that is used
	filesPercent   = 50 // a request with files makes a little for each row
)

// garbage is how it is collected.
var garbage = struct {
	mutex   sync.Mutex
	rarely  bool
	percent int
	wanted  map[int]int // by percent, how many want no more
}{percent: rarePercent, wanted: map[int]int{}}

// CollectGarbageRarely tunes the process for serving. Responses make much
// short-lived garbage: collecting it more rarely, below a limit of 2 GB, is a good
// part of a request's time.
func CollectGarbageRarely() {
	garbage.mutex.Lock()
	defer garbage.mutex.Unlock()
	garbage.rarely = true
	debug.SetGCPercent(garbage.percent)
	debug.SetMemoryLimit(2 << 30)
}

// collectAt allows for less garbage until the end of a request or stream.
func collectAt(percent int) (end func()) {
	change := func(by int) {
		garbage.mutex.Lock()
		defer garbage.mutex.Unlock()
		garbage.wanted[percent] += by
		lowest := rarePercent
		for wanted, times := range garbage.wanted {
			if times > 0 {
				lowest = min(lowest, wanted)
			}
		}
		if garbage.rarely && lowest != garbage.percent {
			debug.SetGCPercent(lowest)
		}
		garbage.percent = lowest
	}
	change(1)
	return func() { change(-1) }
}
