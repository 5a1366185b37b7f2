//go:build bench

package figures

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// The promises of streams: what a run of a thousand results a second tells whom.
const (
	followedItems     = 30_000
	followedPerMinute = 60_000
	followersProgress = 1_000
	followersItems    = 50
	followersReturn   = 200 // of the items, and leave at random
	framesPerSecond   = 10
	followMemory      = 300_000_000 // bytes of the whole process at its peak, above the same run without followers
)

// TestFollowFigures lets 1 250 clients follow one run of the program as it is served.
func TestFollowFigures(t *testing.T) {
	folder := t.TempDir()
	endpoint, _ := startMock(t)
	table := filepath.Join(folder, "prompts.csv")
	writeTable(t, table, runTexts(followedItems))
	// The database keeps what it has read up to its limit, which is not for the streams.
	s := serve(t, buildProgram(t, folder), filepath.Join(folder, "data"), "--duckdb-memory", "256MB")
	dataset := s.dataset(table)
	s.runToEnd(s.orchestrator("alone", endpoint, dataset, nil)) // what a run takes without followers is there
	run := s.start(s.orchestrator("followed", endpoint, dataset, map[string]any{"requests_per_minute": followedPerMinute}))
	s.made(`mutation($in:PauseExecutionInput!){m:pauseExecution(input:$in){it:execution{id} userErrors{message}}}`, map[string]any{"id": run})
	before := s.memory("VmHWM")
	s.forgetPeak()

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var all []*follower
	var following, connected sync.WaitGroup
	dialing := make(chan struct{}, 32)
	for i := range followersProgress + followersItems + followersReturn {
		f := &follower{items: i >= followersProgress, returns: i >= followersProgress+followersItems}
		all = append(all, f)
		connected.Add(1)
		following.Go(func() {
			first := sync.OnceFunc(connected.Done)
			defer first()
			f.err = f.follow(ctx, s, run, dialing, first)
		})
	}
	connected.Wait()
	start := time.Now()
	s.made(`mutation($in:ResumeExecutionInput!){m:resumeExecution(input:$in){it:execution{id} userErrors{message}}}`, map[string]any{"id": run})
	following.Wait()
	took, peak := time.Since(start), s.memory("VmHWM")

	stored := s.stored(run)
	var frames []int
	var progress, items []time.Duration
	left := 0
	for i, f := range all {
		left += f.left
		switch who := fmt.Sprintf("follower %d (items %t, returns %t)", i, f.items, f.returns); {
		case f.err != nil:
			t.Errorf("%s: %v", who, f.err)
		case !f.ended || f.status != "SUCCEEDED" || f.done != followedItems:
			t.Errorf("%s was told last: ended %t, %s, %d items done", who, f.ended, f.status, f.done)
		case f.items && !slices.Equal(f.told, stored.items):
			t.Errorf("%s was told of %d items that are not those recorded, in their order", who, len(f.told))
		case !f.returns && f.perSecond() > framesPerSecond:
			t.Errorf("%s was sent %.1f frames a second", who, f.perSecond())
		}
		switch delays := stored.delays(t, f); {
		case f.returns: // what happened while it was away had to wait
		case f.items:
			items = append(items, delays...)
		default:
			progress, frames = append(progress, delays...), append(frames, len(f.frames))
		}
	}
	slices.Sort(frames)
	fmt.Printf("| run of %d items with %d followers | %.0f items/s; %d to %d frames each, median %d; %d came again; %d MB above the %d MB of the run before; load %s |\n",
		followedItems, len(all), followedItems/took.Seconds(), frames[0], frames[len(frames)-1], frames[len(frames)/2], left, (peak-before)/1_000_000, before/1_000_000, load())
	fmt.Printf("| from the commit to who follows the progress | %s |\n| to who follows the items and stays | %s |\n", spread(progress), spread(items))
	if peak-before > followMemory {
		t.Errorf("the followers took %d MB, the promise is %d MB", (peak-before)/1_000_000, followMemory/1_000_000)
	}
	if left < followersReturn {
		t.Errorf("%d followers came again %d times", followersReturn, left)
	}
}

// frame is a message of a stream, and when it came.
type frame struct {
	cursor string
	came   time.Time
}

// follower is somebody who follows the run to its end.
type follower struct {
	items   bool // each item's outcome, not the progress alone
	returns bool // leaves at random and comes again with its cursor

	frames []frame
	told   []int64 // items
	left   int     // how often it did
	done   int64   // of the last progress
	status string
	ended  bool
	err    error
}

const (
	followProgress = `subscription($id:ID!,$after:String){executionEvents(executionId:$id,after:$after){cursor completed status progress{done}}}`
	followItems    = `subscription($id:ID!,$after:String){executionEvents(executionId:$id,after:$after){cursor completed status progress{done} items{item outcome}}}`
)

// follow follows the run over sockets, one after the other. first is called when the first
// frame is there, or none can come.
func (f *follower) follow(ctx context.Context, s *served, run string, dialing chan struct{}, first func()) error {
	query, variables := followProgress, map[string]any{"id": run}
	if f.items {
		query, variables["after"] = followItems, ""
	}
	for !f.ended {
		dialing <- struct{}{}
		conn, err := s.subscribe(ctx, query, variables)
		<-dialing
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		staying, leave := ctx, context.CancelFunc(func() {})
		if f.returns {
			staying, leave = context.WithTimeout(ctx, time.Duration(100+rand.IntN(4000))*time.Millisecond)
		}
		err = f.read(staying, conn, first)
		gone := staying.Err() != nil && ctx.Err() == nil
		leave()
		_ = conn.CloseNow()
		if err != nil && !gone {
			return err
		}
		if err != nil {
			f.left++
		}
		if len(f.frames) > 0 {
			variables["after"] = f.frames[len(f.frames)-1].cursor
		}
	}
	return nil
}

