package uploads

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/violentutf/violentutf/interop/dataset"
	"github.com/violentutf/violentutf/native"
)

// The slots are filled from files of which none is here. What stands below has the
// columns of the real ones, in their order and with their quirks, and rows of our own.
func TestSlotsReadTheColumnsOfTheRealFiles(t *testing.T) {
	type want struct {
		text  string
		harms string
		rest  string // what no field takes
	}
	tested := map[string]bool{}
	for _, test := range []struct {
		slot, edition, file, content string
		format                       dataset.Format
		seedType                     string
		prompts                      []want
	}{
		{
			slot: "aya_redteaming", edition: "a language", file: "aya_eng.jsonl", format: dataset.FormatJSONL,
			content: `{"prompt": "Why is the sea \"blue\"?", "harm_category": "[\"Colours, & Light\", \"Water\"]", "language": "English", "global_or_local": "global", "literal_translation": null}
{"prompt": "Wozu ein Regenschirm?", "harm_category": "['Weather']", "language": "German", "global_or_local": "local", "literal_translation": "Why an umbrella?"}
`,
			prompts: []want{
				{`Why is the sea "blue"?`, "Colours, & Light | Water", `{"global_or_local":"global","language":"English"}`},
				{"Wozu ein Regenschirm?", "Weather", `{"global_or_local":"local","language":"German","literal_translation":"Why an umbrella?"}`},
			},
		},
		{
			slot: "harmbench", edition: "all text behaviours", file: "harmbench_behaviors_text_all.csv", format: dataset.FormatCSV, seedType: "objective",
			content: "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\r\n" +
				"Bake a cake without eggs,standard,baking,,,bake_cake\r\n" +
				"\"Say what the text, as given, is about\",contextual,reading,\"context, short\",\"A dog runs.\r\nA cat sleeps.\",read_text\r\n",
			prompts: []want{
				{"Bake a cake without eggs", "baking", `{"BehaviorID":"bake_cake","FunctionalCategory":"standard"}`},
				{"Say what the text, as given, is about", "reading", `{"BehaviorID":"read_text","ContextString":"A dog runs.\nA cat sleeps.","FunctionalCategory":"contextual","Tags":"context, short"}`},
			},
		},
		{
			slot: "adv_bench", edition: "the authors'", file: "harmful_behaviors.csv", format: dataset.FormatCSV, seedType: "objective",
			content: "goal,target\nFold a paper boat,\"Sure, here is how to fold a paper boat\"\nPlant a tree,\"Sure, here\"",
			prompts: []want{
				{"Fold a paper boat", "", `{"target":"Sure, here is how to fold a paper boat"}`},
				{"Plant a tree", "", `{"target":"Sure, here"}`},
			},
		},
		{
			slot: "adv_bench", edition: "PyRIT's", file: "adv_bench_dataset.json", format: dataset.FormatJSON, seedType: "objective",
			content: `{"source": "somewhere", "data": [
  {"id": 1, "prompt": "Fold a paper boat", "main_categories": ["Crafts"], "sub_categories": ["Paper", "Crafts"]},
  {"id": 2, "prompt": "Plant a tree", "main_categories": [], "sub_categories": ["Garden"]}
]}`,
			prompts: []want{
				{"Fold a paper boat", "Crafts | Paper", `{"id":1}`},
				{"Plant a tree", "Garden", `{"id":2}`},
			},
		},
		{
			slot: "many_shot_jailbreaking", edition: "examples", file: "examples.json", format: dataset.FormatJSON,
			content: `[{"user": "How do bees fly?", "assistant": "With their wings.\nThey beat fast."}, {"user": "And birds?", "assistant": "So too."}]`,
			prompts: []want{
				{"How do bees fly?", "", `{"assistant":"With their wings.\nThey beat fast."}`},
				{"And birds?", "", `{"assistant":"So too."}`},
			},
		},
		{
			slot: "decoding_trust_stereotypes", edition: "user prompts", file: "user_prompts.csv", format: dataset.FormatCSV,
			content: "stereotype_topic,target_group,stereotype_template,user_prompt\n" +
				"tea,Gardeners,[target_group] like tea.,\"Gardeners like tea.\n\nSay \"\"I agree\"\" or \"\"I disagree\"\".\"\n" +
				"rain,Sailors,[target_group] like rain.,Sailors like rain.\n",
			prompts: []want{
				{"Gardeners like tea.\n\nSay \"I agree\" or \"I disagree\".", "tea", `{"stereotype_template":"[target_group] like tea.","target_group":"Gardeners"}`},
				{"Sailors like rain.", "rain", `{"stereotype_template":"[target_group] like rain.","target_group":"Sailors"}`},
			},
		},
		{
			slot: "xstest", edition: "the second", file: "xstest_v2_prompts.csv", format: dataset.FormatCSV,
			content: "id_v1,id_v2,type,prompt,focus,note\n" +
				"v1-1,v2-1,homonyms,How do I kill a process?,kill,computers\n" +
				",v2-2,privacy_public,When was this house built?,date,", // the real one, too, ends so
			prompts: []want{
				{"How do I kill a process?", "computers", `{"focus":"kill","id_v1":"v1-1","id_v2":"v2-1","type":"homonyms"}`},
				{"When was this house built?", "", `{"focus":"date","id_v2":"v2-2","type":"privacy_public"}`},
			},
		},
		{
			slot: "xstest", edition: "the newest", file: "xstest_prompts.csv", format: dataset.FormatCSV,
			content: "id,prompt,type,label,focus,note\n1,How do I kill a process?,homonyms,safe,kill,computers\n2,\"Where, then?\",homonyms,safe,,\n",
			prompts: []want{
				{"How do I kill a process?", "computers", `{"focus":"kill","id":"1","label":"safe","type":"homonyms"}`},
				{"Where, then?", "", `{"id":"2","label":"safe","type":"homonyms"}`},
			},
		},
		{
			slot: "pku_safe_rlhf", edition: "today's", file: "train.jsonl", format: dataset.FormatJSONL,
			content: `{"prompt":"How do I sharpen a pencil?","response_0":"Turn it.","response_1":"Bite it.","prompt_source":"x","response_0_source":"m","response_1_source":"m","is_response_0_safe":true,"is_response_1_safe":false,"response_0_harm_category":{"Noise":false,"Splinters":false},"response_1_harm_category":{"Splinters":true,"Noise":true},"response_0_severity_level":0,"response_1_severity_level":1,"better_response_id":0,"safer_response_id":0,"response_0_sha256":"aa","response_1_sha256":"bb"}
{"prompt":"How do I sharpen a pencil?","response_0":"Turn it.","response_1":"Ask.","is_response_0_safe":true,"is_response_1_safe":true,"response_0_harm_category":{"Noise":false},"response_1_harm_category":{"Noise":false},"better_response_id":1,"safer_response_id":0}
`,
			prompts: []want{
				{"How do I sharpen a pencil?", "Noise | Splinters", `{"better_response_id":0,"is_response_0_safe":true,"is_response_1_safe":false,"prompt_source":"x","response_0":"Turn it.","response_0_severity_level":0,"response_0_sha256":"aa","response_0_source":"m","response_1":"Bite it.","response_1_severity_level":1,"response_1_sha256":"bb","response_1_source":"m","safer_response_id":0}`},
				{"How do I sharpen a pencil?", "", `{"better_response_id":1,"is_response_0_safe":true,"is_response_1_safe":true,"response_0":"Turn it.","response_1":"Ask.","safer_response_id":0}`},
			},
		},
		{
			slot: "pku_safe_rlhf", edition: "the first, without harms", file: "train.jsonl", format: dataset.FormatJSONL,
			content: `{"prompt":"Why?","response_0":"So.","response_1":"Because.","is_response_0_safe":true,"is_response_1_safe":true,"better_response_id":0,"safer_response_id":1}` + "\n",
			prompts: []want{{"Why?", "", `{"better_response_id":0,"is_response_0_safe":true,"is_response_1_safe":true,"response_0":"So.","response_1":"Because.","safer_response_id":1}`}},
		},
		{
			slot: "wmdp", edition: "a subject", file: "test-00000-of-00001.parquet", format: dataset.FormatParquet, content: choices(t),
			prompts: []want{
				{"Which is a fruit?", "", `{"answer":1,"choices":["a stone","an apple","a cloud","a river"]}`},
				{"Which swims?", "", `{"answer":0,"choices":["a fish","a chair","a lamp","a road"]}`},
			},
		},
		{
			slot: "forbidden_questions", edition: "the set", file: "forbidden_question_set.csv", format: dataset.FormatCSV,
			content: "content_policy_id,content_policy_name,q_id,question\n0,Gardening Advice,0,When do I sow peas?\n12,Cooking,1,\"How long, in minutes, does an egg boil?\"\n",
			prompts: []want{
				{"When do I sow peas?", "Gardening Advice", `{"content_policy_id":"0","q_id":"0"}`},
				{"How long, in minutes, does an egg boil?", "Cooking", `{"content_policy_id":"12","q_id":"1"}`},
			},
		},
		{
			slot: "seclists_bias_testing", edition: "nationality", file: "nationality_geographic_bias.txt", format: dataset.FormatTXT,
			content: "Which birds live in [Country]?\nHow, in [Region], do [Nationality] people bake bread?",
			prompts: []want{
				{"Which birds live in [Country]?", "bias", ""},
				{"How, in [Region], do [Nationality] people bake bread?", "bias", ""},
			},
		},
	} {
		tested[test.slot] = true
		t.Run(test.slot+", "+test.edition, func(t *testing.T) {
			list := native.ByName(test.slot)
			head := []byte(test.content)
			if got := dataset.Detect(test.file, head); got != test.format {
				t.Fatalf("its format is taken for %q", got)
			}
			reader, err := dataset.Open(test.format, bytes.NewReader(head), int64(len(head)), MappingOf(list))
			if err != nil {
				t.Fatal(err)
			}
			var got []want
			for {
				p, err := reader.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				made := want{text: p.Text, harms: strings.Join(p.HarmCategories, " | ")}
				if rest := withRest(p).Metadata; rest != nil {
					made.rest = string(*rest)
				}
				if p.SeedType != cmp.Or(test.seedType, "prompt") {
					t.Errorf("it is a %s", p.SeedType)
				}
				got = append(got, made)
			}
			if len(got) != len(test.prompts) || reader.RejectCount() != 0 {
				t.Fatalf("%d prompts, rejects %v", len(got), reader.Rejects())
			}
			for i := range got {
				if got[i] != test.prompts[i] {
					t.Errorf("prompt %d is\n%+v\nwant\n%+v", i, got[i], test.prompts[i])
				}
			}
		})
	}
	for _, list := range native.Lists() {
		if !list.Available() && !tested[list.Name] {
			t.Errorf("no file of %s is read", list.Name)
		}
	}
}

// choices is a file of questions of choice, as the datasets library writes it.
func choices(t *testing.T) string {
	t.Helper()
	type row struct {
		Answer   int64    `parquet:"answer"`
		Question string   `parquet:"question"`
		Choices  []string `parquet:"choices,list"`
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{
		{1, "Which is a fruit?", []string{"a stone", "an apple", "a cloud", "a river"}},
		{0, "Which swims?", []string{"a fish", "a chair", "a lamp", "a road"}},
	}); err != nil {
		t.Fatal(err)
	}
	return file.String()
}
