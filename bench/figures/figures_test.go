//go:build bench

// Package figures asserts the figures of speed and memory that the project
// promises. `make bench` runs it: without the race detector, outside CI, on a
// machine that does nothing else. What it prints goes to docs/performance.md.
package figures

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/bench/generate"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/server"
)

// The promises, for 2 cores.
const (
	messages     = 1_000_000
	importWithin = 60 * time.Second
	importMemory = 500_000_000 // bytes of the whole process at its peak
	pageWithin   = 15 * time.Millisecond
)

func TestFigures(t *testing.T) {
	folder := t.TempDir()
	program := buildProgram(t, folder)
	memory, data := filepath.Join(folder, "memory.sqlite"), filepath.Join(folder, "data")
	if err := generate.Memory(context.Background(), memory, generate.Options{Messages: messages, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	t.Run("import", func(t *testing.T) {
		cmd := exec.Command(program, "import", "--data", data, "--user", "alice", memory)
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		took := time.Since(start)
		peak := int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
		fmt.Printf("| import of %d messages (%s) | %.1f s, CPU %.1f s, peak memory %d MB |\n", messages, size(t, memory), took.Seconds(),
			(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak/1_000_000)
		if took > importWithin || peak > importMemory {
			t.Errorf("the import took %v and %d MB, the promise is %v and %d MB", took, peak/1_000_000, importWithin, importMemory/1_000_000)
		}
	})
	t.Run("page", func(t *testing.T) { page(t, data) })
	if err := os.Remove(memory); err != nil {
		t.Error(err)
	}
}

func buildProgram(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(folder, "violentutf")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "github.com/violentutf/violentutf/cmd/violentutf").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return program
}

const firstPage = `{ viewer { workspace { attacks(first: 50) { edges { node {
	id number outcome target { name model }
	conversation { id messages(first: 10) { edges { node { sequence role originalValue convertedValue } } } }
} } } } } }`

// page measures whole requests over HTTP, from the first byte sent to the last read.
func page(t *testing.T, data string) {
	server.CollectGarbageRarely()
	ctx := context.Background()
	h, err := house.Open(ctx, house.Options{Dir: data, MemoryLimit: "1GB"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(ctx)
	issuer, err := auth.OpenDevIssuer(h.ConfigDir())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := issuer.Issue("alice", auth.RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(server.New(server.Options{House: h, Issuer: issuer, Dev: true, Limits: server.Limits{NoRates: true}}).Handler())
	defer site.Close()
	body, err := json.Marshal(map[string]string{"query": firstPage})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (time.Duration, int, string) {
		request, err := http.NewRequest(http.MethodPost, site.URL+"/graphql", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("X-Graphql-Stats", "1")
		start := time.Now()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		_ = response.Body.Close()
		return took, len(raw), string(raw)
	}
	_, bytesRead, raw := ask()
	if n := strings.Count(raw, `"sequence":`); n != 500 {
		t.Fatalf("the page has %d messages, want 500: %.300s", n, raw)
	}
	var all []time.Duration
	for range 200 {
		took, _, _ := ask()
		all = append(all, took)
	}
	slices.Sort(all)
	median := all[len(all)/2]
	fmt.Printf("| page of 50 attacks with 10 messages each of %d (%d kB of JSON) | median %.1f ms, fastest %.1f ms, 95th percentile %.1f ms |\n",
		messages, bytesRead>>10, ms(median), ms(all[0]), ms(all[len(all)*95/100]))
	if median > pageWithin {
		t.Errorf("the median page took %v, the promise is %v", median, pageWithin)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func size(t *testing.T, path string) string {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(info.Size()>>20, 10) + " MB"
}
