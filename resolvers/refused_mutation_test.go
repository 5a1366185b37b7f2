package resolvers_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// mutations has for every mutation an input with which alice, or for the installation's
// root, could make it. Whoever adds a mutation adds a line.
var mutations = map[string]func(*team) map[string]any{
	"createWorkspace":    func(*team) map[string]any { return map[string]any{"name": "green"} },
	"renameWorkspace":    func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "name": "green"} },
	"archiveWorkspace":   func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID()} },
	"unarchiveWorkspace": func(s *team) map[string]any { return map[string]any{"workspace": s.old.ID()} },
	"inviteMember": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "username": "mallory", "role": "OWNER"}
	},
	"setMemberRole": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "username": "vi", "role": "OWNER"}
	},
	"removeMember":      func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "username": "vi"} },
	"leaveWorkspace":    func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID()} },
	"transferWorkspace": func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "username": "ed"} },
	"createApiKey": func(*team) map[string]any {
		return map[string]any{"name": "mine", "scopes": []any{"READ", "WRITE", "EXECUTE"}}
	},
	"revokeApiKey":     func(s *team) map[string]any { return map[string]any{"apiKey": s.key.ID()} },
	"endSession":       func(s *team) map[string]any { return map[string]any{"session": s.session.ID()} },
	"endOtherSessions": func(*team) map[string]any { return map[string]any{} },
	"setSetting": func(*team) map[string]any {
		return map[string]any{"key": "rate.query.per_minute.user", "value": 1, "version": 0}
	},
	"allowUserBinding": func(*team) map[string]any { return map[string]any{"username": "alice"} },
	"copyToWorkspace":  transferOfAll,
	"moveToWorkspace":  transferOfAll,
	"createGenerator":  newThing, "createConverter": newThing, "createScorer": newThing,
	"updateGenerator": thing(storage.KindGenerator), "updateConverter": thing(storage.KindConverter), "updateScorer": thing(storage.KindScorer),
	"cloneGenerator": thing(storage.KindGenerator), "cloneConverter": thing(storage.KindConverter), "cloneScorer": thing(storage.KindScorer),
	"deleteGenerator": deleted(storage.KindGenerator), "deleteConverter": deleted(storage.KindConverter), "deleteScorer": deleted(storage.KindScorer),
	"testGenerator": deleted(storage.KindGenerator), "listGeneratorModels": deleted(storage.KindGenerator),
	"previewConverters": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "text": "x", "converters": []any{map[string]any{"inline": map[string]any{"type": "Base64Converter"}}}}
	},
	"previewScorer": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "reply": "x", "scorer": map[string]any{"inline": map[string]any{"type": "SubStringScorer"}}}
	},
	"annotate":          inBulk("verdict", "SUCCESS", "reason", "r"),
	"retractAnnotation": deleted(storage.KindAnnotation),
	"setLabels":         inBulk("key", "k", "value", "v"),
	"removeLabels":      inBulk("key", "k"),
	"createFinding":     func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "title": "T"} },
	"updateFinding":     deleted(storage.KindFinding),
	"addEvidence":       deleted(storage.KindFinding),
	"removeEvidence":    deleted(storage.KindFinding),
	"deleteFinding":     deleted(storage.KindFinding),
	"moveToTrash":       inBulk("all", true),
	"restoreFromTrash":  deleted(storage.KindTrashEntry),
	"purgeTrash":        deleted(storage.KindTrashEntry),
	"uploadFile": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "file": storage.Upload{}} // nobody may make it be read
	},
	"previewDatasetFile": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "file": storage.Upload{}}
	},
	"createDatasetFromFile": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "file": storage.Upload{}, "name": "mine"}
	},
	"addDatasetVersionFromFile": func(s *team) map[string]any {
		input := deleted(storage.KindDataset)(s)
		input["file"], input["base"] = storage.Upload{}, 1
		return input
	},
	"createDatasetFromNative": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "list": "refusal_baseline"}
	},
	"fillDatasetSlot": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "slot": "harmbench", "file": storage.Upload{}}
	},
	"updateFile": deleted(storage.KindFile), "deleteFile": deleted(storage.KindFile),
	"createOrchestrator": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "type": "PROMPT_SENDING"}
	},
	"updateOrchestrator":   thing(storage.KindOrchestrator),
	"cloneOrchestrator":    thing(storage.KindOrchestrator),
	"deleteOrchestrator":   deleted(storage.KindOrchestrator),
	"validateOrchestrator": deleted(storage.KindOrchestrator),
	"startExecution": func(s *team) map[string]any {
		return map[string]any{"orchestrator": deleted(storage.KindOrchestrator)(s)["id"]}
	},
	"pauseExecution": deleted(storage.KindExecution), "resumeExecution": deleted(storage.KindExecution), "cancelExecution": deleted(storage.KindExecution),
	"retryExecution": deleted(storage.KindExecution), "repeatExecution": deleted(storage.KindExecution),
	"setPrice": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "model": "*", "currency": "EUR", "inputPrice": 1.0, "outputPrice": 1.0}
	},
	"removePrice": deleted(storage.KindPrice),
	"validateConfiguration": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "kind": "CONVERTER", "part": map[string]any{"inline": map[string]any{"type": "Base64Converter"}}}
	},
	"testGenerators": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "filter": map[string]any{}}
	},
	"testScorer": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "filter": map[string]any{}, "scorer": map[string]any{"inline": map[string]any{"type": "SubStringScorer"}}}
	},
	"setUserDisabled": func(s *team) map[string]any { return map[string]any{"user": s.users["alice"].ID(), "disabled": true} },
	"createSavedQuery": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "document": "{viewer{username}}"}
	},
	"createParameterFile": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "format": "YAML", "text": "a: 1"}
	},
	"createTemplate": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "body": "{{ prompt }}"}
	},
	"updateSavedQuery": revised(storage.KindSavedQuery), "updateParameterFile": revised(storage.KindParameterFile), "updateTemplate": revised(storage.KindTemplate),
	"cloneSavedQuery": thing(storage.KindSavedQuery), "cloneParameterFile": thing(storage.KindParameterFile), "cloneTemplate": thing(storage.KindTemplate),
	"deleteSavedQuery": deleted(storage.KindSavedQuery), "deleteParameterFile": deleted(storage.KindParameterFile), "deleteTemplate": deleted(storage.KindTemplate),
	"previewTemplate":    func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "body": "{{ prompt }}"} },
	"saveSession":        func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "key": "k", "body": 1} },
	"deleteSavedSession": func(s *team) map[string]any { return map[string]any{"workspace": s.red.ID(), "key": "k"} },
	"setUserSetting":     func(*team) map[string]any { return map[string]any{"key": "display.theme", "value": "dark"} },
	"resetUserSetting":   func(*team) map[string]any { return map[string]any{"key": "display.theme"} },
	"addTags":            inBulk("tags", []any{"free:x"}),
	"removeTags":         inBulk("tags", []any{"free:x"}),
	"createTaxonomy": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "T", "version": "1"}
	},
	"updateTaxonomy": deleted(storage.KindTaxonomy),
	"deleteTaxonomy": deleted(storage.KindTaxonomy),
	"createDataset": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "prompts": []any{map[string]any{"text": "x"}}}
	},
	"previewTransformation": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "sources": []any{map[string]any{"dataset": "none"}}}
	},
	"transformDataset": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "sources": []any{map[string]any{"dataset": "none"}}}
	},
	"updateDataset": deleted(storage.KindDataset),
	"changePrompts": func(s *team) map[string]any { return with(deleted(storage.KindDataset)(s), "version", 1) },
	"splitDataset":  func(s *team) map[string]any { return with(deleted(storage.KindDataset)(s), "parts", []any{}) },
	"removeSplit":   thing(storage.KindDataset), "cloneDataset": thing(storage.KindDataset), "deleteDataset": deleted(storage.KindDataset),
	"deleteDatasetVersion": deleted(storage.KindVersion),
	"createWebhook": func(s *team) map[string]any {
		return map[string]any{"workspace": s.red.ID(), "name": "mine", "url": "https://ci.example/", "events": []any{"EXECUTION_FAILED"}}
	},
	"updateWebhook": thing(storage.KindWebhook), "rotateWebhookSecret": deleted(storage.KindWebhook), "deleteWebhook": deleted(storage.KindWebhook),
	"testWebhook": deleted(storage.KindWebhook), "redeliverWebhook": deleted(storage.KindWebhookDelivery),
}

