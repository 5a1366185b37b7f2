package evidence

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/quote"
	"github.com/violentutf/violentutf/storage"
)

// Replay writes what sends an attack's prompts again: the main conversation's to the
// target as it was, nil where it is not known. It never holds a credential. It is empty
// when there is no user turn of text to send. Errors are BAD_USER_INPUT when the
// conversation or the replay is too long.
func Replay(attack *storage.Attack, thread *storage.Thread, target *storage.Component, format storage.ReplayFormat) (string, error) {
	if thread.More {
		return "", storage.Errorf(storage.CodeBadInput,
			"the conversation has more than %d messages, too many to be replayed", storage.MaxThread)
	}
	r := newReplay(attack, thread, target)
	if r.last < 0 {
		return "", nil
	}
	var text string
	var err error
	switch format {
	case storage.ReplayCurl:
		text, err = r.curl()
	case storage.ReplayPyRIT:
		text = r.pyrit()
	case storage.ReplaySeedYAML:
		text, err = r.seeds()
	default:
		return "", storage.BadInput("format", "there is no replay format %q", format)
	}
	if len(text) > MaxBytes {
		return "", tooLong("replay")
	}
	return text, err
}

// replay is what every form of it is made of.
type replay struct {
	attack *storage.Attack
	thread *storage.Thread
	turns  []turn
	last   int      // the last turn of the user with text, -1 without
	left   []string // what cannot be sent again, and why

	endpoint string // the base URL, empty where it is not known
	version  string // of Azure's API, empty elsewhere
	model    string
	settings []setting
}

// turn is one message: its pieces of text.
type turn struct {
	role   storage.Role
	pieces []*storage.Message
}

// setting is a number that the target was asked with.
type setting struct {
	name  string
	value json.Number
}

func newReplay(attack *storage.Attack, thread *storage.Thread, target *storage.Component) *replay {
	r := &replay{attack: attack, thread: thread, last: -1}
	for i, message := range thread.Messages {
		if i == 0 || thread.Messages[i-1].Sequence != message.Sequence {
			r.turns = append(r.turns, turn{role: message.Role})
		}
		if reason := unsendable(message); reason != "" {
			r.left = append(r.left, fmt.Sprintf("%d.%d (%s)", message.Sequence, message.Piece, reason))
			continue
		}
		last := &r.turns[len(r.turns)-1]
		last.pieces = append(last.pieces, message)
	}
	for i, turn := range r.turns {
		if turn.role == storage.RoleUser && len(turn.pieces) > 0 {
			r.last = i
		}
	}
	if target != nil {
		r.describe(target)
	}
	return r
}

// unsendable says why a piece cannot be part of a request, or nothing. What is no text
// is a path in somebody's file system, or only means something to its own call.
func unsendable(message *storage.Message) string {
	switch {
	case message.Role == storage.RoleTool:
		return "result of a tool"
	case message.DataType != "text":
		return quote.OneLine(message.DataType)
	default:
		return ""
	}
}

// sent are the settings that both the API and PyRIT 1.1.0's OpenAIChatTarget know.
var sent = []string{"temperature", "top_p", "max_completion_tokens", "frequency_penalty", "presence_penalty", "seed"}

func (r *replay) describe(target *storage.Component) {
	if target.Model != nil {
		r.model = *target.Model
	}
	if target.Endpoint != nil {
		r.endpoint, r.version = base(*target.Endpoint)
	}
	var parameters map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(target.Parameters)))
	decoder.UseNumber()
	if decoder.Decode(&parameters) != nil {
		return // not an object: nothing that a request could carry
	}
	for _, name := range sent {
		if number, ok := parameters[name].(json.Number); ok {
			r.settings = append(r.settings, setting{name, number})
		}
	}
}

// base is the base URL of an endpoint, and the version that Azure wants in the query. All
// else that may hold a credential (user, query, fragment) is left out.
func base(endpoint string) (address, version string) {
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return "", ""
	}
	path := strings.TrimSuffix(strings.TrimSuffix(parsed.EscapedPath(), "/"), "/chat/completions")
	return parsed.Scheme + "://" + parsed.Host + path, parsed.Query().Get("api-version")
}

// notes are the lines that each form begins with, without the comment sign and without
// line breaks.
func (r *replay) notes() []string {
	notes := []string{"Attack " + strconv.FormatInt(r.attack.Number, 10) + " (" + quote.OneLine(string(r.attack.Source)+" "+r.attack.SourceID) + "), replayed by ViolentUTF Graph."}
	if len(r.left) > 0 {
		notes = append(notes, "Left out, for only text can be sent again: "+strings.Join(r.left, ", ")+".")
	}
	return notes
}
