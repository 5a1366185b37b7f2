package server_test

import (
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// kindNames say what an id of an example is of.
var kindNames = map[storage.Kind]string{
	storage.KindWorkspace: "Workspace", storage.KindAttack: "Attack", storage.KindConversation: "Conversation", storage.KindMessage: "Message",
	storage.KindScore: "Score", storage.KindComponent: "Component", storage.KindGenerator: "Generator", storage.KindDataset: "Dataset",
	storage.KindVersion: "Version", storage.KindPrompt: "Prompt", storage.KindConverter: "Converter", storage.KindScorer: "Scorer",
	storage.KindExecution: "Execution", storage.KindImport: "Import", storage.KindAnnotation: "Annotation", storage.KindFinding: "Finding",
	storage.KindUser: "User", storage.KindAPIKey: "ApiKey", storage.KindSession: "Session", storage.KindAuditEvent: "AuditEvent",
	storage.KindOrchestrator: "Orchestrator", storage.KindPrice: "Price",
	storage.KindSavedSession: "SavedSession", storage.KindSavedQuery: "SavedQuery", storage.KindParameterFile: "ParameterFile", storage.KindTemplate: "Template",
	storage.KindTaxonomy: "Taxonomy", storage.KindTrashEntry: "TrashEntry", storage.KindFile: "File", storage.KindUserSetting: "UserSetting", storage.KindSetting: "SystemSetting", storage.KindErrorLog: "ErrorLog",
	storage.KindWebhook: "Webhook", storage.KindWebhookDelivery: "WebhookDelivery",
}

var (
	secretField = regexp.MustCompile(`"secret":"[^"]*"`)
	aTime       = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	aSecret     = regexp.MustCompile(`\b(vutf|whsec)_[\w+/-]+=*`)
	aUUID       = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	aHash       = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	anEndpoint  = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	ofARun      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16,}\b|pyrit_memory_[0-9a-f]+|vutf_\w+`)
)

// figures are the fields whose values no two runs share.
var figures = map[string]any{
	"prefix": "vutf_abcd", "latencyMs": 1, "bytes": 1, "endCursor": "...", "startCursor": "...", "cursor": "...", "level": 1,
	"principal": "user:01890000-0000-7000-8000-000000000000",
}

// longest is how many elements of a list, and how many characters of a text, the page
// shows.
const (
	longestList = 3
	longestText = 400
)

// stable is decoded JSON with a placeholder for everything that is another one in each
// run, and shortened for the page.
func stable(value any, field string) any {
	if figure, is := figures[field]; is && value != nil {
		return figure
	}
	switch v := value.(type) {
	case map[string]any:
		object := map[string]any{}
		for key, one := range v {
			object[key] = stable(one, key)
		}
		return object
	case []any:
		list := []any{}
		for i, one := range v {
			if i == longestList && len(v) > longestList+1 {
				return append(list, "... and more")
			}
			list = append(list, stable(one, field))
		}
		return list
	case string:
		return stableText(v, field)
	}
	return value
}

func stableText(text, field string) string {
	if kind := kindOf(text); kind != "" {
		return "id of " + kind
	}
	if _, ok := storage.ParseID(text); ok && strings.HasSuffix(strings.ToLower(field), "id") {
		return "id"
	}
	text = aTime.ReplaceAllString(text, "2026-01-01T00:00:00Z")
	text = aSecret.ReplaceAllString(text, "${1}_...")
	text = aUUID.ReplaceAllString(text, "01890000-0000-7000-8000-000000000000")
	text = aHash.ReplaceAllString(text, "0123456789abcdef...")
	text = anEndpoint.ReplaceAllString(text, "https://model.example")
	if runes := []rune(text); len(runes) > longestText {
		text = string(runes[:longestText]) + "..."
	}
	return text
}

// kindOf is the type of what an id names, "" for another text.
func kindOf(text string) string {
	id, ok := storage.ParseID(text)
	if !ok || len(text) < 20 || aHash.MatchString(text) {
		return ""
	}
	return kindNames[id.Kind]
}
