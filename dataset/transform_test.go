package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/dataset"
	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
)

// prompts gives prompts of these texts.
func prompts(texts ...string) storage.NextPrompt {
	at := int64(0)
	return func(context.Context) (*storage.Prompt, error) {
		if at == int64(len(texts)) {
			return nil, io.EOF
		}
		at++
		return &storage.Prompt{Number: 10 + at, Index: at - 1, Text: texts[at-1], HarmCategories: []string{"h"}}, nil
	}
}

func all(t *testing.T, next storage.NextPrompt) (made []*storage.Prompt) {
	t.Helper()
	for {
		p, err := next(t.Context())
		if errors.Is(err, io.EOF) {
			return made
		}
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, p)
	}
}

func TestEachCombinationMakesAPrompt(t *testing.T) {
	around, err := dataset.NewTemplate("{{ greeting }}, {{ who }}: {{ prompt }}", map[string][]string{"greeting": {"Hi", "Oi"}, "who": {"you", "all"}})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range all(t, around.Around(prompts("a", "b"))) {
		texts = append(texts, p.Text)
		if p.Number != 0 || p.Replaces != 0 || p.HarmCategories[0] != "h" {
			t.Errorf("%+v", p)
		}
	}
	if got := strings.Join(texts, "; "); got != "Hi, you: a; Hi, all: a; Oi, you: a; Oi, all: a; Hi, you: b; Hi, all: b; Oi, you: b; Oi, all: b" || around.Combinations() != 4 {
		t.Error(got)
	}
}

func TestOnePromptOfOneReplacesIt(t *testing.T) {
	around, err := dataset.NewTemplate("say {{ prompt }}", nil)
	if err != nil {
		t.Fatal(err)
	}
	chain := converter.Chain{}
	for _, name := range []string{"ROT13Converter", "Base64Converter"} {
		made, err := converter.New(name, "{}", nil)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, made)
	}
	made := all(t, dataset.Through(around.Around(prompts("abc")), chain.Steps, 7))
	if len(made) != 1 || made[0].Replaces != 11 || made[0].Number != 0 || made[0].Text != "Zm5sIG5vcA==" {
		t.Fatalf("%+v", made[0])
	}
	if got, want := string(*made[0].Metadata), `{"converterSeed":"7","converterSteps":[{"output":"fnl nop","type":"ROT13Converter"},{"type":"Base64Converter"}],"templateValues":{}}`; got != want {
		t.Error(got)
	}
}

func TestTemplatesThatDoNotFitAreRefused(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, c := range map[string]struct {
		body   string
		values map[string][]string
		field  string
	}{
		"without the prompt":    {"hello", nil, "template"},
		"code":                  {"{% for x in y %}{{ prompt }}{% endfor %}", nil, "template"},
		"a place without value": {"{{ a }} {{ prompt }}", nil, "values"},
		"a value without place": {"{{ prompt }}", map[string][]string{"a": {"x"}}, "values"},
		"a value for a prompt":  {"{{ prompt }}", map[string][]string{"prompt": {"x"}}, "values"},
		"too many":              {"{{ a }}{{ b }}{{ prompt }}", map[string][]string{"a": many, "b": many}, "values"},
	} {
		_, err := dataset.NewTemplate(c.body, c.values)
		if bad, ok := errors.AsType[*storage.Error](err); !ok || bad.Code != storage.CodeBadInput || bad.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPromptThatCannotBeConvertedIsNamed(t *testing.T) {
	refuse := func(context.Context, string, uint64) ([]converter.Step, error) {
		return nil, fmt.Errorf("step 1: %w", storage.BadInput("text", "it has no letters"))
	}
	_, err := dataset.Through(prompts("1"), refuse, 0)(t.Context())
	if bad, ok := errors.AsType[*storage.Error](err); !ok || bad.Field != "converters" || !strings.Contains(bad.Message, "prompt 0") {
		t.Error(err)
	}
}
