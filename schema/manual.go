package schema

import "github.com/violentutf/violentutf/storage"

// ConversationPayload is the answer of a mutation of a conversation by hand.
type ConversationPayload struct {
	WorkspacePayload
	Attack       *storage.Attack
	Conversation *storage.Conversation
}

// TurnPayload is the answer of a mutation that says something in a conversation.
type TurnPayload struct {
	WorkspacePayload
	Conversation *storage.Conversation
	Prompt       *storage.Message
	Reply        []*storage.Message
	Failure      *string
	Unscored     bool
}

// ConversationUpdate is a frame of a followed conversation.
type ConversationUpdate struct {
	Cursor    string
	Snapshot  bool
	Number    int64
	Workspace *storage.Workspace
	News      *storage.ConversationNews
}

// ChangedWorkspace lets @userScoped hand the workspace on to what is selected below.
func (u *ConversationUpdate) ChangedWorkspace() *storage.Workspace { return u.Workspace }

// Messages are the new ones, never nil.
func (u *ConversationUpdate) Messages() []*storage.Message {
	return append([]*storage.Message{}, u.News.Messages...)
}

// Branches are the new ones, never nil.
func (u *ConversationUpdate) Branches() []*storage.Conversation {
	return append([]*storage.Conversation{}, u.News.Branches...)
}

// Scores are the new ones in their types' shapes, never nil.
func (u *ConversationUpdate) Scores() []storage.AnyScore {
	scores := make([]storage.AnyScore, len(u.News.Scores))
	for i, score := range u.News.Scores {
		scores[i] = score.Typed()
	}
	return scores
}