func newThing(s *team) map[string]any {
	return map[string]any{"workspace": s.red.ID(), "name": "mine", "type": "ECHO"}
}

// thing is one of a kind in the store of red.
func thing(kind storage.Kind) func(*team) map[string]any {
	return func(s *team) map[string]any {
		input := deleted(kind)(s)
		input["name"] = "other"
		return input
	}
}

func deleted(kind storage.Kind) func(*team) map[string]any {
	return func(s *team) map[string]any {
		key := strings.Repeat("k", storage.StoreKeyBytes)
		s.must(s.app.SetWorkspaceUse(s.t.Context(), s.red.Key, hex.EncodeToString([]byte(key)), 0, 0))
		return map[string]any{"id": storage.ID{Kind: kind, Store: key, Key: "01890000-0000-7000-8000-000000000000"}.String()}
	}
}

// revised is a change of one of a kind in the store of red.
func revised(kind storage.Kind) func(*team) map[string]any {
	return func(s *team) map[string]any {
		input := thing(kind)(s)
		input["revision"] = 1
		return input
	}
}

// inBulk is about all attacks of red.
func inBulk(pairs ...any) func(*team) map[string]any {
	return func(s *team) map[string]any {
		input := map[string]any{"workspace": s.red.ID(), "attackFilter": map[string]any{}}
		for i := 0; i < len(pairs); i += 2 {
			input[pairs[i].(string)] = pairs[i+1]
		}
		return input
	}
}

