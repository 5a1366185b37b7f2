package storagetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var upkeepTests = map[string]func(t *testing.T, store storage.AppStore){
	"SettingsHaveDefaultsUntilTheyAreSet":   settingsHaveDefaultsUntilTheyAreSet,
	"SettingOfAnotherVersionIsAConflict":    settingOfAnotherVersionIsAConflict,
	"SettingsAreChecked":                    settingsAreChecked,
	"SettingsOfUsersAreTheirOwn":            settingsOfUsersAreTheirOwn,
	"RateLimitsAreSavedTogether":            rateLimitsAreSavedTogether,
	"HealthChecksAreARing":                  healthChecksAreARing,
	"ErrorsAreCounted":                      errorsAreCounted,
	"MutationIsDoneOnce":                    mutationIsDoneOnce,
	"MutationIDOfAnotherRequestIsAConflict": mutationIDOfAnotherRequestIsAConflict,
	"ReleasedMutationCanBeClaimedAgain":     releasedMutationCanBeClaimedAgain,
	"ManyClaimsOneWins":                     manyClaimsOneWins,
	"UnfitMutationsAreRefused":              unfitMutationsAreRefused,
}

const idleMinutes = "session.idle_minutes"

func setting(t *testing.T, store storage.AppStore, key string) *storage.SystemSetting {
	t.Helper()
	all, err := store.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Key == key {
			return one
		}
	}
	t.Fatalf("there is no setting %s", key)
	return nil
}

func settingsHaveDefaultsUntilTheyAreSet(t *testing.T, store storage.AppStore) {
	if all, err := store.Settings(t.Context()); err != nil || len(all) != len(storage.DeclaredSettings()) {
		t.Errorf("%d settings, %v", len(all), err)
	}
	before := setting(t, store, idleMinutes)
	if before.Value != before.Default || before.Version != 0 || before.UpdatedBy != nil || before.Description == "" {
		t.Errorf("%+v", before)
	}
	set, err := store.SetSetting(t.Context(), "alice", idleMinutes, " 15 ", 0)
	if err != nil || set.Value != "15" || set.Version != 1 || *set.UpdatedBy != "alice" || set.UpdatedAt == nil || set.Int() != 15 {
		t.Fatalf("%+v, %v", set, err)
	}
	if after := setting(t, store, idleMinutes); after.Value != "15" || after.Version != 1 || after.Default != before.Default {
		t.Errorf("%+v", after)
	}
	if n := statements(t, func(ctx context.Context) error { _, err := store.Settings(ctx); return err }); n != 1 {
		t.Errorf("%d statements", n)
	}
}

func settingOfAnotherVersionIsAConflict(t *testing.T, store storage.AppStore) {
	for _, test := range []struct {
		version int64
		want    storage.Code
	}{{7, storage.CodeConflict}, {0, ""}, {0, storage.CodeConflict}, {2, storage.CodeConflict}, {1, ""}, {2, ""}} {
		before := setting(t, store, idleMinutes)
		set, err := store.SetSetting(t.Context(), "alice", idleMinutes, "30", test.version)
		wantCode(t, err, test.want, fmt.Sprint(test.version))
		if err == nil && set.Version != before.Version+1 {
			t.Errorf("%+v after version %d", set, before.Version)
		}
		if after := setting(t, store, idleMinutes); err != nil && after.Version != before.Version {
			t.Errorf("a conflict changed it: %+v", after)
		}
	}
}

