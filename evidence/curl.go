package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/violentutf/violentutf/storage"
)

// chatRoles are the roles of a chat completion (OpenAI API reference, Chat).
var chatRoles = map[storage.Role]string{
	storage.RoleSystem: "system", storage.RoleDeveloper: "developer", storage.RoleUser: "user",
	storage.RoleAssistant: "assistant", storage.RoleSimulatedAssistant: "assistant",
}

// chatMessage is a message of a chat completion: the content is a text or chatParts.
type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

type chatPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// curl is one request that holds the conversation up to the last user turn, with the
// replies as they were, so that only the last reply is new.
func (r *replay) curl() (string, error) {
	body, err := r.body()
	if err != nil {
		return "", err
	}
	notes := append(r.notes(), "One OpenAI-compatible request: the conversation up to its last user turn. Set API_KEY first.")
	address := shell(r.endpoint + "/chat/completions")
	if r.version != "" {
		address = shell(r.endpoint + "/chat/completions?api-version=" + url.QueryEscape(r.version))
	}
	if r.endpoint == "" {
		notes = append(notes, "The endpoint is not known: set ENDPOINT to its base URL, as https://api.openai.com/v1.")
		address = `"$ENDPOINT/chat/completions"`
	}
	if r.model == "" {
		notes = append(notes, "The model is not known: put its name in the place of MODEL.")
	}
	// No line of the body can end the document, for JSON has no line JSON.
	return "# " + strings.Join(notes, "\n# ") + "\n" +
		"curl -sS --globoff " + address + " \\\n" +
		"  -H \"Authorization: Bearer $API_KEY\" \\\n" +
		"  -H 'Content-Type: application/json' \\\n" +
		"  --data-binary @- <<'JSON'\n" + body + "JSON\n", nil
}

func (r *replay) body() (string, error) {
	request := struct {
		Model    string        `json:"model"`
		Messages []chatMessage `json:"messages"`
	}{Model: r.model}
	if request.Model == "" {
		request.Model = "MODEL"
	}
	for _, turn := range r.turns[:r.last+1] {
		switch len(turn.pieces) {
		case 0:
		case 1:
			request.Messages = append(request.Messages, chatMessage{chatRoles[turn.role], turn.pieces[0].ConvertedValue})
		default:
			parts := make([]chatPart, len(turn.pieces))
			for i, piece := range turn.pieces {
				parts[i] = chatPart{"text", piece.ConvertedValue}
			}
			request.Messages = append(request.Messages, chatMessage{chatRoles[turn.role], parts})
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(request); err != nil {
		return "", fmt.Errorf("write a request: %w", err)
	}
	text := strings.TrimSuffix(out.String(), "\n}\n")
	for _, setting := range r.settings {
		text += fmt.Sprintf(",\n  %q: %s", setting.name, setting.value)
	}
	return printable(text + "\n}\n"), nil
}

// printable escapes what a terminal might obey or not show; in JSON that stands only
// inside strings, where the escape means the same.
func printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	return out.String()
}

// shell is one word of a POSIX shell: between single quotes nothing has a meaning but
// the quote itself.
func shell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
