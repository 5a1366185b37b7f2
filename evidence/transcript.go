package evidence

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Transcript writes a whole conversation down: who said what and when, what converters
// made of it, what was wrong with a reply, and what scorers said of it. Errors are
// BAD_USER_INPUT when the conversation or the transcript is too long.
func Transcript(conversation *storage.Conversation, thread *storage.Thread, format storage.TranscriptFormat) (string, error) {
	if thread.More {
		return "", storage.Errorf(storage.CodeBadInput,
			"the conversation has %d messages and at most %d are read as a whole: read them page by page with messages(first:, after:)",
			conversation.MessageCount, storage.MaxThread)
	}
	switch format {
	case storage.TranscriptMarkdown:
		return pages(conversation, thread, markdown{})
	case storage.TranscriptText:
		return pages(conversation, thread, plain{})
	case storage.TranscriptJSON:
		return written(conversation, thread)
	default:
		return "", storage.BadInput("format", "there is no transcript format %q", format)
	}
}

// style is how the parts of a readable transcript look.
type style interface {
	title(text string) string
	heading(text string) string
	fact(name, value string) string
	block(name, text string) string
}

func pages(conversation *storage.Conversation, thread *storage.Thread, s style) (string, error) {
	var out strings.Builder
	out.WriteString(s.title("Conversation " + strconv.FormatInt(conversation.Number, 10)))
	fact := func(name, value string) {
		if value != "" {
			out.WriteString(s.fact(name, value))
		}
	}
	fact("Purpose", string(conversation.Purpose))
	if conversation.Why != nil {
		fact("Why", *conversation.Why)
	}
	fact("Source", string(conversation.Source)+" "+conversation.SourceID)
	fact("Messages", strconv.Itoa(len(thread.Messages)))
	if conversation.StartedAt != nil {
		fact("Started", moment(*conversation.StartedAt))
	}
	if conversation.LastMessageAt != nil {
		fact("Last message", moment(*conversation.LastMessageAt))
	}
	for i, message := range thread.Messages {
		out.WriteString(s.heading(fmt.Sprintf("%d. %s (sequence %d, piece %d)", i+1, message.Role, message.Sequence, message.Piece)))
		fact("Time", moment(message.CreatedAt))
		if message.DataType != "text" {
			fact("Data type", message.DataType)
		}
		fact("Converters", chain(converters(thread, message)))
		if message.ResponseError != "none" {
			fact("Response error", message.ResponseError)
		}
		if message.FinishReason != nil {
			fact("Finish reason", *message.FinishReason)
		}
		if message.OriginalValue == message.ConvertedValue {
			out.WriteString(s.block("", message.ConvertedValue))
		} else {
			out.WriteString(s.block("Original", message.OriginalValue))
			out.WriteString(s.block("Converted", message.ConvertedValue))
		}
		for _, score := range thread.Scores[message.ScoredKey()] {
			fact("Score", verdict(score))
			if score.Rationale != nil && *score.Rationale != "" {
				out.WriteString(s.block("Rationale", *score.Rationale))
			}
		}
		if out.Len() > MaxBytes {
			return "", tooLong("transcript")
		}
	}
	return out.String(), nil
}

// verdict says who judged what, in one line.
func verdict(score *storage.Score) string {
	var said []string
	if score.ScaleValue != nil {
		said = append(said, strconv.FormatFloat(*score.ScaleValue, 'g', -1, 64))
	}
	if score.Value != nil {
		said = append(said, strconv.FormatBool(*score.Value))
	}
	if score.Type == storage.ScoreCategory && score.RawValue != nil {
		said = append(said, *score.RawValue)
	}
	if len(said) == 0 {
		said = append(said, strings.ToLower(string(score.Status)))
	}
	line := score.ScorerName + ": " + strings.Join(said, ", ")
	if len(score.Categories) > 0 {
		line += " [" + strings.Join(score.Categories, ", ") + "]"
	}
	if score.IsObjective {
		line += " (decides the outcome)"
	}
	return line + " at " + moment(score.CreatedAt)
}

func written(conversation *storage.Conversation, thread *storage.Thread) (string, error) {
	size := 0
	for _, message := range thread.Messages {
		size += len(message.OriginalValue) + len(message.ConvertedValue)
	}
	if size > MaxBytes {
		return "", tooLong("transcript")
	}
	text, err := json.MarshalIndent(newDocument(conversation, thread), "", "  ")
	if err != nil {
		return "", fmt.Errorf("write a transcript: %w", err)
	}
	if len(text) > MaxBytes {
		return "", tooLong("transcript")
	}
	return string(text) + "\n", nil
}