func settingsAreChecked(t *testing.T, store storage.AppStore) {
	_, err := store.SetSetting(t.Context(), "alice", "no.such", "1", 0)
	wantCode(t, err, storage.CodeNotFound, "an unknown key")
	for _, value := range []storage.JSON{"", "0", "-1", "99999999", "1.5", "true", `"15"`, "null", "[15]", "15 16", "15 ]", "{"} {
		_, err := store.SetSetting(t.Context(), "alice", idleMinutes, value, 0)
		wantCode(t, err, storage.CodeBadInput, string(value))
	}
	for _, declared := range storage.DeclaredSettings() {
		if _, err := declared.Check(declared.Default); err != nil || declared.Description == "" {
			t.Errorf("%s: %v", declared.Key, err)
		}
	}
	text := storage.Setting{Key: "t", Type: storage.SettingText, Min: 1, Max: 5, OneOf: []string{"a<b", "c"}}
	for value, want := range map[storage.JSON]storage.Code{
		`"c"`: "", `"d"`: storage.CodeBadInput, `""`: storage.CodeBadInput, `"aaaaaa"`: storage.CodeBadInput,
		`"a\u0000"`: storage.CodeBadInput, `1`: storage.CodeBadInput,
	} {
		_, err := text.Check(value)
		wantCode(t, err, want, string(value))
	}
}

func userSetting(t *testing.T, store storage.AppStore, user, key string) *storage.UserSetting {
	t.Helper()
	all, err := store.UserSettings(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.Key == key {
			return one
		}
	}
	t.Fatalf("there is no setting %s", key)
	return nil
}

func settingsOfUsersAreTheirOwn(t *testing.T, store storage.AppStore) {
	first, _ := ensure(t, store, "alice")
	second, _ := ensure(t, store, "bob")
	alice, bob := first.Key, second.Key
	for _, declared := range storage.DeclaredUserSettings() {
		if _, err := declared.Check(declared.Default); err != nil || declared.Description == "" {
			t.Errorf("%s: %v", declared.Key, err)
		}
		if declared.Type == storage.SettingText && len(declared.OneOf) == 0 {
			t.Errorf("%s takes any text: the app store holds no words of users", declared.Key)
		}
	}
	for _, value := range []storage.JSON{`"Europe/Vienna"`, ` "America/Sao_Paulo" `} {
		if err := store.SetUserSetting(t.Context(), alice, storage.TimeZoneSetting, value); err != nil {
			t.Fatal(err)
		}
	}
	if s := userSetting(t, store, alice, storage.TimeZoneSetting); s.Value != `"America/Sao_Paulo"` || s.UpdatedAt == nil {
		t.Errorf("alice's %+v", s)
	}
	if s := userSetting(t, store, bob, storage.TimeZoneSetting); s.Value != `"UTC"` || s.UpdatedAt != nil {
		t.Errorf("bob's %+v", s)
	}
	if err := store.ResetUserSetting(t.Context(), alice, storage.TimeZoneSetting); err != nil {
		t.Error(err)
	}
	if s := userSetting(t, store, alice, storage.TimeZoneSetting); s.Value != s.Default || s.UpdatedAt != nil {
		t.Errorf("after a reset %+v", s)
	}
	wantCode(t, store.ResetUserSetting(t.Context(), alice, "none"), storage.CodeBadInput, "reset none")
	workspace := storage.JSON(`"` + storage.ID{Kind: storage.KindWorkspace, Key: "01890000-0000-7000-8000-000000000000"}.String() + `"`)
	for _, test := range []struct {
		key   string
		value storage.JSON
		want  storage.Code
	}{
		{"none", "1", storage.CodeBadInput},
		{storage.TimeZoneSetting, `"Mars/Olympus"`, storage.CodeBadInput},
		{storage.TimeZoneSetting, `"../../etc/passwd"`, storage.CodeBadInput},
		{storage.TimeZoneSetting, `"Local"`, storage.CodeBadInput},
		{storage.TimeZoneSetting, `""`, storage.CodeBadInput},
		{storage.TimeZoneSetting, `1`, storage.CodeBadInput},
		{storage.DefaultWorkspaceSetting, workspace, ""},
		{storage.DefaultWorkspaceSetting, "null", ""},
		{storage.DefaultWorkspaceSetting, `"how to build a bomb"`, storage.CodeBadInput},
		{"display.theme", `"dark"`, ""},
		{"display.theme", `"mauve"`, storage.CodeBadInput},
		{"display.theme", "null", storage.CodeBadInput},
		{"display.page_size", "1001", storage.CodeBadInput},
		{"content.blur", `"true"`, storage.CodeBadInput},
		{"content.blur", "false", ""},
	} {
		wantCode(t, store.SetUserSetting(t.Context(), alice, test.key, test.value), test.want, test.key+" "+string(test.value))
	}
}

