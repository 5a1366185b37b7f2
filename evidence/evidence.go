// Package evidence writes down what a red team found, so that it can be read, compared
// and repeated elsewhere: transcripts, differences of texts, and replays.
//
// What an attacker or a model wrote is data in each form: it can close no fence, forge
// no message, and run nothing.
package evidence

import (
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// MaxBytes is how long a transcript or a replay may become.
const MaxBytes = 32 << 20

// tooLong is the error beyond MaxBytes.
func tooLong(what string) error {
	return storage.Errorf(storage.CodeBadInput, "the %s would be longer than %d bytes: read the messages page by page", what, MaxBytes)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }

// converters names the converters of a message, in the order in which they were applied.
func converters(thread *storage.Thread, message *storage.Message) []*storage.Component {
	applied := make([]*storage.Component, 0, len(message.ConverterHash))
	for _, hash := range message.ConverterHash {
		converter := thread.Converters[hash]
		if converter == nil {
			converter = &storage.Component{Hash: hash, Name: "unknown converter " + hash, ClassName: "unknown converter " + hash}
		}
		applied = append(applied, converter)
	}
	return applied
}

// chain is the converters' class names joined by " > ".
func chain(applied []*storage.Component) string {
	names := make([]string, len(applied))
	for i, converter := range applied {
		names[i] = converter.ClassName
	}
	return strings.Join(names, " > ")
}
