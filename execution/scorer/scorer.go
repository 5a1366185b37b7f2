// Package scorer judges what a target replied: by rules over the text, by asking
// another model, and by combining other scorers.
//
// What every scorer says of a reply that cannot be read follows PyRIT 1.1
// (score/message_scorer.py), so that native and imported scores mean the same:
//
//   - blocked by a content filter: false, or 0 on a scale; a refusal scorer: true;
//   - any other response error: UNDETERMINED, for a failed call is no answer;
//   - a reply that is no text: UNDETERMINED; a refusal scorer: false;
//   - an empty text without an error: rules read it as it is, while judges and refusal
//     scorers are UNDETERMINED without a call, for silence says neither.
//
// A text longer than MaxText is cut to it, and the rationale says so.
// Combined scorers leave all this to the scorers that they combine.
package scorer

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// MaxText is how much of a text is judged, in bytes: the rest is not read.
const MaxText = 1 << 20

// Scorer judges replies. It holds no state and may be used by many goroutines.
type Scorer interface {
	// Score judges one reply. A reply without a verdict is a Verdict of status
	// UNDETERMINED with the reason; an error means that ctx has ended.
	Score(ctx context.Context, subject Subject) (Verdict, error)
	// Type is the shape of its verdicts.
	Type() storage.ScoreType
	// Component describes it as it is used, in the form of PyRIT's identifiers.
	Component() *storage.Component
}

// Subject is a reply with what led to it.
type Subject struct {
	Reply         string // the converted value
	DataType      string // text, image_path, ... as storage.Message.DataType; "" is text
	ResponseError string // none, blocked, processing, empty, unknown; "" is none
	Prompt        string // before converters
	SentPrompt    string // after converters
	Objective     string
}

// Verdict is what a scorer says of a reply.
type Verdict struct {
	Type       storage.ScoreType
	IsTrue     *bool    // of a complete TRUE_FALSE verdict
	Scale      *float64 // of a complete FLOAT_SCALE verdict, 0 to 1
	Categories []string
	Rationale  string
	RawValue   string // as the scorer or its judge put it: true, 4, self_harm
	Status     storage.ScoreStatus
}

// Model is a model that judges.
type Model interface {
	// Reply answers one user message under a system prompt.
	Reply(ctx context.Context, system, user string) (string, error)
}

// DescribedModel is a Model that knows its component; a scorer that asks it names the
// component as its prompt_target, as PyRIT does.
type DescribedModel interface {
	Model
	Component() *storage.Component
}

// Configured is a scorer as a user configured it.
type Configured struct {
	TypeName   string
	Parameters storage.JSON
}

// Parts finds what a scorer is made of, in the workspace of the one who asks.
type Parts interface {
	// Model is the generator with the given key.
	Model(key string) (Model, error)
	// Scorer is the configuration of the scorer with the given key: New builds it,
	// so that it sees circles.
	Scorer(key string) (Configured, error)
}

func trueFalse(is bool, rationale string, categories ...string) Verdict {
	raw := "false"
	if is {
		raw = "true"
	}
	return Verdict{
		Type: storage.ScoreTrueFalse, IsTrue: &is, RawValue: raw, Rationale: rationale,
		Categories: categories, Status: storage.ScoreComplete,
	}
}

func onScale(value float64, raw, rationale string, categories ...string) Verdict {
	return Verdict{
		Type: storage.ScoreFloatScale, Scale: &value, RawValue: raw, Rationale: rationale,
		Categories: categories, Status: storage.ScoreComplete,
	}
}

func undetermined(of storage.ScoreType, rationale string) Verdict {
	return Verdict{Type: of, Rationale: rationale, Status: storage.ScoreUndetermined}
}
