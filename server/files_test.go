package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/bench/memory"
	"github.com/violentutf/violentutf/interop"
)

// media are what the messages of a memory name, in their order; the last is missing.
var media = []struct{ name, text, dataType, mimeType string }{
	{"", "a text", "text", ""},
	{"a.png", "\x89PNG\r\n\x1a\n a picture", "image_path", "image/png"},
	{"b.svg", "<html><svg><script>alert(1)</script></svg>", "image_path", "text/html; charset=utf-8"},
	{"c.bin", "\x00\x01\x02", "binary_path", "application/octet-stream"},
	{"d.mp4", "", "video_path", ""},
}

// takeMedia imports a memory with these media.
func (s *site) takeMedia(user string) {
	s.t.Helper()
	ctx, folder := context.Background(), s.t.TempDir()
	path := filepath.Join(folder, "memory.sqlite")
	w, err := memory.Create(ctx, path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Close()
	for i, medium := range media {
		value := medium.text
		if medium.name != "" {
			value = "/elsewhere/" + medium.name
			if medium.text != "" {
				err = errors.Join(err, os.WriteFile(filepath.Join(folder, medium.name), []byte(medium.text), 0o600))
			}
		}
		err = errors.Join(err, w.Message(ctx, &memory.Message{
			ID: fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i), Conversation: "c1", Sequence: i, Role: "assistant",
			Original: value, DataType: medium.dataType, At: time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC),
		}))
	}
	if err := errors.Join(err, w.Finish(ctx, false), w.Close()); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.house.Import(ctx, user, path, interop.Options{MediaRoot: folder}); err != nil {
		s.t.Fatal(err)
	}
}

const askMedia = `{ viewer { workspace { messages(first: 9) { nodes {
	media { url mimeType bytes sha256 name } originalMedia { sha256 }
} } } } }`

// mediaOf reads the media of all messages, and the statements that it took.
func (s *site) mediaOf(user string) (all []map[string]any, statements int64) {
	s.t.Helper()
	got := s.mustAsk(s.token(user, auth.RoleUser), askMedia, nil)
	workspace := got.Data["viewer"].(map[string]any)["workspace"].(map[string]any)
	for _, node := range workspace["messages"].(map[string]any)["nodes"].([]any) {
		message := node.(map[string]any)
		one, _ := message["media"].(map[string]any)
		original, _ := message["originalMedia"].(map[string]any)
		if (one == nil) != (original == nil) || one != nil && one["sha256"] != original["sha256"] {
			s.t.Errorf("media %v, of the original %v", one, original)
		}
		all = append(all, one)
	}
	return all, got.Extensions.Stats.UserStatements
}

func (s *site) get(path string, headers map[string]string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.http.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

func TestMediaOfMessagesCanBeFetched(t *testing.T) {
	s := newSite(t)
	s.takeMedia("alice")
	all, statements := s.mediaOf("alice")
	if len(all) != len(media) || statements > 3 {
		t.Fatalf("%d messages by %d statements, want %d by at most 3", len(all), statements, len(media))
	}
	for i, want := range media {
		if want.mimeType == "" {
			if all[i] != nil {
				t.Errorf("message %d has media %v", i, all[i])
			}
			continue
		}
		if all[i]["mimeType"] != want.mimeType || all[i]["name"] != want.name || all[i]["bytes"] != float64(len(want.text)) {
			t.Errorf("message %d has media %v", i, all[i])
		}
		response, body := s.get(all[i]["url"].(string), nil)
		shown := "attachment"
		if want.mimeType == "image/png" {
			shown = "inline"
		}
		if want.name != "" {
			shown = mime.FormatMediaType(shown, map[string]string{"filename": want.name})
		}
		h := response.Header
		if response.StatusCode != http.StatusOK || body != want.text || h.Get("Content-Type") != want.mimeType ||
			h.Get("Content-Disposition") != shown || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Etag") != `"`+all[i]["sha256"].(string)+`"` {
			t.Errorf("message %d: status %d, %q, %v", i, response.StatusCode, body, h)
		}
	}
	url := all[1]["url"].(string)
	if response, body := s.get(url, map[string]string{"Range": "bytes=1-3"}); response.StatusCode != http.StatusPartialContent || body != "PNG" {
		t.Errorf("a range: %d, %q", response.StatusCode, body)
	}
	if response, body := s.get(url, map[string]string{"If-None-Match": `"` + all[1]["sha256"].(string) + `"`}); response.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("known already: %d, %q", response.StatusCode, body)
	}
	if strings.Contains(s.log.String(), strings.TrimPrefix(url, "/files/")) {
		t.Error("the link is in the log")
	}
}

func TestALinkThatWasNotMadeHereIsNotFound(t *testing.T) {
	s, other := newSite(t), newSite(t)
	s.takeMedia("alice")
	other.takeMedia("alice")
	foreign, _ := other.mediaOf("alice")
	own, _ := s.mediaOf("alice")
	url := own[1]["url"].(string)
	for _, path := range []string{
		foreign[1]["url"].(string), url[:len(url)-2], url + "AA", "/files/x", "/files/" + own[1]["sha256"].(string),
		"/files/..%2f..%2fconfig%2fkeyset.json",
	} {
		if response, body := s.get(path, nil); response.StatusCode != http.StatusNotFound || !strings.Contains(body, "NOT_FOUND") {
			t.Errorf("%s: %d, %s", path, response.StatusCode, body)
		}
	}
}

func TestBobSeesNoMediaOfAlice(t *testing.T) {
	s := newSite(t)
	s.takeMedia("alice")
	if all, _ := s.mediaOf("bob"); len(all) > 0 {
		t.Errorf("bob sees %v", all)
	}
}
