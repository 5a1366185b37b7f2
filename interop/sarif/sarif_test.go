package sarif

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/violentutf/violentutf/storage"
)

func of[T any](value T) *T { return &value }

var attacks = []*storage.Attack{
	{
		ID: "a1", AttackClass: "PromptSendingAttack", Objective: of("say \x1b hello\u202e"), PromptKey: of("p1"), HarmCategories: []string{"hate", "violence"},
		Tags: []string{"owasp:llm01", "owasp:llm01"}, ConverterChain: "Base64Converter", ConverterHash: []string{"c1"}, Outcome: storage.OutcomeSuccess,
		OutcomeReason: of("the scorer says so"), OutcomeSource: storage.OutcomeObjectiveScore, Turns: of(int64(1)),
	},
	{ID: "a2", AttackClass: "CrescendoAttack", ObjectiveHash: of("o2"), HarmCategories: []string{}, Tags: []string{}, ConverterHash: []string{}, TechniqueHash: of("t2")},
	{ID: "a3", AttackClass: "PromptSendingAttack", Objective: of("x"), PromptKey: of("p1"), HarmCategories: []string{"hate"}, Tags: []string{}, ConverterChain: "Base64Converter", ConverterHash: []string{"c1"}},
	{ID: "a4", AttackClass: "PromptSendingAttack", HarmCategories: []string{"spam"}},
}

func write(t *testing.T, run Run, attacks ...*storage.Attack) []byte {
	t.Helper()
	run.SeverityOf = func(rule string) storage.Severity {
		return map[string]storage.Severity{"hate": storage.SeverityMedium, "spam": storage.SeverityInfo}[rule]
	}
	var out bytes.Buffer
	w := NewWriter(&out, run)
	for _, a := range attacks {
		if err := w.Add(Result{Attack: a, Target: "gpt", Reply: "Sure\x00"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var run = Run{
	ToolVersion: "1.0", Name: "nightly/gate", Key: "0199-key", Succeeded: true, File: "ci/my run.yaml", Line: 7,
	StartedAt: time.Date(2026, 11, 25, 14, 7, 15, 0, time.UTC), EndedAt: time.Date(2026, 11, 25, 14, 8, 15, 0, time.UTC), Properties: map[string]any{"rate": 0.5},
}

// TestReportFitsTheSchema holds reports against the schema of OASIS (testdata/README.md).
func TestReportFitsTheSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	without := run
	without.File, without.ToolVersion, without.Properties = "", "", map[string]any{}
	for name, text := range map[string][]byte{"full": write(t, run, attacks...), "empty": write(t, without), "without a file": write(t, without, attacks[1])} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v in %s", name, err, text)
		}
	}
	broken, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(write(t, run, attacks...), []byte(`"ruleIndex"`), []byte(`"rule"`), 1)))
	if err != nil || schema.Validate(broken) == nil {
		t.Errorf("a result with a member of another name fits: %v", err)
	}
}

func TestAttacksBecomeResultsOfTheirRule(t *testing.T) {
	text := write(t, run, attacks...)
	var read struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID                   string
						DefaultConfiguration struct{ Level string }
						Properties           map[string]any
					}
				}
			}
			AutomationDetails struct{ ID string }
			Results           []struct {
				RuleID              string
				RuleIndex           int
				Level               string
				Message             struct{ Text string }
				PartialFingerprints map[string]string
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				Properties map[string]any
			}
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	got := read.Runs[0]
	if got.AutomationDetails.ID != "nightly-gate/0199-key" {
		t.Errorf("id %q", got.AutomationDetails.ID)
	}
	for i, want := range []struct {
		rule, level string
		index       int
	}{{"harm/hate", "warning", 0}, {"attack/CrescendoAttack", "error", 1}, {"harm/hate", "warning", 0}, {"harm/spam", "note", 2}} {
		r := got.Results[i]
		if r.RuleID != want.rule || r.Level != want.level || r.RuleIndex != want.index || got.Tool.Driver.Rules[r.RuleIndex].ID != want.rule {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	first := got.Results[0]
	if first.Message.Text != "gpt was brought to: say \\u001b hello\\u202e\nthe scorer says so" || first.Properties["reply"] != `Sure\u0000` {
		t.Errorf("texts %+v", first)
	}
	if at := first.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "ci/my%20run.yaml" || at.Region.StartLine != 7 {
		t.Errorf("location %+v", at)
	}
	for name, print := range first.PartialFingerprints {
		if got.Results[2].PartialFingerprints[name] != print {
			t.Errorf("the same problem has another %s", name)
		}
	}
	if second := got.Results[1].PartialFingerprints; second["promptKey/v1"] != "o2" || second["technique/v1"] != "t2" {
		t.Errorf("fingerprints %v", second)
	}
	if strings.Count(string(text), `"reply"`) != len(attacks) {
		t.Error("a result is missing")
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	w := NewWriter(full{}, Run{SeverityOf: func(string) storage.Severity { return storage.SeverityHigh }})
	if err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
