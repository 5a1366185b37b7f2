//go:build !race

package loaders

import "time"

// wait is how long a loader collects keys after the first one. The elements of a
// list resolve concurrently, so all keys of a level arrive together; the wait only
// has to outlast the scheduler.
const wait = 500 * time.Microsecond