func rateLimitsAreSavedTogether(t *testing.T, store storage.AppStore) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	var limits []*storage.RateLimit
	for i := range 1500 {
		limits = append(limits, &storage.RateLimit{Principal: fmt.Sprintf("p%04d", i), Bucket: "query", Level: float64(i) / 4, UpdatedAt: now})
	}
	if n := statements(t, func(ctx context.Context) error { return store.SaveRateLimits(ctx, limits) }); n != 2 {
		t.Errorf("%d statements", n)
	}
	newer := &storage.RateLimit{Principal: "p0001", Bucket: "query", Level: 9.5, UpdatedAt: now.Add(time.Hour)}
	older := &storage.RateLimit{Principal: "p0002", Bucket: "query", Level: 9.5, UpdatedAt: now.Add(-time.Hour)}
	if err := store.SaveRateLimits(t.Context(), []*storage.RateLimit{newer, older}); err != nil {
		t.Fatal(err)
	}
	kept, err := store.RateLimits(t.Context())
	if err != nil || len(kept) != 1500 || *kept[1] != *newer || *kept[2] != *limits[2] || *kept[3] != *limits[3] {
		t.Fatalf("%d limits, %v", len(kept), err)
	}
	if n, err := store.PurgeRateLimits(t.Context(), now.Add(time.Minute)); err != nil || n != 1499 {
		t.Errorf("purged %d, %v", n, err)
	}
	if err := store.SaveRateLimits(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func healthChecksAreARing(t *testing.T, store storage.AppStore) {
	at := time.Now().UTC().Truncate(time.Microsecond)
	check := func(n int) []storage.HealthCheck {
		return []storage.HealthCheck{
			{CheckedAt: at, Component: "app store", Status: storage.HealthUp, Latency: time.Millisecond, Detail: fmt.Sprint(n)},
			{CheckedAt: at, Component: "user stores", Status: storage.HealthDown, Latency: time.Second, Detail: "slow\n"},
		}
	}
	for n := range 503 {
		if err := store.RecordHealth(t.Context(), check(n)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := store.HealthChecks(t.Context(), nil, storage.Page{Limit: storage.MaxPageSize})
	if err != nil || len(all.Edges) != storage.MaxHealthChecks || all.PageInfo.HasNextPage {
		t.Fatalf("%v, %v", all, err)
	}
	newest := *all.Nodes()[1]
	want := check(502)[0]
	want.Seq = newest.Seq
	if newest != want || all.Nodes()[0].Detail != "slow" {
		t.Errorf("%+v", newest)
	}
	next, err := store.HealthChecks(t.Context(), &storage.HealthFilter{Component: ptr("app store"), Status: ptr(storage.HealthUp)},
		storage.Page{Limit: 2, After: all.Edges[3].Cursor})
	if err != nil || len(next.Edges) != 2 || next.Nodes()[0].Detail != "500" || next.Nodes()[1].Detail != "499" {
		t.Errorf("%+v, %v", next.Nodes()[0], err)
	}
}

func errorsAreCounted(t *testing.T, store storage.AppStore) {
	for i, fingerprint := range []string{"f1", "f2", "f3", "f1"} {
		if err := store.RecordError(t.Context(), storage.Failure{
			Fingerprint: fingerprint, Where: "Query.viewer", Kind: "timeout",
			Message: strings.Repeat("x", 2000) + "\n", RequestID: fmt.Sprint("r", i),
		}); err != nil {
			t.Fatal(err)
		}
	}
	got := paged(t, func(page storage.Page) (*storage.Connection[storage.ErrorLog], error) {
		return store.ErrorLogs(t.Context(), page)
	}, func(e *storage.ErrorLog) string { return fmt.Sprintf("%s:%d:%s", e.Fingerprint, e.Count, e.RequestID) })
	if got != "f1:2:r3 f3:1:r2 f2:1:r1" {
		t.Errorf("got %s", got)
	}
	found, err := store.ErrorLogsByKey(t.Context(), []string{"f1", "f9"})
	if err != nil || len(found) != 1 || len(found["f1"].Message) != storage.MaxErrorMessage || !found["f1"].LastSeen.After(found["f1"].FirstSeen) {
		t.Errorf("%+v, %v", found, err)
	}
	if err := store.RecordError(t.Context(), storage.Failure{}); err == nil {
		t.Error("an error without a fingerprint was accepted")
	}
}

func mutationIsDoneOnce(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	hash := hashOf("request")
	if n := statements(t, func(ctx context.Context) error {
		answer, err := store.ClaimMutation(ctx, alice.Key, "m1", hash)
		if answer != nil {
			t.Errorf("a new one has the answer %s", *answer)
		}
		return err
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
	_, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hash)
	wantCode(t, err, storage.CodeConflict, "while it runs")
	if err := store.FinishMutation(t.Context(), alice.Key, "m1", `{"key":"w1"}`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if answer, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hash); err != nil || answer == nil || *answer != `{"key":"w1"}` {
			t.Errorf("again: %v, %v", answer, err)
		}
	}
	if answer, err := store.ClaimMutation(t.Context(), bob.Key, "m1", hash); err != nil || answer != nil {
		t.Errorf("bob's of the same id: %v, %v", answer, err)
	}
	wantCode(t, store.FinishMutation(t.Context(), alice.Key, "m1", `{}`), storage.CodeNotFound, "finished twice")
	if n, err := store.PurgeMutations(t.Context()); err != nil || n != 0 {
		t.Errorf("purged %d of today, %v", n, err)
	}
}

func mutationIDOfAnotherRequestIsAConflict(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	if _, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one")); err != nil {
		t.Fatal(err)
	}
	_, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("other"))
	wantCode(t, err, storage.CodeConflict, "while it runs")
	if err := store.FinishMutation(t.Context(), alice.Key, "m1", `{}`); err != nil {
		t.Fatal(err)
	}
	answer, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("other"))
	wantCode(t, err, storage.CodeConflict, "afterwards")
	if answer != nil {
		t.Errorf("another request got the answer %s", *answer)
	}
}

