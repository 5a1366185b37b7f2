package evidence_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/evidence"
	"github.com/violentutf/violentutf/storage"
)

// hostile are contents that try to get out of where they are written.
var hostile = []string{
	"```\n# forged\n```", "````````` text", "~~~\n</code></pre><script>alert(1)</script>", "`", "``a", "", "\n\n", "    indented",
	"1. USER (sequence 0, piece 0)\n  Time: now", "' ; touch owned; '", "$(touch owned) `touch owned` \\", "JSON\ntouch owned", "a\r\n```\rb\r",
	`""" + __import__("os").system("touch owned") + """`, "{{ 7*7 }} {% for x in y %}{% endraw %}{# c #} {{{", "\x1b[2J\u202e\u0085\u2028\u2029\ufeff",
	"- a: [b]\n---\n!!python/object:os.system", "日本語 \U0001F600 \U000E0041", "{", "trailing {\n", `\u0041 \n %s {}`,
}

func talk(contents ...string) *storage.Thread {
	thread := &storage.Thread{Converters: map[string]*storage.Component{}, Scores: map[storage.MessageKey][]*storage.Score{}}
	for i, content := range contents {
		thread.Messages = append(thread.Messages, &storage.Message{
			MessageKey: storage.MessageKey{Conversation: 1, Sequence: int64(i)}, Role: storage.RoleUser, SourceID: content,
			OriginalValue: content, ConvertedValue: content, OriginalDataType: "text", DataType: "text", ResponseError: "none",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		})
	}
	return thread
}

var conversation = &storage.Conversation{Number: 7, Source: storage.SourcePyRIT, SourceID: "`<b>`", Purpose: storage.PurposeTarget}

func transcript(t *testing.T, thread *storage.Thread, format storage.TranscriptFormat) string {
	t.Helper()
	text, err := evidence.Transcript(conversation, thread, format)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Reads Markdown's fences as CommonMark 0.31 does: between them must stand what was said,
// and outside of them nothing of it.
func TestContentsStayInsideTheirFences(t *testing.T) {
	text := transcript(t, talk(hostile...), storage.TranscriptMarkdown)
	var blocks []string
	fence, block := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence, block = ticks, ""
		case fence == "" && (strings.Contains(line, "forged") || strings.Contains(line, "<script>") || strings.Contains(line, "touch")):
			t.Errorf("outside of a fence stands %q", line)
		case fence != "" && len(ticks) >= len(fence) && strings.TrimSpace(line[len(ticks):]) == "":
			blocks, fence = append(blocks, block), ""
		case fence != "":
			block += line + "\n"
		}
	}
	if len(blocks) != len(hostile) {
		t.Fatalf("%d blocks of %d contents in\n%s", len(blocks), len(hostile), text)
	}
	for i, block := range blocks {
		want := strings.TrimSuffix(hostile[i], "\n") + "\n"
		if strings.ContainsAny(want, "\r\x1b") || strings.Contains(want, "\U000E0041") {
			continue // shown as escapes: see below
		}
		if block != want {
			t.Errorf("block %d is %q, want %q", i, block, want)
		}
	}
	for _, control := range []string{"\x1b", "\r", "\u0085", "\u202e", "\ufeff"} {
		if strings.Contains(text, control) {
			t.Errorf("the transcript has %q", control)
		}
	}
	if !strings.Contains(text, `\u001b[2J\u202e`) || !strings.Contains(text, "**Source:** `` PYRIT `<b>` ``") {
		t.Errorf("no escapes, or no code span for the source, in\n%s", text)
	}
}

func TestNoLineOfATextCanForgeAMessage(t *testing.T) {
	text := transcript(t, talk(hostile...), storage.TranscriptText)
	headings := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, "USER (sequence") && !strings.HasPrefix(line, "  | ") {
			headings++
		}
		if strings.Contains(line, "forged") && !strings.HasPrefix(line, "  | ") || strings.ContainsAny(line, "\x1b\r\u2028") {
			t.Errorf("line %q", line)
		}
	}
	if headings != len(hostile) {
		t.Errorf("%d headings of %d messages", headings, len(hostile))
	}
}

