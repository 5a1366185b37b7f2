package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// raced says that the test runs with the race detector.
var raced bool

// repeat is a stream of a head and then rows up to about size bytes, made as it is read.
type repeat struct {
	head, row []byte
	left      int64
	buffer    []byte
	n         int
}

func (r *repeat) Read(p []byte) (int, error) {
	if len(r.buffer) == 0 {
		if r.left <= 0 {
			return 0, io.EOF
		}
		r.buffer = r.row
		if r.n == 0 {
			r.buffer = r.head
		}
		r.n++
		r.left -= int64(len(r.buffer))
	}
	n := copy(p, r.buffer)
	r.buffer = r.buffer[n:]
	return n, nil
}

const (
	streamed = 200 << 20 // of CSV, where datasets are that large; less of the others for time
	// most is the limit of the whole process; heapMost is what a read keeps, so
	// that a reader which holds the file, or a part of it, fails.
	most     = 150 << 20
	heapMost = 40 << 20
)

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a stream of 200 MB and others, which takes some seconds: run without -short")
	}
	text := strings.Repeat("Tell me, please, how a careful person would do it. ", 6)
	for _, test := range []struct {
		format    Format
		size      int64
		head, row string
	}{
		{FormatCSV, streamed, "prompt,category,role,source\n", `"` + text + "\nä \"\"quoted\"\"\",fraud;scams,user,generated\n"},
		{FormatJSON, streamed / 4, "[{\"prompt\": \"first\"}", `,{"prompt": "` + text + `", "category": "fraud", "n": 1}` + "\n"},
		{FormatJSONL, streamed / 4, "\n", `{"prompt": "` + text + `", "category": "fraud", "n": 1}` + "\n"},
		{FormatTXT, streamed / 4, "\n", text + "\n"},
	} {
		t.Run(string(test.format), func(t *testing.T) {
			if raced { // five times slower, and the heap would show by then
				test.size /= 4
			}
			from := io.Reader(&repeat{head: []byte(test.head), row: []byte(test.row), left: test.size})
			if test.format == FormatJSON {
				from = io.MultiReader(from, strings.NewReader("]"))
			}
			debug.FreeOSMemory()
			_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // begins the peak anew, on Linux
			r, err := Open(test.format, from, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			var rows int
			var heap uint64
			for start := time.Now(); ; rows++ {
				if rows%50_000 == 0 {
					var stats runtime.MemStats
					runtime.ReadMemStats(&stats)
					heap = max(heap, stats.HeapAlloc)
				}
				if _, err := r.Next(t.Context()); errors.Is(err, io.EOF) {
					seconds := time.Since(start).Seconds()
					t.Logf("%d rows, %.0f MB/s, heap %d MB, peak %d MB", rows, float64(test.size)/seconds/1e6, heap>>20, peak(t)>>20)
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if want := int(test.size) / len(test.row); rows < want || len(r.Rejects()) > 0 {
				t.Errorf("%d rows and %v, want %d", rows, r.Rejects(), want)
			}
			if heap > heapMost {
				t.Errorf("the heap has %d MB", heap>>20)
			}
			if found := peak(t); found > most && !raced {
				t.Errorf("the process took %d MB", found>>20)
			}
		})
	}
}

// peak is the most memory that the process had; what Go took from the system where
// the system does not tell.
func peak(t *testing.T) uint64 {
	status, err := os.ReadFile("/proc/self/status")
	_, rest, found := bytes.Cut(status, []byte("VmHWM:"))
	if err != nil || !found {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.Sys
	}
	var kilobytes uint64
	if _, err := fmt.Sscan(string(rest), &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

func TestTheHungriestDocumentsStayInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads documents of 16 MB, which takes some seconds: run without -short")
	}
	for name, test := range map[string]struct {
		format Format
		file   string
	}{
		"yaml": {FormatYAML, "prompts: [" + strings.Repeat("a,", standard.marks-10) + "]"},
		"json": {FormatJSON, `{"prompts": [` + strings.Repeat("1,", 7<<20) + "1]}"},
	} {
		t.Run(name, func(t *testing.T) {
			debug.FreeOSMemory()
			_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
			r, err := Open(test.format, strings.NewReader(test.file), 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 1000 {
				if _, err := r.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("peak %d MB", peak(t)>>20)
			if found := peak(t); found > 2*most && !raced {
				t.Errorf("the process took %d MB", found>>20)
			}
		})
	}
}
