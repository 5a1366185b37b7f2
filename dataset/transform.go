// Package dataset makes prompts of prompts: a template around each, a chain of converters
// through each. It streams, so that memory does not grow with a dataset.
package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/template"
)

// PlaceOfPrompt is where a template has the prompt that it is put around.
const PlaceOfPrompt = "prompt"

// MostCombinations is how many prompts a template makes of one.
const MostCombinations = 1_000

// Template is a template with what stands in its places beside the prompt.
type Template struct {
	body         *template.Template
	combinations []map[string]string
}

// NewTemplate reads a template and the values of its places, each a list of texts: each
// combination makes a prompt. BAD_USER_INPUT names template or values.
func NewTemplate(body string, values map[string][]string) (*Template, error) {
	parsed, err := template.Parse(body)
	if err != nil {
		return nil, storage.BadInput("template", "the template cannot be read: %s", err)
	}
	names := parsed.Names()
	if !slices.Contains(names, PlaceOfPrompt) {
		return nil, storage.BadInput("template", "the template has no place for the prompt: put {{ prompt }} where it belongs")
	}
	made := &Template{body: parsed, combinations: []map[string]string{{}}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) || name == PlaceOfPrompt {
			return nil, storage.BadInput("values", "the template has no place %q: it has %s", name, strings.Join(names, ", "))
		}
	}
	for _, name := range names {
		if name == PlaceOfPrompt {
			continue
		}
		if len(values[name]) == 0 {
			return nil, storage.BadInput("values", "the place %q has no value: give a text, or a list of texts", name)
		}
		if len(made.combinations)*len(values[name]) > MostCombinations {
			return nil, storage.BadInput("values", "the values make more than %d prompts of each: give fewer", MostCombinations)
		}
		more := make([]map[string]string, 0, len(made.combinations)*len(values[name]))
		for _, known := range made.combinations {
			for _, value := range values[name] {
				next := maps.Clone(known)
				next[name] = value
				more = append(more, next)
			}
		}
		made.combinations = more
	}
	return made, nil
}

// Combinations is how many prompts it makes of one.
func (t *Template) Combinations() int64 { return int64(len(t.combinations)) }

// Around gives each prompt in the template, once for each combination. One that replaces a
// prompt does so only if it is the only one.
func (t *Template) Around(next storage.NextPrompt) storage.NextPrompt {
	var from *storage.Prompt
	at := len(t.combinations)
	return func(ctx context.Context) (*storage.Prompt, error) {
		if at == len(t.combinations) {
			p, err := next(ctx)
			if err != nil {
				return nil, err
			}
			from, at = p, 0
		}
		values := maps.Clone(t.combinations[at])
		values[PlaceOfPrompt] = from.Text
		text, err := t.body.Render(values)
		if err != nil {
			return nil, storage.BadInput("template", "prompt %d cannot be put in: %s", from.Index, err)
		}
		at++
		delete(values, PlaceOfPrompt)
		return made(from, text, map[string]any{"templateValues": values}, len(t.combinations) == 1)
	}
}

// made is a prompt made of another one, which it replaces in a next version, if anything
// does.
func made(from *storage.Prompt, text string, more map[string]any, replaces bool) (*storage.Prompt, error) {
	p := *from
	p.Text, p.Number, p.Replaces = text, 0, 0
	if replaces {
		p.Replaces = max(from.Number, from.Replaces)
	}
	metadata := map[string]any{}
	if from.Metadata != nil {
		if err := json.Unmarshal([]byte(*from.Metadata), &metadata); err != nil {
			metadata = map[string]any{"metadata": *from.Metadata}
		}
	}
	maps.Copy(metadata, more)
	document, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("write the metadata of a prompt: %w", err)
	}
	kept := storage.JSON(document)
	p.Metadata = &kept
	return &p, nil
}

// Steps converts a text and keeps what each converter made.
type Steps func(ctx context.Context, text string, seed uint64) ([]converter.Step, error)

// Through sends each prompt through converters. The seed and each step's output but the
// last, which is the prompt, stand in its metadata.
func Through(next storage.NextPrompt, convert Steps, seed uint64) storage.NextPrompt {
	place := uint64(0)
	return func(ctx context.Context) (*storage.Prompt, error) {
		p, err := next(ctx)
		if err != nil {
			return nil, err
		}
		// Each prompt has its own stream of the seed.
		own := seed + place*0x9e3779b97f4a7c15
		place++
		steps, err := convert(ctx, p.Text, own)
		if bad, ok := errors.AsType[*storage.Error](err); ok && bad.Code == storage.CodeBadInput {
			return nil, storage.BadInput("converters", "prompt %d cannot be converted: %s", p.Index, bad.Message)
		}
		if err != nil || len(steps) == 0 {
			return p, err
		}
		// Seeds are written as text: JSON's numbers end at 2^53 in most readers.
		kept := make([]map[string]string, len(steps))
		for i, step := range steps {
			kept[i] = map[string]string{"type": step.Type, "output": step.Output}
		}
		delete(kept[len(kept)-1], "output")
		return made(p, steps[len(steps)-1].Output, map[string]any{"converterSeed": fmt.Sprint(own), "converterSteps": kept}, true)
	}
}