func transferOfAll(s *team) map[string]any {
	return map[string]any{"from": s.red.ID(), "to": s.personal("alice").ID(), "attackFilter": map[string]any{}}
}

// intruder is somebody who may not make a mutation, and how they are told.
type intruder struct {
	name   string
	viewer *auth.Viewer
	input  map[string]any // another one than that of the table
	want   storage.Code
}

func TestEveryMutationRefusesWhoMayNotMakeIt(t *testing.T) {
	parsed, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := newTeam(t)
	locked := signedIn("locked", auth.RoleUser, auth.RoleAdmin)
	user, _, err := s.app.SignIn(t.Context(), storage.Identity{Issuer: locked.Issuer, Subject: locked.Subject, Username: "locked", Dev: true}, "locked.db")
	s.must(err)
	_, err = s.app.SetUserDisabled(t.Context(), user.Key, true)
	s.must(err)
	readOnly := s.makeKey("alice", nil, storage.ScopeRead)
	elsewhere := s.makeKey("alice", []string{s.workspace("alice", "else").Key}, storage.ScopeRead, storage.ScopeWrite)
	rootsBound := s.makeKey("alice", []string{s.red.Key}, storage.ScopeRead, storage.ScopeWrite)
	rootsBound.Roles = []auth.Role{auth.RoleUser, auth.RoleAdmin}
	before := s.state()

	attacks := 0
	for _, field := range parsed.Mutation.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		make := mutations[field.Name]
		if make == nil {
			t.Errorf("no attack on %s: add it to the table", field.Name)
			continue
		}
		input := make(s)
		intruders := []intruder{
			{"nobody", nil, nil, storage.CodeUnauthenticated},
			{"a locked account", locked, nil, storage.CodeForbidden},
			{"a key without WRITE", readOnly, nil, storage.CodeForbidden},
			{"an auditor", auditor, nil, storage.CodeForbidden},
		}
		if demandsRole(field, "USER") {
			intruders = append(intruders, intruder{"an administrator", root, nil, storage.CodeForbidden})
		}
		if demandsRole(field, "ADMIN") {
			intruders = append(intruders, intruder{"a user", alice, nil, storage.CodeForbidden},
				intruder{"a bound key of an administrator", rootsBound, nil, storage.CodeForbidden})
		}
		if field.Directives.ForName("withoutKey") != nil {
			intruders = append(intruders, intruder{"a key that may write", s.makeKey("alice", nil, storage.ScopeRead, storage.ScopeWrite), nil, storage.CodeForbidden})
		}
		// Auditors and administrators have keys and sessions of their own.
		if field.Directives.ForName("authenticated") != nil {
			ofThemselves := []string{"endOtherSessions", "setUserSetting", "resetUserSetting"}
			intruders = slices.DeleteFunc(intruders, func(i intruder) bool { return i.viewer == auditor && slices.Contains(ofThemselves, field.Name) })
			for i := range intruders {
				if intruders[i].viewer == auditor {
					intruders[i].want = storage.CodeNotFound
				}
			}
		}
		for argument, id := range input {
			if text, isText := id.(string); !isText || parsedKind(text) == 0 {
				continue
			}
			for what, other := range map[string]string{
				"nothing's": storage.ID{Kind: parsedKind(id.(string)), Key: "01890000-0000-7000-8000-000000000000"}.String(),
				"malformed": "no id", "empty": "", "another kind's": storage.ID{Kind: storage.KindErrorLog, Key: "00"}.String(),
				"a path's": storage.ID{Kind: parsedKind(id.(string)), Key: "../../red"}.String(),
			} {
				viewer := alice
				if demandsRole(field, "ADMIN") {
					viewer = root
				}
				intruders = append(intruders, intruder{what + " " + argument, viewer, with(input, argument, other), storage.CodeNotFound})
			}
		}
		// What is in a workspace that is named is as good as out of reach in an archived one.
		named := input["workspace"] != nil && demandsMember(field, "EDITOR")
		switch {
		case demandsMember(field, "VIEWER") && input["key"] != nil: // what members keep for themselves
			intruders = append(intruders, intruder{"who is no member", mallory, nil, storage.CodeNotFound},
				intruder{"a key bound elsewhere", elsewhere, nil, storage.CodeNotFound},
				intruder{"another's personal workspace", alice, with(input, "workspace", s.personal("mallory").ID()), storage.CodeNotFound},
				intruder{"of an archived one", alice, with(input, "workspace", s.old.ID()), storage.CodeNotFound})
		case named || input["id"] != nil: // what is in a workspace
			intruders = append(intruders, intruder{"who is no member", mallory, nil, storage.CodeNotFound},
				intruder{"a key bound elsewhere", elsewhere, nil, storage.CodeNotFound},
				intruder{"a viewer", vi, nil, storage.CodeForbidden})
			if named {
				intruders = append(intruders, intruder{"another's personal workspace", alice, with(input, "workspace", s.personal("mallory").ID()), storage.CodeNotFound},
					intruder{"of an archived one", alice, with(input, "workspace", s.old.ID()), storage.CodeNotFound})
			}
		case input["workspace"] != nil:
			intruders = append(intruders, intruder{"who is no member", mallory, nil, storage.CodeNotFound},
				intruder{"a key bound elsewhere", elsewhere, nil, storage.CodeNotFound},
				intruder{"another's personal workspace", alice, with(input, "workspace", s.personal("mallory").ID()), storage.CodeNotFound},
				intruder{"the own personal workspace", alice, with(input, "workspace", s.personal("alice").ID()), storage.CodeBadInput})
			if demandsMember(field, "OWNER") {
				intruders = append(intruders, intruder{"an editor", ed, nil, storage.CodeForbidden}, intruder{"a viewer", vi, nil, storage.CodeForbidden})
			}
			if !slices.Contains([]string{"unarchiveWorkspace", "leaveWorkspace", "removeMember"}, field.Name) {
				intruders = append(intruders, intruder{"of an archived one", alice, with(input, "workspace", s.old.ID()), storage.CodeConflict})
			}
		case input["from"] != nil:
			intruders = append(intruders,
				intruder{"who is no member", mallory, nil, storage.CodeNotFound},
				intruder{"who is no member of the other", ed, nil, storage.CodeNotFound},
				intruder{"a viewer", vi, with(input, "to", s.personal("vi").ID()), storage.CodeForbidden},
				intruder{"a viewer of the other", vi, map[string]any{"from": s.personal("vi").ID(), "to": s.red.ID(), "attackFilter": map[string]any{}}, storage.CodeForbidden},
				intruder{"a key bound elsewhere", elsewhere, nil, storage.CodeNotFound},
				intruder{"into another's personal workspace", alice, with(input, "to", s.personal("mallory").ID()), storage.CodeNotFound},
				intruder{"out of an archived one", alice, with(input, "from", s.old.ID()), storage.CodeNotFound},
				intruder{"another store's attack", alice, with(input, "attacks", []any{storage.ID{Kind: storage.KindAttack, Store: "nosuchid", Key: storage.NumberKey(1)}.String()}), storage.CodeNotFound},
				intruder{"another store's finding", alice, with(input, "findings", []any{storage.ID{Kind: storage.KindFinding, Store: "nosuchid", Key: "k"}.String()}), storage.CodeNotFound},
				intruder{"a dataset for a generator", alice, with(input, "generators", []any{storage.ID{Kind: storage.KindDataset, Store: "nosuchid", Key: "k"}.String()}), storage.CodeNotFound})
		case field.Name == "createWorkspace":
			intruders = append(intruders, intruder{"a bound key", elsewhere, nil, storage.CodeForbidden})
		case field.Name == "revokeApiKey" || field.Name == "endSession":
			intruders = append(intruders, intruder{"another user", mallory, nil, storage.CodeNotFound})
		}
		for _, one := range intruders {
			attacks++
			t.Run(field.Name+"/"+one.name, func(t *testing.T) {
				given := input
				if one.input != nil {
					given = one.input
				}
				a := s.mutate(t, one.viewer, field.Name, given)
				if got := a.refusal(); got != string(one.want) {
					t.Errorf("refused with %q, want %s: %s", got, one.want, a.body)
				}
				a.keepsInside(t)
			})
		}
	}
	if after := s.state(); after != before {
		t.Errorf("the attacks changed something:\n%s\nwas\n%s", after, before)
	}
	t.Logf("%d attacks", attacks)
}

