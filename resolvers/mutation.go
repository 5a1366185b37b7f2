package resolvers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// change is one mutation, as a client asked for it.
type change struct {
	field  string         // of Mutation
	id     *string        // the client's name for it
	input  any            // all of it: another input under the same id is another mutation
	action string         // in the audit log
	fields []string       // what it changes, by the names of the input
	detail map[string]any // beside those on record
	on     named          // what it acts on
	// do makes the change, on record.
	do func(ctx context.Context, w work) (made, error)
}

// work is what a change begins with.
type work struct {
	actor *storage.User
	key   string            // of what is acted on
	act   *storage.AuditAct // what is set in it stands in the outcome
}

// named is what an input names by an id, nothing where that is made only now.
type named struct {
	kind     storage.Kind
	id       string
	argument string
}

// made says by keys what a mutation changed. It is all that is kept of it: whoever
// sends the mutation again gets the same things as they are then.
type made struct {
	Workspace string                 `json:"workspace,omitempty"`
	User      string                 `json:"user,omitempty"`
	APIKey    string                 `json:"apiKey,omitempty"`
	Session   string                 `json:"session,omitempty"`
	Setting   string                 `json:"setting,omitempty"`
	Row       string                 `json:"row,omitempty"` // of a user store
	Rows      []string               `json:"rows,omitempty"`
	Left      []string               `json:"left,omitempty"` // of Rows those that were left alone
	Count     int64                  `json:"count,omitempty"`
	Matched   int64                  `json:"matched,omitempty"`
	Known     bool                   `json:"known,omitempty"`
	Tables    []*storage.ImportCount `json:"tables,omitempty"`
	Notes     []string               `json:"notes,omitempty"`
	Deleted   []*storage.TableUse    `json:"deleted,omitempty"`
	InTheWay  []*storage.Obstacle    `json:"inTheWay,omitempty"`
}

// mutate is the one way of a mutation, whose role and scope the directives have
// checked: what it acts on is found, its id claimed, its intent put on record; then it
// is made, and its outcome put on record. It answers what was changed, nil with user
// errors in the payload.
func (r *Resolver) mutate(ctx context.Context, c change) (*made, schema.Payload, error) {
	payload := schema.Payload{ClientMutationID: c.id, UserErrors: []*schema.UserError{}}
	done, err := r.once(ctx, c)
	// The next mutation of the document asks anew who may do what.
	directives.Forget(ctx)
	if problem := mendable(err); problem != nil {
		payload.UserErrors = append(payload.UserErrors, problem)
		return nil, payload, nil
	}
	return done, payload, err
}

// once makes the change unless it was made under this id before.
func (r *Resolver) once(ctx context.Context, c change) (*made, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	key, err := c.on.key(ctx)
	if err != nil {
		return nil, err
	}
	if c.id == nil {
		done, _, err := r.onRecord(ctx, c, user, key)
		return done, err
	}
	hash, err := c.hash()
	if err != nil {
		return nil, err
	}
	answer, err := r.app.ClaimMutation(ctx, user.Key, *c.id, hash)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		first := &made{}
		if err := json.Unmarshal([]byte(*answer), first); err != nil {
			return nil, fmt.Errorf("read the first answer of %s: %w", c.field, err)
		}
		return first, nil
	}
	done, nothing, err := r.onRecord(ctx, c, user, key)
	// A client that has gone must not leave its claim behind.
	after := context.WithoutCancel(ctx)
	switch {
	case nothing:
		return nil, joined(err, r.app.ReleaseMutation(after, user.Key, *c.id))
	case done == nil: // it may be there, or a part of it: the name stays taken
		return nil, err
	}
	// It was done, even when that could not be put on record.
	kept, failed := json.Marshal(done)
	if failed == nil {
		failed = r.app.FinishMutation(after, user.Key, *c.id, storage.JSON(kept))
	}
	if failed != nil {
		err = joined(fmt.Errorf("%s was done, but its answer could not be kept: %w", c.field, failed), err)
	}
	if err != nil {
		return nil, err
	}
	return done, nil
}

// onRecord makes the change between its intent and its outcome in the audit log. With
// an error it tells whether certainly nothing was changed.
func (r *Resolver) onRecord(ctx context.Context, c change, actor *storage.User, key string) (done *made, nothing bool, err error) {
	act := directives.Act(ctx, auth.ViewerFrom(ctx), c.action)
	act.SubjectType, act.SubjectKey = subjectTypes[c.on.kind], key
	if c.on.kind == storage.KindWorkspace {
		act.WorkspaceKey = key
	}
	on := map[string]any{"fields": c.fields}
	maps.Copy(on, c.detail)
	act.Detail = detail(on)
	began := false
	err = r.app.Audited(ctx, act, func(ctx context.Context, act *storage.AuditAct) error {
		began = true
		result, err := c.do(ctx, work{actor, key, act})
		if err == nil {
			done = &result
		}
		return err
	})
	if !began {
		// Whatever the log's complaint is, it is not about the input.
		return nil, true, fmt.Errorf("put %s on record: %v", c.field, err)
	}
	// Each change is one transaction: with an error nothing of it is stored.
	_, changed := errors.AsType[partly](err)
	return done, done == nil && err != nil && !changed && !errors.Is(err, storage.ErrCommit), err
}

