package evidence

import (
	"encoding/json"

	"github.com/violentutf/violentutf/storage"
)

// Document is the JSON form of a transcript. Fields are added, never renamed or removed
// within a Version. Times are RFC 3339 in UTC; texts are exact; what is not known is null,
// and no list is.
type Document struct {
	Version      int                  `json:"version"` // 1
	Conversation DocumentConversation `json:"conversation"`
	Messages     []DocumentMessage    `json:"messages"`
}

// DocumentConversation is what a transcript says of the conversation itself.
type DocumentConversation struct {
	Number        int64   `json:"number"`
	Source        string  `json:"source"`
	SourceID      string  `json:"sourceId"`
	Purpose       string  `json:"purpose"`
	Why           *string `json:"why"`
	StartedAt     *string `json:"startedAt"`
	LastMessageAt *string `json:"lastMessageAt"`
}

// DocumentMessage is one piece of the conversation.
type DocumentMessage struct {
	Sequence         int64               `json:"sequence"`
	Piece            int64               `json:"piece"`
	SourceID         string              `json:"sourceId"`
	Role             string              `json:"role"`
	CreatedAt        string              `json:"createdAt"`
	OriginalDataType string              `json:"originalDataType"`
	OriginalValue    string              `json:"originalValue"`
	OriginalHash     string              `json:"sha256"` // of the original value, hex
	DataType         string              `json:"dataType"`
	ConvertedValue   string              `json:"convertedValue"`
	ConvertedHash    string              `json:"convertedSha256"` // hex
	Converters       []DocumentConverter `json:"converters"`
	ResponseError    string              `json:"responseError"`
	FinishReason     *string             `json:"finishReason"`
	LatencyMs        *int64              `json:"latencyMs"`
	InputTokens      *int64              `json:"inputTokens"`
	OutputTokens     *int64              `json:"outputTokens"`
	Scores           []DocumentScore     `json:"scores"`
}

// DocumentConverter is a converter as it was used.
type DocumentConverter struct {
	ClassName  string          `json:"className"`
	Hash       string          `json:"hash"`
	Parameters json.RawMessage `json:"parameters"`
}

// DocumentScore is what a scorer said of a message.
type DocumentScore struct {
	ScorerName  string   `json:"scorerName"`
	Type        string   `json:"type"` // TRUE_FALSE, FLOAT_SCALE, CATEGORY
	Status      string   `json:"status"`
	IsTrue      *bool    `json:"isTrue"`
	Scale       *float64 `json:"scale"` // 0 to 1
	RawValue    *string  `json:"rawValue"`
	Categories  []string `json:"categories"`
	Rationale   *string  `json:"rationale"`
	Objective   *string  `json:"objective"`
	IsObjective bool     `json:"isObjective"`
	CreatedAt   string   `json:"createdAt"`
}

func newDocument(c *storage.Conversation, thread *storage.Thread) Document {
	document := Document{
		Version: 1,
		Conversation: DocumentConversation{
			Number: c.Number, Source: string(c.Source), SourceID: c.SourceID, Purpose: string(c.Purpose), Why: c.Why,
		},
		Messages: make([]DocumentMessage, len(thread.Messages)),
	}
	if c.StartedAt != nil {
		document.Conversation.StartedAt = new(moment(*c.StartedAt))
	}
	if c.LastMessageAt != nil {
		document.Conversation.LastMessageAt = new(moment(*c.LastMessageAt))
	}
	for i, m := range thread.Messages {
		document.Messages[i] = DocumentMessage{
			Sequence: m.Sequence, Piece: m.Piece, SourceID: m.SourceID, Role: string(m.Role), CreatedAt: moment(m.CreatedAt),
			OriginalDataType: m.OriginalDataType, OriginalValue: m.OriginalValue, OriginalHash: m.OriginalHash,
			DataType: m.DataType, ConvertedValue: m.ConvertedValue, ConvertedHash: m.ConvertedHash,
			Converters: []DocumentConverter{}, ResponseError: m.ResponseError, FinishReason: m.FinishReason,
			LatencyMs: m.LatencyMs, InputTokens: m.InputTokens, OutputTokens: m.OutputTokens, Scores: []DocumentScore{},
		}
		for _, converter := range converters(thread, m) {
			parameters := json.RawMessage(converter.Parameters)
			if !json.Valid(parameters) {
				parameters = json.RawMessage("null")
			}
			document.Messages[i].Converters = append(document.Messages[i].Converters,
				DocumentConverter{ClassName: converter.ClassName, Hash: converter.Hash, Parameters: parameters})
		}
		for _, s := range thread.Scores[m.ScoredKey()] {
			document.Messages[i].Scores = append(document.Messages[i].Scores, DocumentScore{
				ScorerName: s.ScorerName, Type: string(s.Type), Status: string(s.Status), IsTrue: s.Value, Scale: s.ScaleValue,
				RawValue: s.RawValue, Categories: append([]string{}, s.Categories...), Rationale: s.Rationale,
				Objective: s.Objective, IsObjective: s.IsObjective, CreatedAt: moment(s.CreatedAt),
			})
		}
	}
	return document
}
