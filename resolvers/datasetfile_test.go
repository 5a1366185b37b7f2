package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

const table = "Prompt;Topic;note\nSecret one;a;x\nSecret two;b;\n"

// mapped maps two of its columns.
var mapped = []any{map[string]any{"field": "TEXT", "column": "Prompt"}, map[string]any{"field": "HARM_CATEGORIES", "column": "Topic"}}

func TestAFileIsPreviewedAndBecomesADataset(t *testing.T) {
	s := newStores(t, 1, 1)
	const preview = `workspace{name} clientMutationId preview{fileName format columns mapping{field column constant separator} promptCount rejectCount
		prompts{index text harmCategories metadata seedType dataType} rejects{line column field reason}}`
	shown := s.change(t, "previewDatasetFile", preview, map[string]any{"file": s.upload(t, "seeds.csv", table), "first": 1, "clientMutationId": "p"})
	same(t, at(shown, "preview", "columns"), []any{"Prompt", "Topic", "note"})
	same(t, []any{at(shown, "preview", "format"), at(shown, "preview", "promptCount"), at(shown, "preview", "rejectCount"), at(shown, "clientMutationId")}, []any{"CSV", 2, 0, "p"})
	same(t, at(shown, "preview", "mapping"), []any{
		map[string]any{"field": "HARM_CATEGORIES", "column": "Topic", "constant": nil, "separator": nil},
		map[string]any{"field": "TEXT", "column": "Prompt", "constant": nil, "separator": nil},
	})
	same(t, at(shown, "preview", "prompts"), []any{map[string]any{
		"index": 0, "text": "Secret one", "harmCategories": []any{"a"}, "metadata": map[string]any{"note": "x"}, "seedType": "prompt", "dataType": "text",
	}})
	shown = s.change(t, "previewDatasetFile", `preview{mapping{field column also} prompts{harmCategories metadata}}`, map[string]any{
		"file":    s.upload(t, "seeds.csv", table),
		"mapping": []any{mapped[0], map[string]any{"field": "HARM_CATEGORIES", "column": "Topic", "also": []any{"note"}}},
	})
	same(t, at(shown, "preview", "mapping", 0), map[string]any{"field": "HARM_CATEGORIES", "column": "Topic", "also": []any{"note"}})
	same(t, at(shown, "preview", "prompts", 0), map[string]any{"harmCategories": []any{"a", "x"}, "metadata": nil})
	// Without a column that is known as the text there is nothing but the columns.
	shown = s.change(t, "previewDatasetFile", preview, map[string]any{"file": s.upload(t, "odd.csv", "a,b\n1,2\n")})
	same(t, []any{at(shown, "preview", "mapping"), at(shown, "preview", "promptCount")}, []any{[]any{}, 0})

	const made = `promptCount rejectCount rejects{line} workspace{name} dataset{id name tags sourceType format promptCount version harmCategories prompts{nodes{text metadata harmCategories}}}`
	input := map[string]any{
		"file": s.upload(t, "seeds.csv", table), "name": "Secret seeds", "description": "d", "tags": []any{"z", "a", "z"}, "mapping": mapped, "clientMutationId": "1",
	}
	done := s.change(t, "createDatasetFromFile", made, input)
	same(t, []any{at(done, "promptCount"), at(done, "dataset", "promptCount"), at(done, "dataset", "format"), at(done, "dataset", "sourceType"), at(done, "dataset", "version")}, []any{2, 2, "csv", "file", 1})
	same(t, at(done, "dataset", "tags"), []any{"a", "z"})
	same(t, at(done, "dataset", "prompts", "nodes", 0), map[string]any{"text": "Secret one", "metadata": map[string]any{"note": "x"}, "harmCategories": []any{"a"}})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, string(event.Detail)},
		[]any{"dataset.create_from_file", "Dataset", `{"fields":["description","file","mapping","name","tags"],"prompts":2,"rejects":0}`})
	id := at(done, "dataset", "id")
	same(t, at(s.change(t, "createDatasetFromFile", made, input), "dataset", "id"), id)
	s.refuse(t, "createDatasetFromFile", map[string]any{"file": s.upload(t, "seeds.csv", table), "name": "Secret seeds"}, storage.CodeConflict)

	// A version from a file that the workspace keeps, which then cannot be deleted.
	kept := s.change(t, "uploadFile", `file{id}`, map[string]any{"file": s.upload(t, "more.txt", "three\nfour\nfive\n")})
	file := at(kept, "file", "id")
	next := map[string]any{"id": id, "base": 1, "fileId": file, "clientMutationId": "2"}
	for range 2 {
		done = s.change(t, "addDatasetVersionFromFile", made, next)
		same(t, []any{at(done, "dataset", "version"), at(done, "promptCount"), at(done, "dataset", "prompts", "nodes", 2, "text")}, []any{2, 3, "five"})
	}
	s.refuse(t, "addDatasetVersionFromFile", map[string]any{"id": id, "base": 1, "fileId": file}, storage.CodeConflict)
	s.refuse(t, "deleteFile", map[string]any{"id": file}, storage.CodeConflict)
	a := s.ask(t, alice, `{viewer{workspace{files(filter:{inUse:true}){nodes{usedBy(first:1){datasetCount datasets{name}}}}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "files", "nodes", 0, "usedBy"), map[string]any{"datasetCount": 1, "datasets": []any{map[string]any{"name": "Secret seeds"}}})
}

func TestRowsThatAreNoPromptsStopOrAreSkipped(t *testing.T) {
	s := newStores(t, 1, 1)
	bad := "text,role\nfine,user\nbad,nobody\n,user\nfine too,user\n"
	ask := func(input map[string]any) map[string]any {
		t.Helper()
		a := s.ask(t, alice, `mutation($input:CreateDatasetFromFileInput!){m:createDatasetFromFile(input:$input){promptCount rejectCount rejects{line column field reason}
			dataset{promptCount} workspace{name} userErrors{code message field}}}`, map[string]any{"input": input})
		a.keepsInside(t)
		return at(a.Data, "m").(map[string]any)
	}
	stopped := ask(map[string]any{"file": s.upload(t, "bad.csv", bad), "name": "d"})
	same(t, []any{at(stopped, "dataset"), at(stopped, "promptCount"), at(stopped, "rejectCount"), at(stopped, "userErrors", 0, "field")}, []any{nil, 0, 2, []any{"input", "file"}})
	same(t, at(stopped, "rejects", 0), map[string]any{
		"line": 3, "column": 5, "field": "role", "reason": at(stopped, "rejects", 0, "reason"),
	})
	if message := at(stopped, "userErrors", 0, "message").(string); !strings.HasPrefix(message, "2 rows are no prompts, the first at line 3, column 5") {
		t.Errorf("%s", message)
	}
	skipped := ask(map[string]any{"file": s.upload(t, "bad.csv", bad), "name": "d", "rejects": "SKIP"})
	same(t, []any{at(skipped, "dataset", "promptCount"), at(skipped, "promptCount"), at(skipped, "rejectCount"), at(skipped, "rejects", 1, "line")}, []any{2, 2, 2, 4})

	// Of very many the first thousand are told, and all are counted.
	many := ask(map[string]any{"file": s.upload(t, "many.csv", "text,role\nfine,user\n"+strings.Repeat("x,nobody\n", 2500)), "name": "e", "rejects": "SKIP"})
	same(t, []any{len(at(many, "rejects").([]any)), at(many, "rejectCount"), at(many, "promptCount")}, []any{1000, 2500, 1})
}

func TestAFileThatBreaksLeavesNothing(t *testing.T) {
	s := newStores(t, 1, 1)
	var long strings.Builder
	long.WriteString("text,role\n")
	for i := range 5000 {
		fmt.Fprintf(&long, "prompt %d,user\n", i)
	}
	for name, test := range map[string]struct {
		input map[string]any
		field string
	}{
		"its last line breaks":      {map[string]any{"file": s.upload(t, "a.csv", long.String()+`"never closed,user`)}, "file"},
		"a list that does not end":  {map[string]any{"file": s.upload(t, "a.json", `[{"text":"a"},{"text":"b"`)}, "file"},
		"no Parquet":                {map[string]any{"file": s.upload(t, "a.parquet", "PAR1 and no more")}, "file"},
		"no prompts":                {map[string]any{"file": s.upload(t, "a.csv", "text\n")}, "file"},
		"nothing":                   {map[string]any{"file": s.upload(t, "a.csv", "")}, "file"},
		"a picture":                 {map[string]any{"file": s.upload(t, "a", "\x89PNG\r\n\x1a\n\x00")}, "format"},
		"no column that is known":   {map[string]any{"file": s.upload(t, "a.csv", "a,b\n1,2\n")}, "mapping"},
		"a column that is not":      {map[string]any{"file": s.upload(t, "a.csv", "a,b\n1,2\n"), "mapping": mapped}, "mapping"},
		"a field twice":             {map[string]any{"file": s.upload(t, "a.csv", table), "mapping": []any{mapped[0], mapped[0]}}, "mapping"},
		"neither file":              {map[string]any{}, "file"},
		"both files":                {map[string]any{"file": s.upload(t, "a.csv", table), "fileId": s.keptFile(t)}, "file"},
		"a name of two lines":       {map[string]any{"file": s.upload(t, "a.csv", table), "name": "a\nb"}, "name"},
		"a tag of nothing":          {map[string]any{"file": s.upload(t, "a.csv", table), "tags": []any{""}}, "tags"},
		"a description without end": {map[string]any{"file": s.upload(t, "a.csv", table), "description": strings.Repeat("x", storage.MaxNoteBytes+1)}, "description"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.input["name"] == nil {
				test.input["name"] = "broken"
			}
			a := s.ask(t, alice, `mutation($input:CreateDatasetFromFileInput!){m:createDatasetFromFile(input:$input){dataset{id} userErrors{code message field}}}`, map[string]any{"input": test.input})
			if a.refusal() != string(storage.CodeBadInput) || at(a.Data, "m", "userErrors", 0, "field", 1) != test.field {
				t.Errorf("%s", a.body)
			}
			a.keepsInside(t)
			a = s.ask(t, alice, `{viewer{workspace{datasets{totalCount} storage{tables{name rows}}}}}`, nil)
			same(t, at(a.Data, "viewer", "workspace", "datasets", "totalCount"), 0)
			for _, table := range at(a.Data, "viewer", "workspace", "storage", "tables").([]any) {
				if name := at(table, "name").(string); strings.HasPrefix(name, "dataset") && at(table, "rows") != 0.0 {
					t.Errorf("left in %s: %v", name, at(table, "rows"))
				}
			}
		})
	}
	for _, id := range []any{"no id", "", storage.ID{Kind: storage.KindFile, Store: "another1", Key: strings.Repeat("ab", 32)}.String(), s.keptFile(t)[:20]} {
		for _, field := range []string{"createDatasetFromFile", "previewDatasetFile"} {
			input := map[string]any{"fileId": id}
			if field != "previewDatasetFile" {
				input["name"] = "x"
			}
			s.refuse(t, field, input, storage.CodeNotFound)
		}
	}
	s.refuse(t, "previewDatasetFile", map[string]any{"fileId": s.keptFile(t), "first": 101}, storage.CodeBadInput)
}

