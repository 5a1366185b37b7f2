package resolvers_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// spooled is an upload as the transport makes it.
type spooled struct {
	folder     *files.Folder
	t          *testing.T
	name, text string
	content    *storage.UploadContent
}

func (s *spooled) Content() (*storage.UploadContent, error) {
	if s.content == nil {
		content, err := s.folder.Spool(s.t.Context(), strings.NewReader(s.text), 1<<20)
		if err != nil {
			return nil, err
		}
		content.Name = s.name
		s.content = content
		s.t.Cleanup(func() {
			if err := s.folder.Unspool(content); err != nil {
				s.t.Error(err)
			}
		})
	}
	return s.content, nil
}

func (s *stores) upload(t *testing.T, name, text string) storage.Upload {
	return storage.Upload{Part: &spooled{folder: s.files, t: t, name: name, text: text}}
}

func TestAFileIsDescribedAndDeleted(t *testing.T) {
	s := newStores(t, 2, 1)
	const shown = `known file{id name description tags mediaType bytes sha256 author createdAt updatedAt url usedBy{messageCount datasetCount messages{id} datasets{id}}} workspace{name}`
	input := map[string]any{
		"file": s.upload(t, "Secret.csv", "text\nhello\n"), "description": "Secret words", "tags": []any{"z", "a"}, "clientMutationId": "1",
	}
	done := s.change(t, "uploadFile", shown, input)
	id := at(done, "file", "id").(string)
	same(t, at(done, "file", "tags"), []any{"a", "z"})
	same(t, []any{at(done, "file", "name"), at(done, "file", "author"), at(done, "known"), at(done, "workspace", "name")}, []any{"Secret.csv", "alice", false, "alice"})
	same(t, at(done, "file", "usedBy"), map[string]any{"messageCount": 0, "messages": []any{}, "datasetCount": 0, "datasets": []any{}})
	same(t, at(done, "file", "url"), "/files/"+at(done, "file", "sha256").(string))
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, event.SubjectKey, string(event.Detail)},
		[]any{"file.upload", "File", at(done, "file", "sha256"), `{"fields":["description","file","tags"]}`})
	same(t, at(s.change(t, "uploadFile", shown, input), "file", "id"), id) // it is not done twice

	s.refuse(t, "updateFile", map[string]any{"id": id, "name": "a/b"}, storage.CodeBadInput)
	s.refuse(t, "updateFile", map[string]any{"id": id, "description": strings.Repeat("x", storage.MaxNoteBytes+1)}, storage.CodeBadInput)
	s.refuse(t, "updateFile", map[string]any{"id": id, "tags": []any{""}}, storage.CodeBadInput)
	s.refuse(t, "uploadFile", map[string]any{"file": s.upload(t, "x", ""), "name": "x"}, storage.CodeBadInput)
	for range 2 {
		changed := s.change(t, "updateFile", `file{name description tags}`, map[string]any{"id": id, "name": "other", "description": "", "tags": []any{}, "clientMutationId": "2"})
		same(t, at(changed, "file"), map[string]any{"name": "other", "description": nil, "tags": []any{}})
	}
	a := s.ask(t, alice, `{node(id:"`+id+`"){... on File{name}} viewer{workspace{files(filter:{inUse:false}){nodes{id}} fileTypes{value count}}}}`, nil)
	same(t, at(a.Data, "node", "name"), "other")
	same(t, at(a.Data, "viewer", "workspace", "files", "nodes"), []any{map[string]any{"id": id}})
	for _, bad := range []string{`fileTypes(limit:0){count}`, `files{nodes{usedBy(first:101){messageCount}}}`} {
		if a := s.ask(t, alice, `{viewer{workspace{`+bad+`}}}`, nil); a.refusal() != string(storage.CodeBadInput) {
			t.Errorf("%s answers %s", bad, a.body)
		}
	}

	for range 2 {
		same(t, at(s.change(t, "deleteFile", `deletedId`, map[string]any{"id": id, "clientMutationId": "3"}), "deletedId"), id)
	}
	s.refuse(t, "deleteFile", map[string]any{"id": id}, storage.CodeNotFound)
	s.refuse(t, "updateFile", map[string]any{"id": id}, storage.CodeNotFound)
	// Its content waits in the trash with it.
	content, err := s.files.Open(s.personalKey(t), at(done, "file", "sha256").(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := content.Close(); err != nil {
		t.Fatal(err)
	}
	entry := at(s.ask(t, alice, trashOf, nil).Data, "viewer", "workspace", "trash", "nodes", 0)
	same(t, at(entry, "chosen"), map[string]any{"files": 1})
	s.change(t, "restoreFromTrash", `tables{name rows}`, map[string]any{"id": at(entry, "id")})
	a = s.ask(t, alice, `{node(id:"`+id+`"){... on File{name}}}`, nil)
	same(t, at(a.Data, "node", "name"), "other")
}

// personalKey is of alice's own workspace.
func (s *stores) personalKey(t *testing.T) string {
	t.Helper()
	a := s.ask(t, alice, `{viewer{workspace{id}}}`, nil)
	id, _ := storage.ParseID(at(a.Data, "viewer", "workspace", "id").(string))
	return id.Key
}
