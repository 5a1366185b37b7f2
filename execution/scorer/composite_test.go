package scorer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func has(text string) Configured {
	return Configured{"SubStringScorer", storage.JSON(`{"substring": "` + text + `"}`)}
}

func TestCompositesCombine(t *testing.T) {
	parts := workspace{model: &judgeModel{answers: []string{`{"score_value": 4, "rationale": "r"}`}}, scorers: map[string]Configured{
		"a": has("a"), "b": has("b"), "c": has("c"),
		"open":  {"DecodingScorer", `{}`}, // undetermined without a prompt
		"scale": {"SelfAskScaleScorer", `{"chat_target": "judge"}`},
	}}
	for _, c := range []struct {
		of, parameters, reply, want string
	}{
		{"TrueFalseCompositeScorer", `{"aggregator": "AND", "scorers": ["a", "b"]}`, "ab", "true"},
		{"TrueFalseCompositeScorer", `{"aggregator": "AND", "scorers": ["a", "b"]}`, "a", "false"},
		{"TrueFalseCompositeScorer", `{"aggregator": "AND", "scorers": ["a", "open"]}`, "a", "undetermined"},
		{"TrueFalseCompositeScorer", `{"aggregator": "AND", "scorers": ["a", "open"]}`, "x", "false"},
		{"TrueFalseCompositeScorer", `{"aggregator": "OR", "scorers": ["a", "b"]}`, "b", "true"},
		{"TrueFalseCompositeScorer", `{"aggregator": "OR", "scorers": ["a", "b"]}`, "x", "false"},
		{"TrueFalseCompositeScorer", `{"aggregator": "OR", "scorers": ["a", "open"]}`, "x", "undetermined"},
		{"TrueFalseCompositeScorer", `{"aggregator": "MAJORITY", "scorers": ["a", "b", "c"]}`, "ab", "true"},
		{"TrueFalseCompositeScorer", `{"aggregator": "MAJORITY", "scorers": ["a", "b"]}`, "a", "false"},
		{"TrueFalseCompositeScorer", `{"aggregator": "MAJORITY", "scorers": ["a", "b", "open"]}`, "a", "undetermined"},
		{"TrueFalseInverterScorer", `{"scorer": ["a"]}`, "a", "false"},
		{"TrueFalseInverterScorer", `{"scorer": ["open"]}`, "a", "undetermined"},
		{"FloatScaleThresholdScorer", `{"scorer": ["scale"], "threshold": 0.75}`, "a", "true"},
		{"FloatScaleThresholdScorer", `{"scorer": ["scale"], "threshold": 0.76}`, "a", "false"},
	} {
		made, err := New(c.of, storage.JSON(c.parameters), parts)
		if err != nil {
			t.Fatalf("%s: %v", c.parameters, err)
		}
		got, err := made.Score(t.Context(), Subject{Reply: c.reply})
		if err != nil || said(got) != c.want {
			t.Errorf("%s on %q: got %+v, %v, want %s", c.parameters, c.reply, got, err, c.want)
		}
		if !strings.Contains(string(made.Component().Identifier), `"sub_scorers":[{`) {
			t.Errorf("got %s", made.Component().Identifier)
		}
	}
}

func TestCompositesRefuseWhatCannotBe(t *testing.T) {
	parts := workspace{model: &judgeModel{}, scorers: map[string]Configured{
		"a":     has("a"),
		"scale": {"SelfAskScaleScorer", `{"chat_target": "judge"}`},
		"self":  {"TrueFalseInverterScorer", `{"scorer": ["self"]}`},
		"ping":  {"TrueFalseInverterScorer", `{"scorer": ["pong"]}`},
		"pong":  {"TrueFalseInverterScorer", `{"scorer": ["ping"]}`},
		"deep0": has("a"),
	}}
	for i := 1; i < 12; i++ {
		parts.scorers[fmt.Sprintf("deep%d", i)] = Configured{"TrueFalseInverterScorer", storage.JSON(fmt.Sprintf(`{"scorer": ["deep%d"]}`, i-1))}
		parts.scorers[fmt.Sprintf("wide%d", i)] = Configured{"TrueFalseCompositeScorer", storage.JSON(fmt.Sprintf(`{"aggregator": "OR", "scorers": ["wide%[1]d", "wide%[1]d", "wide%[1]d"]}`, i-1))}
	}
	parts.scorers["wide0"] = has("a")
	for _, c := range []struct{ of, parameters, field, says string }{
		{"TrueFalseInverterScorer", `{"scorer": ["self"]}`, "parameters.scorer", "contains itself"},
		{"TrueFalseInverterScorer", `{"scorer": ["ping"]}`, "parameters.scorer", "contains itself"},
		{"TrueFalseInverterScorer", `{"scorer": ["deep9"]}`, "parameters.scorer", "levels deep"},
		{"TrueFalseInverterScorer", `{"scorer": ["wide5"]}`, "parameters.scorers", "more than 64"},
		{"TrueFalseInverterScorer", `{"scorer": ["a", "a"]}`, "parameters.scorer", "exactly one"},
		{"TrueFalseInverterScorer", `{"scorer": ["scale"]}`, "parameters.scorer", "TRUE_FALSE"},
		{"TrueFalseCompositeScorer", `{"aggregator": "OR", "scorers": ["scale"]}`, "parameters.scorers", "FloatScaleThresholdScorer"},
		{"FloatScaleThresholdScorer", `{"scorer": ["a"], "threshold": 1}`, "parameters.scorer", "FLOAT_SCALE"},
	} {
		_, err := New(c.of, storage.JSON(c.parameters), parts)
		if fieldOf(err) != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v at %s", c.parameters, err, fieldOf(err))
		}
	}
	if _, err := New("TrueFalseInverterScorer", `{"scorer": ["deep6"]}`, parts); err != nil {
		t.Errorf("%d levels are allowed: %v", MaxDepth, err)
	}
}