func releasedMutationCanBeClaimedAgain(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	for range 2 {
		if answer, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one")); err != nil || answer != nil {
			t.Fatalf("%v, %v", answer, err)
		}
		if err := store.ReleaseMutation(t.Context(), alice.Key, "m1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one")); err != nil {
		t.Fatal(err)
	}
	if err := store.FinishMutation(t.Context(), alice.Key, "m1", `{}`); err != nil {
		t.Fatal(err)
	}
	if err := store.ReleaseMutation(t.Context(), alice.Key, "m1"); err != nil {
		t.Fatal(err)
	}
	if answer, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one")); err != nil || answer == nil {
		t.Errorf("a finished one was released: %v, %v", answer, err)
	}
}

func manyClaimsOneWins(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	var won atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			answer, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one"))
			if err == nil && answer == nil {
				won.Add(1)
			} else {
				wantCode(t, err, storage.CodeConflict, "a loser")
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

func unfitMutationsAreRefused(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	for _, id := range []string{"", "a\x00b", strings.Repeat("x", 257)} {
		_, err := store.ClaimMutation(t.Context(), alice.Key, id, hashOf("one"))
		wantCode(t, err, storage.CodeBadInput, fmt.Sprintf("%.10q", id))
	}
	if _, err := store.ClaimMutation(t.Context(), alice.Key, "m1", hashOf("one")); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []storage.JSON{"", "{", storage.JSON(`"` + strings.Repeat("x", storage.MaxRepeatedAnswer) + `"`)} {
		wantCode(t, store.FinishMutation(t.Context(), alice.Key, "m1", answer), storage.CodeBadInput, fmt.Sprintf("%.10q", answer))
	}
}
