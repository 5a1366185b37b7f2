package storage

import (
	"errors"
	"testing"
)

func TestParametersAreCheckedAndCompleted(t *testing.T) {
	three, low, high := JSON("3"), 1.0, 5.0
	of := &ConfiguredType{Name: "T", Parameters: []*Parameter{
		{Name: "text", Kind: ParameterText, Required: true},
		{Name: "times", Kind: ParameterInteger, Default: &three, Minimum: &low, Maximum: &high},
		{Name: "mode", Kind: ParameterChoice, Choices: []string{"a", "b"}},
		{Name: "words", Kind: ParameterTexts},
		{Name: "on", Kind: ParameterBoolean},
		{Name: "any", Kind: ParameterJSON},
	}}
	values, err := of.Read(`{"text": "x", "mode": "b", "words": ["v", "w"], "any": {"a": 1}, "on": true}`)
	if err != nil {
		t.Fatal(err)
	}
	if values.Text("text") != "x" || values.Integer("times") != 3 || values.Text("mode") != "b" || len(values.Texts("words")) != 2 ||
		values.JSON("any") != `{"a":1}` || !values.Boolean("on") || values.Has("none") {
		t.Errorf("got %v", values)
	}
	for given, field := range map[JSON]string{
		``:                           "parameters.text",
		`[]`:                         "parameters",
		`{"text": 1}`:                "parameters.text",
		`{"text": "", "times": 0}`:   "parameters.times",
		`{"text": "", "times": 6}`:   "parameters.times",
		`{"text": "", "times": 1.5}`: "parameters.times",
		`{"text": "", "mode": "c"}`:  "parameters.mode",
		`{"text": "", "words": "v"}`: "parameters.words",
		`{"text": "", "on": 1}`:      "parameters.on",
		`{"text": "", "zzz": 1}`:     "parameters.zzz",
	} {
		_, err := of.Read(given)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeBadInput || e.Field != field {
			t.Errorf("%s: got %v, want BAD_USER_INPUT at %s", given, err, field)
		}
	}
}
