package runfile_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/runfile"
	"github.com/violentutf/violentutf/storage"
)

// environment are variables for tests.
func environment(name string) string {
	return map[string]string{"MOCK_KEY": "sk-mock-0123456789abcdef0123456789", "MOCK_URL": "http://127.0.0.1:1/v1"}[name]
}

const whole = `version: 1
name: nightly
workspace: red team
generators:
  target:
    type: OPENAI_COMPATIBLE
    credential: {env: MOCK_KEY}
    parameters:
      endpoint: {env: MOCK_URL}
      model: mock
  judge:
    type: HTTP_REST
    parameters:
      url: http://127.0.0.1:1/rest
      headers: {Authorization: {env: MOCK_KEY}}
converters:
  b64: {type: Base64Converter}
scorers:
  leak: {type: SubStringScorer, parameters: {substring: 2026-01-01}}
datasets:
  seeds:
    prompts:
      - one
      - {text: two, harmCategories: [hate]}
orchestrator:
  name: nightly
  type: PROMPT_SENDING
  generator: target
  dataset: seeds
  chains: [[], [b64]]
  scorers: [leak]
  objectiveScorer: leak
  parameters: {repetitions: 2}
  labels: {team: red}
  budget: {calls: 100, money: 1.5, currency: EUR}
failIf:
  - lower > 0.05
  - errors > 3
severities: {hate: CRITICAL}
`

func read(t *testing.T, text string) *runfile.File {
	t.Helper()
	file, err := runfile.Read("ci/run.yaml", []byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFileIsRead(t *testing.T) {
	file := read(t, whole)
	target := file.Things[storage.KindGenerators]["target"]
	if target.Parameters["api_key"] != environment("MOCK_KEY") || target.Parameters["endpoint"] != environment("MOCK_URL") || target.Line != 5 {
		t.Errorf("target %+v", target)
	}
	if date := file.Things[storage.KindScorers]["leak"].Parameters["substring"]; date != "2026-01-01" {
		t.Errorf("a date is %v", date)
	}
	if file.SeverityOf("hate") != storage.SeverityCritical || file.SeverityOf("other") != storage.SeverityHigh || len(file.FailIf) != 2 || file.Line != 25 {
		t.Errorf("%+v", file)
	}
}

func TestMistakesAreToldWithTheirPlaces(t *testing.T) {
	for name, c := range map[string]struct{ from, to, says string }{
		"unknown key":               {"name: nightly\nworkspace", "nmae: nightly\nworkspace", `ci/run.yaml:2:1: unknown key "nmae": expected one of converters, datasets`},
		"unknown key inside":        {"  scorers: [leak]", "  scorer: [leak]", `ci/run.yaml:31:3: unknown key "scorer"`},
		"key twice":                 {"  scorers: [leak]", "  scorers: [leak]\n  scorers: []", `ci/run.yaml:32:3: "scorers" is there twice`},
		"no YAML":                   {"name: nightly", "name: [", "this is not valid YAML"},
		"another version":           {"version: 1", "version: 2", "ci/run.yaml:1:10: this program reads version 1"},
		"no version":                {"version: 1\n", "", "say which form this is: version: 1"},
		"a credential":              {"credential: {env: MOCK_KEY}", "credential: sk-abcdefghijklmnop", "ci/run.yaml:7:17: a credential never stands in the file"},
		"a credential in a header":  {"{Authorization: {env: MOCK_KEY}}", "{Authorization: Bearer abcdefghijklmnop123}", "a credential stands in the file, at headers.Authorization"},
		"a credential as parameter": {"model: mock", "model: mock\n      api_key: abcdefghijklmnop123", "a credential stands in the file, at api_key"},
		"a credential twice":        {"model: mock", "model: mock\n      api_key: {env: MOCK_KEY}", "the credential is given twice"},
		"a type without one":        {"    type: HTTP_REST", "    type: HTTP_REST\n    credential: {env: MOCK_KEY}", "HTTP_REST has no parameter that is its credential"},
		"variable not set":          {"{env: MOCK_URL}", "{env: NOTHING}", "ci/run.yaml:9:17: the environment variable NOTHING is not set"},
		"alias":                     {"model: mock", "model: *mock", "this is not valid YAML: unknown anchor"},
		"anchor":                    {"model: mock", "model: &mock mock", "&mock is an anchor"},
		"merge":                     {"model: mock", "<<: {model: mock}", "a name must be a text"},
		"two documents":             {"version: 1", "version: 1\n---\nversion: 1", "a second document begins"},
		"no orchestrator":           {"orchestrator:\n  name: nightly\n  type: PROMPT_SENDING\n", "other:\n  name: x\n", "an orchestrator is missing"},
		"orchestrator's type":       {"PROMPT_SENDING", "SENDING", `"SENDING" is no type of orchestrators: use one of PROMPT_SENDING`},
		"no type":                   {"b64: {type: Base64Converter}", "b64: {}", `"b64" has no type`},
		"condition":                 {"lower > 0.05", "lowr > 0.05", "ci/run.yaml:37:5: \"lowr > 0.05\" is no condition: at column 1"},
		"severity":                  {"CRITICAL", "BAD", "a severity is INFO"},
		"two sources":               {"    prompts:", "    native: x\n    prompts:", "give one of prompts, native and file"},
		"no such list":              {"    prompts:\n      - one\n      - {text: two, harmCategories: [hate]}", "    native: nothing", `there is no list "nothing": use one of`},
		"mapping without file":      {"    prompts:", "    mapping: {text: a}\n    prompts:", "format and mapping belong to a file"},
		"number":                    {"calls: 100", "calls: many", "expected a whole number"},
		"list":                      {"  scorers: [leak]", "  scorers: leak", "ci/run.yaml:31:12: expected a list"},
		"empty file":                {whole, "", "the file is empty"},
		"a list":                    {whole, "- a", "expected names and values"},
	} {
		if !strings.Contains(whole, c.from) {
			t.Fatalf("%s: the file has no %q", name, c.from)
		}
		_, err := runfile.Read("ci/run.yaml", []byte(strings.Replace(whole, c.from, c.to, 1)), environment)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want one that says %q", name, err, c.says)
		}
		if err != nil && (strings.Contains(err.Error(), "sk-") || strings.Contains(err.Error(), "abcdefghijklmnop")) {
			t.Errorf("%s: a credential is told: %v", name, err)
		}
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := runfile.Read("ci/run.yaml", []byte(strings.NewReplacer("CRITICAL", "BAD", "lower > 0.05", "lower", "version: 1", "version: x").Replace(whole)), environment)
	if err == nil || strings.Count(err.Error(), "ci/run.yaml:") != 3 {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("version: 1\norchestrator: {name: [a], type: {env: X}}\ndatasets: {a: {prompts: [{}]}}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, _ = runfile.Read("run.yaml", content, environment)
	})
}
