package storage

// MaxThread is how many messages a conversation may have to be read as a whole, MaxThreads
// those that are read at once together.
const (
	MaxThread  = 10_000
	MaxThreads = 100_000
)

// Thread is a whole conversation with what its messages refer to.
type Thread struct {
	Messages   []*Message            // in order, at most MaxThread
	Converters map[string]*Component // by hash
	// Scores lie under Message.ScoredKey, oldest first; nil where they were not asked for.
	Scores map[MessageKey][]*Score
	More   bool // there are more messages than MaxThread
}

// TranscriptFormat is the form in which a conversation is written down.
type TranscriptFormat string

// The forms of a transcript.
const (
	TranscriptMarkdown TranscriptFormat = "MARKDOWN"
	TranscriptJSON     TranscriptFormat = "JSON"
	TranscriptText     TranscriptFormat = "TEXT"
)

// ReplayFormat is the form of what sends an attack's prompts again.
type ReplayFormat string

// The forms of a replay.
const (
	ReplayCurl     ReplayFormat = "CURL"
	ReplayPyRIT    ReplayFormat = "PYRIT"
	ReplaySeedYAML ReplayFormat = "SEED_YAML"
)

// MessageDifference is how one text became another.
type MessageDifference struct {
	Hunks     []*DifferenceHunk
	Identical bool
}

// DifferenceHunk is a run of words that both texts have, or one of them.
type DifferenceHunk struct {
	Kind DifferenceKind
	Text string
}

// DifferenceKind says which of two texts has a hunk.
type DifferenceKind string

// The kinds of hunks: in both texts, in the second alone, in the first alone.
const (
	DifferenceEqual  DifferenceKind = "EQUAL"
	DifferenceInsert DifferenceKind = "INSERT"
	DifferenceDelete DifferenceKind = "DELETE"
)