// mutate makes a mutation and selects what every payload has.
func (s *team) mutate(t *testing.T, viewer *auth.Viewer, field string, input map[string]any) answer {
	t.Helper()
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input!"
	return s.ask(t, viewer, `mutation($input:`+kind+`){m:`+field+`(input:$input){clientMutationId userErrors{code message field}}}`, map[string]any{"input": input})
}

func (s *team) personal(username string) *storage.Workspace {
	s.t.Helper()
	workspace, err := s.app.WorkspaceByName(s.t.Context(), s.users[username].Key, "")
	s.must(err)
	return workspace
}

// state is what the attacks must leave as it is.
func (s *team) state() string {
	s.t.Helper()
	var text strings.Builder
	for _, username := range []string{"alice", "ed", "vi", "mallory"} {
		workspaces, err := s.app.Workspaces(s.t.Context(), s.users[username].Key)
		s.must(err)
		for _, w := range workspaces {
			fmt.Fprintln(&text, username, w.Name, w.Role)
		}
		keys, err := s.app.APIKeysOf(s.t.Context(), s.users[username].Key, storage.Page{Limit: 100})
		s.must(err)
		for _, key := range keys.Nodes() {
			if key.Key == s.key.Key {
				fmt.Fprintln(&text, key.Name, key.RevokedAt)
			}
		}
		sessions, err := s.app.SessionsOf(s.t.Context(), s.users[username].Key, storage.Page{Limit: 100})
		s.must(err)
		fmt.Fprintln(&text, len(sessions.Edges))
	}
	users, err := s.app.Users(s.t.Context())
	s.must(err)
	for _, user := range users {
		fmt.Fprintln(&text, user.Username, user.Disabled, user.BindingAllowed)
	}
	settings, err := s.app.Settings(s.t.Context())
	s.must(err)
	for _, username := range []string{"alice", "mallory", "auditor"} {
		chosen, err := s.app.UserSettings(s.t.Context(), s.users[username].Key)
		s.must(err)
		for _, setting := range chosen {
			fmt.Fprintln(&text, username, setting.Key, setting.Value)
		}
	}
	for _, setting := range settings {
		fmt.Fprintln(&text, setting.Key, setting.Value, setting.Version)
	}
	return text.String()
}

func demandsRole(field *ast.FieldDefinition, role string) bool {
	directive := field.Directives.ForName("hasRole")
	return directive != nil && directive.Arguments.ForName("role").Value.Raw == role
}

func demandsMember(field *ast.FieldDefinition, role string) bool {
	directive := field.Directives.ForName("memberRole")
	return directive != nil && directive.Arguments.ForName("role").Value.Raw == role
}

// parsedKind is the kind of an id, 0 for another text.
func parsedKind(text string) storage.Kind {
	id, ok := storage.ParseID(text)
	if !ok || len(text) < 20 {
		return 0
	}
	return id.Kind
}

func with(input map[string]any, name string, value any) map[string]any {
	other := map[string]any{}
	for key, old := range input {
		other[key] = old
	}
	other[name] = value
	return other
}
