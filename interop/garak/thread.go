package garak

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// thread is the conversation of one generation.
type thread struct {
	turns []turn
	notes json.RawMessage
	// prompt is how many turns were sent; the rest came back.
	prompt int
}

// turn is one message. A reply that the generator did not give (null) has no piece.
type turn struct {
	role    storage.Role
	said    string // the role as written
	pieces  []piece
	lang    string
	details map[string]any // what else is known, by garak's names
}

// piece is a text or the path of a medium.
type piece struct {
	text     string
	dataType string
}

// threadsOf gives one thread for each generation, from whichever members this
// version has: conversations (since 0.13), messages (0.9.0.16 to 0.12), or prompt
// and outputs. An attempt whose generator gave nothing has one thread without reply.
func threadsOf(entry members) []thread {
	prompt := turnsOf(entry["prompt"])
	var threads []thread
	elements, _ := list(entry["conversations"])
	for _, element := range elements {
		conversation, _ := object(element)
		threads = append(threads, thread{turns: turnsOf(element), notes: conversation["notes"]})
	}
	if len(threads) == 0 {
		threads = messageThreads(entry["messages"])
	}
	if len(threads) == 0 {
		threads = []thread{{turns: prompt}}
	}
	replied := false
	for i := range threads {
		threads[i].prompt = min(max(len(prompt), 1), len(threads[i].turns))
		replied = replied || threads[i].lastReply() >= 0
	}
	outputs := outputsOf(entry["outputs"])
	if replied || len(outputs) == 0 {
		return threads
	}
	asked := threads[0]
	threads = make([]thread, len(outputs))
	for i, output := range outputs {
		turns := append(append([]turn{}, asked.turns...), messageTurn("assistant", output))
		threads[i] = thread{turns: turns, notes: asked.notes, prompt: len(asked.turns)}
	}
	return threads
}

// outputsOf gives the outputs; a lone one may stand without its list.
func outputsOf(raw json.RawMessage) []json.RawMessage {
	if outputs, ok := list(raw); ok {
		return outputs
	}
	if empty(raw) {
		return nil
	}
	return []json.RawMessage{raw}
}

// messageThreads reads messages: a list of threads, or while there is no reply a
// single thread.
func messageThreads(raw json.RawMessage) []thread {
	elements, _ := list(raw)
	if len(elements) == 0 {
		return nil
	}
	if kind(elements[0]) != '[' {
		return []thread{{turns: turnsOf(raw)}}
	}
	threads := make([]thread, len(elements))
	for i, element := range elements {
		threads[i].turns = turnsOf(element)
	}
	return threads
}

// turnsOf reads a prompt or thread: a conversation object, a list of messages with
// their roles, or one message of the user.
func turnsOf(raw json.RawMessage) []turn {
	if kind(raw) == 'n' {
		return nil
	}
	elements, isList := list(raw)
	if conversation, ok := object(raw); ok {
		if _, ok := conversation["turns"]; ok {
			elements, _ = list(conversation["turns"])
			isList = true
		}
	}
	if !isList {
		return []turn{messageTurn("user", raw)}
	}
	turns := make([]turn, len(elements))
	for i, element := range elements {
		message, ok := object(element)
		role := text(message["role"])
		if !ok || role == "" {
			turns[i] = messageTurn("user", element)
			continue
		}
		turns[i] = messageTurn(role, message["content"])
	}
	return turns
}

// messageTurn reads the content of a message: a text, or an object with text and
// the path of a medium. Any other value is kept as the JSON it is.
func messageTurn(role string, content json.RawMessage) turn {
	t := turn{role: roleOf(role), said: role, details: map[string]any{}}
	message, isObject := object(content)
	switch {
	case kind(content) == 'n':
		return t
	case kind(content) == '"':
		t.pieces = []piece{{text: text(content), dataType: "text"}}
		return t
	case !isObject:
		t.pieces = []piece{{text: string(content), dataType: "text"}}
		return t
	}
	_, hasText := message["text"]
	medium := text(message["data_path"])
	if !hasText && medium == "" {
		t.pieces = []piece{{text: string(content), dataType: "text"}}
		return t
	}
	if kind(message["text"]) == '"' {
		t.pieces = append(t.pieces, piece{text: text(message["text"]), dataType: "text"})
	}
	if medium != "" {
		t.pieces = append(t.pieces, piece{text: medium, dataType: mediaType(medium, message["data_type"])})
	}
	t.lang = text(message["lang"])
	for name, member := range message {
		if name != "text" && name != "data_path" && !empty(member) {
			t.details[name] = member
		}
	}
	return t
}

func roleOf(role string) storage.Role {
	switch strings.ToLower(role) {
	case "system":
		return storage.RoleSystem
	case "assistant":
		return storage.RoleAssistant
	case "tool":
		return storage.RoleTool
	case "developer":
		return storage.RoleDeveloper
	}
	return storage.RoleUser
}

// mediaType names a medium by its MIME type, which garak writes as a pair with the
// encoding, or by its file's ending.
func mediaType(file string, pair json.RawMessage) string {
	if strings.HasPrefix(file, "http://") || strings.HasPrefix(file, "https://") {
		return "url"
	}
	mime := text(pair)
	if elements, _ := list(pair); len(elements) > 0 {
		mime = text(elements[0])
	}
	major, _, _ := strings.Cut(mime, "/")
	switch ending := strings.ToLower(path.Ext(file)); {
	case major == "image" || major == "audio" || major == "video":
		return major + "_path"
	case mime != "":
		return "binary_path"
	case strings.Contains(".png.jpg.jpeg.gif.webp.bmp.", ending+".") && ending != "":
		return "image_path"
	case strings.Contains(".wav.mp3.ogg.flac.m4a.", ending+".") && ending != "":
		return "audio_path"
	case strings.Contains(".mp4.webm.mov.avi.", ending+".") && ending != "":
		return "video_path"
	}
	return "binary_path"
}

// lastReply is the last turn of the assistant, -1 without.
func (t *thread) lastReply() int {
	for i := len(t.turns) - 1; i >= 0; i-- {
		if t.turns[i].role == storage.RoleAssistant {
			return i
		}
	}
	return -1
}

// replies counts the replies that were given.
func (t *thread) replies() int64 {
	var n int64
	for i := range t.turns {
		if t.turns[i].role == storage.RoleAssistant && len(t.turns[i].pieces) > 0 {
			n++
		}
	}
	return n
}

// history is how many turns of the prompt end in a reply: what an iterative probe
// sends along of the attempt before. 0 if the prompt has no reply in it.
func (t *thread) history() int {
	for i := t.prompt; i > 0; i-- {
		if t.turns[i-1].role == storage.RoleAssistant {
			return i
		}
	}
	return 0
}

// fingerprint is the same for the same first n turns: roles and pieces.
func (t *thread) fingerprint(n int) string {
	type said struct {
		Role   storage.Role
		Pieces []string
	}
	all := make([]said, n)
	for i, turn := range t.turns[:n] {
		all[i].Role = turn.role
		for _, p := range turn.pieces {
			all[i].Pieces = append(all[i].Pieces, p.dataType, p.text)
		}
	}
	written, _ := json.Marshal(all) // of strings: cannot fail
	return storage.TextHash(string(written))
}