// subscribe opens a socket of graphql-transport-ws with one subscription.
func (s *served) subscribe(ctx context.Context, query string, variables map[string]any) (conn *websocket.Conn, err error) {
	conn, _, err = websocket.Dial(ctx, s.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(64 << 20)
	var acknowledged struct{ Type string }
	err = errors.Join(
		wsjson.Write(ctx, conn, map[string]any{"type": "connection_init", "payload": map[string]any{"Authorization": "Bearer " + s.token}}),
		wsjson.Read(ctx, conn, &acknowledged),
		wsjson.Write(ctx, conn, map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": query, "variables": variables}}),
	)
	if err == nil && acknowledged.Type != "connection_ack" {
		err = fmt.Errorf("the server says %q", acknowledged.Type)
	}
	if err != nil {
		return nil, errors.Join(err, conn.CloseNow())
	}
	return conn, nil
}

// read takes what comes until the run is over.
func (f *follower) read(ctx context.Context, conn *websocket.Conn, first func()) error {
	for {
		_, text, err := conn.Read(ctx)
		came := time.Now()
		if err != nil {
			return err
		}
		var message struct {
			Type    string
			Payload struct {
				Data struct {
					ExecutionEvents *struct {
						Cursor    string
						Completed bool
						Status    *string
						Progress  *struct{ Done int64 }
						Items     []struct{ Item int64 }
					}
				}
			}
		}
		if err := json.Unmarshal(text, &message); err != nil {
			return fmt.Errorf("%w in %.300s", err, text)
		}
		event := message.Payload.Data.ExecutionEvents
		switch {
		case message.Type == "ping":
			if err := wsjson.Write(ctx, conn, map[string]any{"type": "pong"}); err != nil {
				return err
			}
			continue
		case message.Type == "pong":
			continue
		case message.Type == "complete" && f.ended:
			return nil
		case message.Type != "next" || event == nil || f.ended:
			return fmt.Errorf("the server says %.300s", text)
		}
		f.frames = append(f.frames, frame{event.Cursor, came})
		f.ended = event.Completed
		if event.Status != nil {
			f.status = *event.Status
		}
		if event.Progress != nil {
			f.done = event.Progress.Done
		}
		for _, item := range event.Items {
			f.told = append(f.told, item.Item)
		}
		first()
	}
}

// perSecond is how many frames came in a second, from the first to the last.
func (f *follower) perSecond() float64 {
	if len(f.frames) < 2 {
		return 0
	}
	// One that the network held up a little may come with its successor: two are left out.
	return float64(len(f.frames)-3) / f.frames[len(f.frames)-1].came.Sub(f.frames[0].came).Seconds()
}

// record is what the store has of a run: its events, in order.
type record struct {
	at      map[string]int // by cursor
	created []time.Time    // when the event was written, just before its commit
	items   []int64
}

// stored reads the record of a run.
func (s *served) stored(run string) *record {
	s.t.Helper()
	all := &record{at: map[string]int{}}
	for after := (*string)(nil); ; {
		body, err := json.Marshal(map[string]any{
			"query":     `query($id:ID!,$after:String){node(id:$id){... on Execution{events(first:100,after:$after){nodes{cursor createdAt items{item}} pageInfo{hasNextPage endCursor}}}}}`,
			"variables": map[string]any{"id": run, "after": after},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		var answer struct {
			Data struct {
				Node struct {
					Events *struct {
						Nodes []struct {
							Cursor    string
							CreatedAt time.Time
							Items     []struct{ Item int64 }
						}
						PageInfo struct {
							HasNextPage bool
							EndCursor   *string
						}
					}
				}
			}
		}
		text := s.ask(string(body))
		if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Data.Node.Events == nil {
			s.t.Fatalf("%v in %.500s", err, text)
		}
		page := answer.Data.Node.Events
		for _, event := range page.Nodes {
			all.at[event.Cursor] = len(all.created)
			all.created = append(all.created, event.CreatedAt)
			for _, item := range event.Items {
				all.items = append(all.items, item.Item)
			}
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		after = page.PageInfo.EndCursor
	}
	seen := map[int64]bool{}
	for _, item := range all.items {
		if seen[item] {
			s.t.Errorf("item %d is recorded twice", item)
		}
		seen[item] = true
	}
	if len(seen) != followedItems {
		s.t.Errorf("%d items are recorded, want %d", len(seen), followedItems)
	}
	return all
}

// delays are how long the events took to the follower, those of each frame together, from
// its second frame on: the first tells what was there before.
func (r *record) delays(t *testing.T, f *follower) (all []time.Duration) {
	t.Helper()
	last := -1
	for i, frame := range f.frames {
		at, known := r.at[frame.cursor]
		if !known || at < last {
			t.Errorf("a frame has the cursor %q, which is behind none of the events", frame.cursor)
			return all
		}
		for last < at {
			last++
			if i > 0 {
				all = append(all, frame.came.Sub(r.created[last]))
			}
		}
	}
	return all
}

// spread tells a distribution.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "nothing"
	}
	slices.Sort(all)
	at := func(percent int) float64 { return ms(all[min(len(all)*percent/100, len(all)-1)]) }
	return fmt.Sprintf("median %.0f ms, 95th percentile %.0f ms, 99th %.0f ms, most %.0f ms", at(50), at(95), at(99), at(100))
}
