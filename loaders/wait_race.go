//go:build race

package loaders

import "time"

// wait outlasts a scheduler that the race detector slows down, so that tests which count
// statements do not depend on the machine.
const wait = 5 * time.Millisecond