// partly is an error after which something was changed all the same, of a change that is
// more than one transaction: the client's name for the mutation stays taken.
type partly struct{ error }

func (p partly) Unwrap() error { return p.error }

// hash tells the mutation from others.
func (c change) hash() (string, error) {
	text, err := json.Marshal([]any{c.field, c.input})
	if err != nil {
		return "", fmt.Errorf("write the input of %s: %w", c.field, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// subjectTypes are the types of what is acted on, as the schema names them.
var subjectTypes = map[storage.Kind]string{
	storage.KindWorkspace: "Workspace",
	storage.KindUser:      "User",
	storage.KindAPIKey:    "ApiKey",
	storage.KindSession:   "Session",
	storage.KindSetting:   "SystemSetting",
	storage.KindGenerator: "Generator",
	storage.KindConverter: "Converter",
	storage.KindScorer:    "Scorer",

	storage.KindExecution:    "Execution",
	storage.KindOrchestrator: "Orchestrator",
	storage.KindPrice:        "Price",
	storage.KindDataset:      "Dataset",

	storage.KindAttack:       "Attack",
	storage.KindConversation: "Conversation",
	storage.KindMessage:      "Message",
	storage.KindAnnotation:   "Annotation",
	storage.KindFinding:      "Finding",

	storage.KindSavedSession:  "SavedSession",
	storage.KindSavedQuery:    "SavedQuery",
	storage.KindParameterFile: "ParameterFile",
	storage.KindTemplate:      "Template",
	storage.KindUserSetting:   "UserSetting",
	storage.KindTaxonomy:      "Taxonomy",
	storage.KindTrashEntry:    "TrashEntry",
	storage.KindFile:          "File",
	storage.KindVersion:       "DatasetVersion",

	storage.KindWebhook:         "Webhook",
	storage.KindWebhookDelivery: "WebhookDelivery",
}

// key decodes the id. What is no key, of another kind, or out of the reach of the
// viewer's API key is NOT_FOUND like what does not exist. Only a key goes on: the audit
// log keeps no text of a client's choice.
func (n named) key(ctx context.Context) (string, error) {
	if n.argument == "" {
		return "", nil
	}
	id, ok := storage.ParseID(n.id)
	if ok && numbersOf[id.Kind] > 0 {
		id.Key, ok = numberText(id)
	}
	if !ok || id.Kind != n.kind || !aKey(id.Key) || n.kind == storage.KindWorkspace && !directives.Reaches(ctx, id.Key) {
		return "", directives.Missing(n.argument)
	}
	return id.Key, nil
}

// numberText writes the numbers of a key, as a log can keep them: 12, or 12-3-0.
func numberText(id storage.ID) (string, bool) {
	numbers, ok := id.Numbers(numbersOf[id.Kind])
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.FormatInt(number, 10)
	}
	return strings.Join(texts, "-"), ok
}

// aKey tells whether a text can be a key of the app store: a UUID or a hash.
func aKey(text string) bool {
	for _, r := range text {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') && r != '-' {
			return false
		}
	}
	return len(text) <= 2*sha256.Size
}

// mendable turns an error into one that the caller can mend, nil for every other.
func mendable(err error) *schema.UserError {
	if several, is := err.(interface{ Unwrap() []error }); is {
		if list := several.Unwrap(); len(list) == 1 {
			return mendable(list[0])
		}
		return nil // something of ours failed beside it
	}
	e, ok := errors.AsType[*storage.Error](err)
	if !ok || !slices.Contains([]storage.Code{storage.CodeBadInput, storage.CodeNotFound, storage.CodeConflict}, e.Code) {
		return nil
	}
	problem := &schema.UserError{Code: e.Code, Message: e.Message, Field: []string{}}
	switch {
	case e.Field != "":
		problem.Field = []string{"input", e.Field}
	case e.Code == storage.CodeNotFound:
		problem.Field = []string{"input", "workspace"} // that none is named says the store of nothing else
	}
	return problem
}

func joined(err, later error) error {
	if later == nil {
		return err
	}
	return errors.Join(err, later)
}

// detail is what the audit log keeps of a change: names, and values that may be seen.
func detail(values map[string]any) storage.JSON {
	text, _ := json.Marshal(values) // texts and lists of them are always JSON
	return storage.JSON(text)
}

// workspaceNamed is a workspace that an input names.
func workspaceNamed(id string) named { return named{storage.KindWorkspace, id, "workspace"} }
