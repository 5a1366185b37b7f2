package evidence_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/evidence"
	"github.com/violentutf/violentutf/storage"
)

func replayed(t *testing.T, attack *storage.Attack, thread *storage.Thread, target *storage.Component, format storage.ReplayFormat) string {
	t.Helper()
	text, err := evidence.Replay(attack, thread, target, format)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func chat(endpoint, model string) *storage.Component {
	return &storage.Component{ClassName: "OpenAIChatTarget", Endpoint: &endpoint, Model: &model, Parameters: `{"temperature":0.5,"seed":7,"api_key":"sk-secret","top_p":"1; touch owned"}`}
}

var attack = &storage.Attack{Number: 12, Source: storage.SourcePyRIT, SourceID: "id\ntouch owned", Objective: new("{{ 7*7 }}\n"), HarmCategories: []string{"a: b\n- c"}}

// The command runs in a real shell, in which curl is a function that shows what it was
// given; what the conversation says must arrive there, and nothing of it may run.
func TestACurlCommandSendsWhatWasSaid(t *testing.T) {
	thread := talk(hostile...)
	endpoint := "https://user:sk-secret@example.org/v1/chat/completions?key=sk-secret&api-version=2024'$(touch owned)#sk-secret"
	script := replayed(t, attack, thread, chat(endpoint, "model'\"$(touch owned)"), storage.ReplayCurl)
	folder := t.TempDir()
	command := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\n' "$@" >arguments; cat >body; }; . ./script`)
	command.Dir, command.Env = folder, append(os.Environ(), "API_KEY=key-of-the-environment")
	if err := os.WriteFile(filepath.Join(folder, "script"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	body, err := os.ReadFile(filepath.Join(folder, "body"))
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		Model       string
		Temperature float64
		Seed        int
		Messages    []struct{ Role, Content string }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for i, message := range request.Messages {
		if message.Content != hostile[i] || message.Role != "user" {
			t.Errorf("%q arrives as %+v", hostile[i], message)
		}
	}
	if len(request.Messages) != len(hostile) || request.Model != "model'\"$(touch owned)" || request.Temperature != 0.5 || request.Seed != 7 {
		t.Errorf("the request is %+v", request)
	}
	arguments, err := os.ReadFile(filepath.Join(folder, "arguments"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"https://example.org/v1/chat/completions?api-version=2024%27%24%28touch+owned%29\n", "Authorization: Bearer key-of-the-environment\n"} {
		if !strings.Contains(string(arguments), wanted) {
			t.Errorf("no %q among the arguments %s", wanted, arguments)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "owned")); err == nil || strings.Contains(script, "sk-secret") {
		t.Errorf("something of the conversation ran, or a secret is in\n%s", script)
	}
}

// python3 reads the script itself: its literals must be what was said, and none of it code.
func TestAScriptForPyRITHoldsOnlyLiterals(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no python3")
		}
		t.Skip("there is no python3")
	}
	thread := talk(hostile...)
	thread.Messages[0].Role = storage.RoleSystem
	script := replayed(t, attack, thread, chat("https://example.org/v1", "model\""), storage.ReplayPyRIT)
	command := exec.CommandContext(t.Context(), python, "-c", `
import ast, json, sys
tree = ast.parse(sys.stdin.buffer.read().decode())
turns = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "turns").body[0].value
system = next(n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "SYSTEM_PROMPT").value
print(json.dumps([ast.literal_eval(system)] + [text for turn in turns.elts for text in ast.literal_eval(turn.elts[0])]))`)
	command.Stdin = strings.NewReader(script)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v in\n%s", err, script)
	}
	var texts []string
	if err := json.Unmarshal(out, &texts); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(texts, hostile) {
		t.Errorf("got %q\nwant %q", texts, hostile)
	}
	if strings.Contains(script, "sk-secret") || !strings.Contains(script, "temperature=0.5,\n        seed=7,\n") || strings.Contains(script, "top_p") {
		t.Errorf("the target is not as it was in\n%s", script)
	}
}

// Only what is sure to do the same is rebuilt; otherwise the recorded text is sent.
func TestConvertersAreRebuiltOnlyWhenTheyAreKnown(t *testing.T) {
	for _, test := range []struct{ class, parameters, want string }{
		{"Base64Converter", `{"encoding_func":"b64encode","supported_input_types":["text"]}`, `(["plain"], [Base64Converter(encoding_func="b64encode")])`},
		{"ROT13Converter", `{"word_selection_strategy":"AllWordsSelectionStrategy","word_split_separator":" "}`, `(["plain"], [ROT13Converter()])`},
		{"CaesarConverter", `{"caesar_offset":3,"append_description":false}`, `(["plain"], [CaesarConverter(append_description=False, caesar_offset=3)])`},
		{"CaesarConverter", `{}`, `(["converted"], [])`},
		{"ROT13Converter", `{"word_selection_strategy":"WordRegexSelectionStrategy"}`, `(["converted"], [])`},
		{"Base64Converter", `{"encoding_func":["x"]}`, `(["converted"], [])`},
		{"Base64Converter", `not JSON`, `(["converted"], [])`},
		{"TranslationConverter", `{}`, `(["converted"], [])`},
		{"os\nimport evil", `{}`, `(["converted"], [])`},
	} {
		thread := talk("plain")
		thread.Messages[0].ConvertedValue, thread.Messages[0].ConverterHash = "converted", []string{"h"}
		thread.Converters["h"] = &storage.Component{Hash: "h", ClassName: test.class, Parameters: storage.JSON(test.parameters)}
		script := replayed(t, attack, thread, nil, storage.ReplayPyRIT)
		if !strings.Contains(script, test.want) || strings.Contains(script, "\nimport evil") {
			t.Errorf("%s %s: no %s in\n%s", test.class, test.parameters, test.want, script)
		}
		if imported := strings.Contains(script, "import "+test.class+"\n"); imported != strings.Contains(test.want, test.class) {
			t.Errorf("%s is imported: %t", test.class, imported)
		}
	}
}

func TestSeedsAreTheObjectiveAndThePrompts(t *testing.T) {
	text := replayed(t, attack, talk(hostile...), nil, storage.ReplaySeedYAML)
	var set struct {
		Harms []string `yaml:"harm_categories"`
		Seeds []struct {
			Value    string
			Type     string `yaml:"seed_type"`
			Role     string
			Sequence int
		}
	}
	if err := yaml.Unmarshal([]byte(text), &set); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(set.Seeds) != len(hostile)+1 || set.Seeds[0].Type != "objective" || set.Seeds[1].Role != "user" || set.Seeds[2].Sequence != 1 || set.Harms[0] != "a: b\n- c" {
		t.Errorf("the set is %+v", set)
	}
	// What Jinja makes of the expressions, undone by hand; pyrit_test.go asks PyRIT.
	render := strings.NewReplacer(`{{ '{' }}`, "{", `{{ '\r' }}`, "\r", `{{ '\n' }}`, "\n")
	for i, seed := range set.Seeds[1:] {
		if got := render.Replace(seed.Value); got != hostile[i] {
			t.Errorf("%q became %q", hostile[i], got)
		}
		for _, opening := range []string{"{%", "{#", "{{{"} {
			if strings.Contains(seed.Value, opening) {
				t.Errorf("%q opens Jinja's %s", seed.Value, opening)
			}
		}
	}
}

func TestARequestEndsWithTheLastUserTurn(t *testing.T) {
	thread := talk("system", "first", "picture", "no", "second", "yes", "42")
	roles := []storage.Role{storage.RoleSystem, storage.RoleUser, storage.RoleUser, storage.RoleAssistant, storage.RoleUser, storage.RoleAssistant, storage.RoleTool}
	for i, message := range thread.Messages {
		message.Role = roles[i]
	}
	picture := thread.Messages[2]
	picture.Sequence, picture.Piece, picture.DataType = 1, 1, "image_path"
	script := replayed(t, attack, thread, nil, storage.ReplayCurl)
	for _, wanted := range []string{"1.1 (image_path), 6.0 (result of a tool).", `"$ENDPOINT/chat/completions"`, `"model": "MODEL"`, `"content": "no"`, `"content": "second"`} {
		if !strings.Contains(script, wanted) {
			t.Errorf("no %s in\n%s", wanted, script)
		}
	}
	if strings.Contains(script, `"picture"`) || strings.Contains(script, `"yes"`) {
		t.Errorf("more than the conversation up to the last user turn in\n%s", script)
	}
	for _, message := range thread.Messages {
		message.DataType = "image_path"
	}
	for _, format := range []storage.ReplayFormat{storage.ReplayCurl, storage.ReplayPyRIT, storage.ReplaySeedYAML} {
		if text := replayed(t, attack, thread, nil, format); text != "" {
			t.Errorf("without text %s is %s", format, text)
		}
		if _, err := evidence.Replay(attack, &storage.Thread{More: true}, nil, format); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s of too many messages: %v", format, err)
		}
	}
}
