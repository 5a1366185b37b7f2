package configured

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// The bounds of a test of several generators.
const (
	MostTests   = 50
	testsAtOnce = 10
	// timeToStore is what a test leaves of the time of its request.
	timeToStore = 2 * time.Second
)

// Tested says what became of the test of one generator. What its call gave is stored; Err
// is why it was not called.
type Tested struct {
	Key string
	Err error
}

// Test calls generators once each with a harmless prompt, several at a time, and stores
// what that gave as their last tests and statuses. One that fails stops no other. The
// error of a single generator that was not called is returned.
func (t *Things) Test(ctx context.Context, store storage.UserStore, keys ...string) ([]Tested, error) {
	calling := ctx
	if until, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		calling, cancel = context.WithDeadline(ctx, until.Add(-timeToStore))
		defer cancel()
	}
	tested, made := make([]Tested, len(keys)), make([]*storage.GeneratorTest, len(keys))
	var all sync.WaitGroup
	free := make(chan struct{}, testsAtOnce)
	for i, key := range keys {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			tested[i].Key = key
			made[i], tested[i].Err = t.test(calling, store, key)
		})
	}
	all.Wait()
	var results []storage.GeneratorTest
	for _, one := range made {
		if one != nil {
			results = append(results, *one)
		}
	}
	if len(results) == 0 {
		if len(tested) == 1 {
			return tested, tested[0].Err
		}
		return tested, nil
	}
	return tested, store.RecordTests(ctx, results)
}

// test calls one generator. The error is why it was not called.
func (t *Things) test(ctx context.Context, store storage.UserStore, key string) (*storage.GeneratorTest, error) {
	if ctx.Err() != nil {
		return nil, storage.Errorf(storage.CodeTimeout, "the time of the request was over before it was called: test fewer at once")
	}
	model, err := t.Target(ctx, store, key)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	if err := t.counted(ctx, model); err != nil {
		return nil, err
	}
	got := model.Check(ctx)
	made := &storage.GeneratorTest{Key: key, Status: storage.StatusReady}
	result := map[string]any{"ok": got.OK, "latencyMs": got.Latency.Milliseconds()}
	if got.OK {
		result["reply"], result["model"] = got.Reply, got.Model
	} else {
		made.Status = StatusFailing
		result["errorClass"], result["message"] = got.Class, got.Message
		if got.Status != 0 {
			result["status"] = got.Status
		}
	}
	if made.Result, err = storage.CanonicalJSON(result); err != nil {
		return nil, fmt.Errorf("write the test of a generator: %w", err)
	}
	return made, nil
}
