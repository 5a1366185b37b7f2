package storagetest

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// What went over the wire is stored with the result of its message, and with it alone.
func exchangesAreRecordedWithTheirResults(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	guard := &marker{credentials: []string{"sk-secret"}}
	recorder, err := store.NewRecorder(t.Context(), guard, key, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	with := func(item int64, request string) *storage.ItemResult {
		made := result(t, item, storage.OutcomeSuccess)
		made.Conversations[0].Messages[1].Raw = &storage.RawExchange{
			Request: request, Response: "HTTP/1.1 200 OK\n\nsk-secret\x00", ContentType: new("text/plain"), Status: new(int64(200)), KeptAt: runTime,
		}
		return made
	}
	record(t, recorder, with(0, "POST / HTTP/1.1\n\nsk-secret"), result(t, 1, storage.OutcomeFailure), with(2, strings.Repeat("é", 1<<20)))
	record(t, recorder, with(0, "again")) // it is recorded already
	found := must(store.RawExchanges(t.Context(), []storage.MessagePlace{{Conversation: 1, Sequence: 1}, {Conversation: 2, Sequence: 1}, {Conversation: 3, Sequence: 1}}))(t)
	got := found[storage.MessagePlace{Conversation: 1, Sequence: 1}]
	if len(found) != 2 || got == nil || got.Request != "POST / HTTP/1.1\n\n[credential]" || got.Response != "HTTP/1.1 200 OK\n\n[credential]\u2400" ||
		*got.Status != 200 || *got.ContentType != "text/plain" || !got.KeptAt.Equal(runTime) {
		t.Errorf("exchanges %+v, %+v", found, got)
	}
	if long := found[storage.MessagePlace{Conversation: 3, Sequence: 1}]; long == nil || !strings.HasSuffix(long.Request, "é\n[cut]") || len(long.Request) > storage.MaxExchangeBytes+10 {
		t.Error("a long request is not cut")
	}
	if rows := counts(t, store)["raw_exchanges"]; rows != 2 {
		t.Errorf("%d exchanges", rows)
	}
	// A batch that fails leaves none.
	if _, err := recorder.Record(t.Context(), []*storage.ItemResult{with(1, "x"), with(1, "y")}, nil); err == nil {
		t.Error("recorded an item twice in one batch")
	}
	if rows := counts(t, store)["raw_exchanges"]; rows != 2 {
		t.Errorf("%d exchanges after a batch that failed", rows)
	}
}