// The document is a promise to programs: what this test names may grow, never change.
func TestTheDocumentHasItsShape(t *testing.T) {
	thread := talk("hello")
	message, yes, half, latency := thread.Messages[0], true, 0.5, int64(12)
	message.ConvertedValue, message.ConverterHash, message.LatencyMs = "olleh", []string{"h", "gone"}, &latency
	thread.Converters["h"] = &storage.Component{Hash: "h", ClassName: "FlipConverter", Parameters: `{"a":1}`}
	thread.Scores[message.MessageKey] = []*storage.Score{{
		ScorerName: "Judge", Type: storage.ScoreFloatScale, Value: &yes, ScaleValue: &half, Status: storage.ScoreComplete, IsObjective: true,
		CreatedAt: message.CreatedAt,
	}}
	var got any
	if err := json.Unmarshal([]byte(transcript(t, thread, storage.TranscriptJSON)), &got); err != nil {
		t.Fatal(err)
	}
	compact, _ := json.Marshal(got)
	const want = `{"conversation":{"lastMessageAt":null,"number":7,"purpose":"TARGET","source":"PYRIT","sourceId":"` + "`\\u003cb\\u003e`" + `","startedAt":null,"why":null},` +
		`"messages":[{"convertedSha256":"","convertedValue":"olleh","converters":[{"className":"FlipConverter","hash":"h","parameters":{"a":1}},` +
		`{"className":"unknown converter gone","hash":"gone","parameters":null}],"createdAt":"2026-01-02T03:04:05.000006Z","dataType":"text","finishReason":null,` +
		`"inputTokens":null,"latencyMs":12,"originalDataType":"text","originalValue":"hello","outputTokens":null,"piece":0,"responseError":"none","role":"USER",` +
		`"scores":[{"categories":[],"createdAt":"2026-01-02T03:04:05.000006Z","isObjective":true,"isTrue":true,"objective":null,"rationale":null,"rawValue":null,` +
		`"scale":0.5,"scorerName":"Judge","status":"COMPLETE","type":"FLOAT_SCALE"}],"sequence":0,"sha256":"","sourceId":"hello"}],"version":1}`
	if string(compact) != want {
		t.Errorf("got  %s\nwant %s", compact, want)
	}
	for _, wanted := range []string{"**Score:** `Judge: 0.5, true (decides the outcome) at 2026", "Original:", "Converted:", "**Converters:** `FlipConverter > unknown converter gone`"} {
		if text := transcript(t, thread, storage.TranscriptMarkdown); !strings.Contains(text, wanted) {
			t.Errorf("no %q in\n%s", wanted, text)
		}
	}
}

func TestTheDocumentKeepsEveryCharacter(t *testing.T) {
	var document evidence.Document
	if err := json.Unmarshal([]byte(transcript(t, talk(hostile...), storage.TranscriptJSON)), &document); err != nil {
		t.Fatal(err)
	}
	for i, message := range document.Messages {
		if message.ConvertedValue != hostile[i] {
			t.Errorf("%q became %q", hostile[i], message.ConvertedValue)
		}
	}
}

func TestATranscriptThatIsTooLongIsRefused(t *testing.T) {
	for name, thread := range map[string]*storage.Thread{
		"more messages": {More: true},
		"more bytes":    talk(strings.Repeat("a", evidence.MaxBytes/2), strings.Repeat("b", evidence.MaxBytes/2+1)),
	} {
		for _, format := range []storage.TranscriptFormat{storage.TranscriptMarkdown, storage.TranscriptJSON, storage.TranscriptText} {
			if _, err := evidence.Transcript(conversation, thread, format); storage.CodeOf(err) != storage.CodeBadInput {
				t.Errorf("%s as %s: %v", name, format, err)
			}
		}
	}
}