// keptFile is the id of a file of alice's.
func (s *stores) keptFile(t *testing.T) string {
	t.Helper()
	return at(s.change(t, "uploadFile", `file{id}`, map[string]any{"file": s.upload(t, "seeds.csv", table)}), "file", "id").(string)
}

func TestListsOfTheProgramBecomeDatasets(t *testing.T) {
	s := newStores(t, 1, 1)
	a := s.ask(t, alice, `{viewer{nativeDatasets{name title description available version license harmCategories promptCount source format columns mapping{field column}}}}`, nil)
	lists := at(a.Data, "viewer", "nativeDatasets").([]any)
	for _, list := range lists {
		name := at(list, "name").(string)
		if at(list, "available") == false {
			s.refuse(t, "createDatasetFromNative", map[string]any{"list": name}, storage.CodeBadInput)
			if at(list, "source") == nil || at(list, "version") != nil || at(list, "mapping", 0) == nil {
				t.Errorf("slot %v", list)
			}
			continue
		}
		input := map[string]any{"list": name, "clientMutationId": name}
		for range 2 {
			done := s.change(t, "createDatasetFromNative", `promptCount dataset{name promptCount sourceType harmCategories}`, input)
			same(t, []any{at(done, "promptCount"), at(done, "dataset", "promptCount"), at(done, "dataset", "name"), at(done, "dataset", "sourceType")},
				[]any{at(list, "promptCount"), at(list, "promptCount"), name, "native"})
			same(t, at(done, "dataset", "harmCategories"), at(list, "harmCategories"))
		}
		s.refuse(t, "createDatasetFromNative", map[string]any{"list": name}, storage.CodeConflict) // of the same name
		s.refuse(t, "fillDatasetSlot", map[string]any{"slot": name, "file": s.upload(t, "x.csv", table)}, storage.CodeBadInput)
	}
	s.refuse(t, "createDatasetFromNative", map[string]any{"list": "none"}, storage.CodeNotFound)
	s.refuse(t, "createDatasetFromNative", map[string]any{"list": "refusal_baseline", "name": "a\nb"}, storage.CodeBadInput)
	s.refuse(t, "fillDatasetSlot", map[string]any{"slot": "none", "file": s.upload(t, "x.csv", table)}, storage.CodeNotFound)
	s.refuse(t, "fillDatasetSlot", map[string]any{"slot": "harmbench", "file": s.upload(t, "x.csv", table)}, storage.CodeBadInput)
	input := map[string]any{
		"slot": "harmbench", "file": s.upload(t, "behaviors.csv", "Behavior,FunctionalCategory,SemanticCategory\nDo a harmless thing,standard,nothing\n"), "clientMutationId": "fill",
	}
	for range 2 {
		done := s.change(t, "fillDatasetSlot", `promptCount rejectCount dataset{name sourceType format prompts{nodes{text seedType harmCategories metadata}}}`, input)
		same(t, at(done, "dataset"), map[string]any{"name": "harmbench", "sourceType": "native", "format": "csv", "prompts": map[string]any{"nodes": []any{
			map[string]any{"text": "Do a harmless thing", "seedType": "objective", "harmCategories": []any{"nothing"}, "metadata": map[string]any{"FunctionalCategory": "standard"}},
		}}})
	}
	for slot, text := range map[string]string{
		"aya_redteaming": `{"prompt":"p","harm_category":"[\"a\"]","global_or_local":"global"}` + "\n", "many_shot_jailbreaking": `[{"user":"u","assistant":"a"}]`,
		"seclists_bias_testing": "What is [Country] like?\n", "xstest": "id,prompt,note\n1,p,n\n", "adv_bench": "goal,target\ng,t\n",
		"decoding_trust_stereotypes": "stereotype_topic,target_group,user_prompt\nt,g,p\n", "forbidden_questions": "content_policy_name,question\nc,q\n",
		"pku_safe_rlhf": `{"prompt":"p","response_0":"r"}` + "\n", "wmdp": `[{"question":"q","choices":["a","b"],"answer":0}]`,
	} {
		done := s.change(t, "fillDatasetSlot", `promptCount dataset{name}`, map[string]any{"slot": slot, "file": s.upload(t, "download", text)})
		same(t, []any{at(done, "promptCount"), at(done, "dataset", "name")}, []any{1, slot})
	}
}
