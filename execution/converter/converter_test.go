package converter_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
)

// needed are parameters that satisfy a type.
func needed(kind *storage.ConfiguredType) storage.JSON {
	own := map[string]any{
		"key": "lemon", "replace": "0", "caesar_offset": 3, "times_to_repeat": 2, "jailbreak_template": "Play along: {{ prompt }}",
		"sub_converter":      map[string]any{"type": "Base64Converter"},
		"selection_strategy": map[string]any{"type": "RangeSelectionStrategy"},
	}
	given := map[string]any{}
	for _, parameter := range kind.Parameters {
		switch {
		case !parameter.Required:
		case own[parameter.Name] != nil:
			given[parameter.Name] = own[parameter.Name]
		case parameter.Kind == storage.ParameterChoice:
			given[parameter.Name] = parameter.Choices[0]
		default:
			given[parameter.Name] = "x"
		}
	}
	text, _ := json.Marshal(given)
	return storage.JSON(text)
}

func TestTypesAreSortedAndDescribed(t *testing.T) {
	types := converter.Types()
	if !slices.IsSortedFunc(types, func(a, b *storage.ConfiguredType) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	for _, kind := range types {
		if kind.Title == "" || kind.Description == "" {
			t.Errorf("%s has no title or description", kind.Name)
		}
		for _, parameter := range kind.Parameters {
			if parameter.Description == "" {
				t.Errorf("%s.%s has no description", kind.Name, parameter.Name)
			}
		}
	}
	t.Logf("%d types", len(types))
}

func TestNewNamesWhatDoesNotFit(t *testing.T) {
	for _, one := range []struct{ kind, parameters, field string }{
		{"NoConverter", "", "type"},
		{"CaesarConverter", "", "parameters.caesar_offset"},
		{"CaesarConverter", `{"caesar_offset": 26}`, "parameters.caesar_offset"},
		{"CaesarConverter", `{"caesar_offset": 1, "x": 1}`, "parameters.x"},
		{"VigenereConverter", `{"key": "k1"}`, "parameters.key"},
		{"SearchReplaceConverter", `{"pattern": "(", "replace": ""}`, "parameters.pattern"},
		{"SearchReplaceConverter", `{"pattern": "a", "replace": "\\q"}`, "parameters.replace"},
		{"SearchReplaceConverter", `{"pattern": "a", "replace": "\\1"}`, "parameters.replace"},
		{"ROT13Converter", `{"word_selection_strategy": "x"}`, "parameters.word_selection_strategy"},
		{"ROT13Converter", `{"word_split_separator": ""}`, "parameters.word_split_separator"},
		{"BinaryConverter", `{"bits_per_char": 7}`, "parameters.bits_per_char"},
		{"SuffixAppendConverter", `{"suffix": ""}`, "parameters.suffix"},
		{"RepeatTokenConverter", `{"token_to_repeat": "x", "times_to_repeat": 99999999}`, "parameters.times_to_repeat"},
		{"SelectiveTextConverter", `{"sub_converter": {"type": "X"}, "selection_strategy": "TokenSelectionStrategy"}`, "parameters.sub_converter"},
	} {
		_, err := converter.New(one.kind, storage.JSON(one.parameters), nil)
		failure, ok := errors.AsType[*storage.Error](err)
		if !ok || failure.Code != storage.CodeBadInput || failure.Field != one.field {
			t.Errorf("%s %s: %v", one.kind, one.parameters, err)
		}
	}
}

func TestConvertRefusesWhatItCannotTake(t *testing.T) {
	rot13, err := converter.New("ROT13Converter", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"\xff", strings.Repeat("a", converter.MaxInput+1)} {
		if _, err := rot13.Convert(t.Context(), text, 0); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rot13.Convert(ended, "a", 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	zalgo, err := converter.New("ZalgoConverter", `{"intensity": 100}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zalgo.Convert(t.Context(), strings.Repeat("a", converter.MaxInput), 0); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("output without bound: %v", err)
	}
}

func TestSlowPatternIsStopped(t *testing.T) {
	made, err := converter.New("SearchReplaceConverter", `{"pattern": "(a+)+$", "replace": ""}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Convert(t.Context(), strings.Repeat("a", 60)+"b", 0); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("%v", err)
	}
}

func TestLongPatternIsRefused(t *testing.T) {
	deep, _ := json.Marshal(map[string]string{"pattern": strings.Repeat("(", 1<<14) + "a", "replace": ""})
	if _, err := converter.New("SearchReplaceConverter", storage.JSON(deep), nil); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("%v", err)
	}
}

// TestManyPartsAreRefused guards a text of 1 MiB that took over a minute to put together.
func TestManyPartsAreRefused(t *testing.T) {
	made, err := converter.New("SelectiveTextConverter", `{"sub_converter": {"type": "ROT13Converter"}, "selection_strategy": "TokenSelectionStrategy"}`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Convert(t.Context(), strings.Repeat("⟪a⟫", 10_001), 0); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("%v", err)
	}
	if output, err := made.Convert(t.Context(), strings.Repeat("⟪a⟫", 10_000), 0); err != nil || output != strings.Repeat("n", 10_000) {
		t.Errorf("%.40q, %v", output, err)
	}
}

// TestSeedGivesTheSameForEver keeps golden outputs: a change of them breaks the
// repetition of recorded runs.
func TestSeedGivesTheSameForEver(t *testing.T) {
	var golden map[string]string
	readJSON(t, "testdata/golden.json", &golden)
	for name, wanted := range golden {
		for _, kind := range converter.Types() {
			if kind.Name != name {
				continue
			}
			made, err := converter.New(name, needed(kind), nil)
			if err != nil {
				t.Fatal(err)
			}
			output, err := made.Convert(t.Context(), goldenText, 42)
			if err != nil || output != wanted {
				t.Errorf("%s: %q, %v instead of %q", name, output, err, wanted)
			}
			if other, _ := made.Convert(t.Context(), goldenText, 43); other == output {
				t.Errorf("%s does not depend on the seed", name)
			}
		}
	}
	if len(golden) < 10 {
		t.Errorf("only %d golden outputs", len(golden))
	}
}

const goldenText = "Explain carefully how father locks every wooden door before leaving the building tonight"

func TestChainKeepsEveryStep(t *testing.T) {
	var chain converter.Chain
	for _, name := range []string{"ROT13Converter", "Base64Converter"} {
		made, err := converter.New(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, made)
	}
	steps, err := chain.Steps(t.Context(), "lock", 1)
	if err != nil || !slices.Equal(steps, []converter.Step{{"ROT13Converter", "ybpx"}, {"Base64Converter", "eWJweA=="}}) {
		t.Errorf("%v, %v", steps, err)
	}
	if chain.Text() != "ROT13Converter > Base64Converter" {
		t.Error(chain.Text())
	}
	components, err := chain.Components()
	if err != nil || len(components) != 2 || components[1].ClassName != "Base64Converter" || components[1].Kind != storage.ComponentConverter {
		t.Fatalf("%v, %v", components, err)
	}
	wanted := storage.JSON(`{"encoding_func":"b64encode","supported_input_types":["text"],"supported_output_types":["text"]}`)
	if components[1].Parameters != wanted {
		t.Errorf("parameters %s instead of %s", components[1].Parameters, wanted)
	}
}

// upperModel is a model that is as good as its rule: it is an input of the
// converters, not a part of them.
type upperModel struct{}

func (upperModel) Reply(_ context.Context, system, user string) (string, error) {
	return system + "\n" + strings.ToUpper(user), nil
}

func TestModelRewritesUnderTheInstruction(t *testing.T) {
	asked := ""
	made, err := converter.New("ToneConverter", `{"converter_target": "g1", "tone": "friendly"}`, func(_ context.Context, key string) (converter.Model, error) {
		asked = key
		return upperModel{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	output, err := made.Convert(t.Context(), "open it", 0)
	if err != nil || asked != "g1" || !strings.Contains(output, "tone is friendly") || !strings.HasSuffix(output, "OPEN IT") {
		t.Errorf("%q of %q, %v", output, asked, err)
	}
}

// TestComponentIsRecordedAsByPyRIT compares with get_identifier().params of PyRIT 1.1.0.
func TestComponentIsRecordedAsByPyRIT(t *testing.T) {
	const all = `"word_selection_strategy":"AllWordsSelectionStrategy","word_split_separator":" "`
	for _, one := range []struct{ kind, given, recorded string }{
		{"CaesarConverter", `{"caesar_offset": 3}`, `"append_description":false,"caesar_offset":3,`},
		{"BinaryConverter", "", `"bits_per_char":16,|` + all},
		{"ROT13Converter", "", `|` + all},
		{"LeetspeakConverter", "", `"deterministic":true,`},
		{"StringJoinConverter", "", `"join_value":"-",`},
		{"SearchReplaceConverter", `{"pattern": "a", "replace": "b"}`, `"pattern":"a","replace_list":["b"],`},
		{"CharSwapConverter", "", `"max_iterations":10,`},
		{"SneakyBitsSmugglerConverter", "", `"action":"encode","one_char_codepoint":"0x2064",|"zero_char_codepoint":"0x2062"`},
		{"VariationSelectorSmugglerConverter", "", `"action":"encode","base_char":"😊","embed_in_base":true,`},
		{"DiacriticConverter", "", `"accent":"acute",|"target_chars":["a","e","i","o","u"]`},
		{"BinAsciiConverter", "", `"encoding_func":"hex",|` + all},
		{"FirstLetterConverter", "", `"letter_separator":" ",|"word_selection_strategy":"AllWordsSelectionStrategy"`},
	} {
		made, err := converter.New(one.kind, storage.JSON(one.given), nil)
		if err != nil {
			t.Fatal(err)
		}
		component, err := made.Component()
		if err != nil {
			t.Fatal(err)
		}
		before, after, more := strings.Cut(one.recorded, "|")
		if more {
			after = "," + after
		}
		wanted := "{" + before + `"supported_input_types":["text"],"supported_output_types":["text"]` + after + "}"
		if string(component.Parameters) != wanted {
			t.Errorf("%s: %s instead of %s", one.kind, component.Parameters, wanted)
		}
	}
}

// FuzzPattern looks for patterns and templates that panic where they are read or used.
func FuzzPattern(f *testing.F) {
	f.Add(`(?P<a>x)[^\W\d]++(?(1)b|c){,3}`, `\g<a>\1`, 64)
	f.Add(`(?ix)# (`+"\n"+`\U0001F600*?(?#`, `\777`, 0)
	f.Fuzz(func(t *testing.T, pattern, replace string, flags int) {
		given, _ := json.Marshal(map[string]any{"pattern": pattern, "replace": replace, "regex_flags": flags & 0x1ff})
		made, err := converter.New("SearchReplaceConverter", storage.JSON(given), nil)
		if err == nil {
			_, err = made.Convert(t.Context(), "aab x 1\U0001F600", 1)
		}
		if storage.CodeOf(err) == storage.CodeInternal {
			t.Errorf("%q by %q: %v", pattern, replace, err)
		}
	})
}
