package kept

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func TestParametersAreReadInTheirOrder(t *testing.T) {
	for _, test := range []struct {
		format     storage.DocumentFormat
		text, want string
	}{
		{storage.FormatYAML, "# a run\nz: 1\na: [x, 'y', 1.5, true, null, 0x10]\nb:\n  c: >\n    two\n    lines\nd: 2024-01-02\n\"yes\": no\nbig: 12345678901234567890\n", `{"z":1,"a":["x","y",1.5,true,null,16],"b":{"c":"two lines\n"},"d":"2024-01-02","yes":"no","big":12345678901234567890}`},
		{storage.FormatYAML, "{a: <b>, \"\": 1}", `{"a":"<b>","":1}`},
		{storage.FormatJSON, " {\"z\": 1,\r\n \"a\": [\"\\u2603\", 1e2, {\"b\": null}], \"big\": 12345678901234567890}\n", `{"z":1,"a":["\u2603",1e2,{"b":null}],"big":12345678901234567890}`},
		{storage.FormatJSON, `{}`, `{}`},
	} {
		got, err := Parameters(test.format, test.text)
		if err != nil || string(got) != test.want || !json.Valid([]byte(got)) {
			t.Errorf("%q gives %s (%v), want %s", test.text, got, err, test.want)
		}
	}
}

func TestDocumentsAreRefusedWithTheirPlace(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)
	for _, test := range []struct {
		format     storage.DocumentFormat
		text, want string
	}{
		{storage.FormatYAML, "a: 1\nb: [\n", "line 2: this is not valid YAML"},
		{storage.FormatYAML, "a: 1\n b: 2\n", "line 2: this is not valid YAML"},
		{storage.FormatYAML, "", "line 1, column 1: the document must be named values"},
		{storage.FormatYAML, "- a\n", "line 1, column 1: the document must be named values"},
		{storage.FormatYAML, "a: 1\n---\nb: 2\n", "line 2, column 1: a second document"},
		{storage.FormatYAML, "a:\n  b: 1\n  b: 2\n", `line 3, column 3: "b" stands here a second time`},
		{storage.FormatYAML, "a: &x 1\nb: *x\n", "line 1, column 4: &x is an anchor"},
		{storage.FormatYAML, "a: &x [*x]\n", "line 1, column 4: &x is an anchor"},
		{storage.FormatYAML, "b: 1\n<<: {a: 1}\n", "line 2, column 1: a name must be a text"},
		{storage.FormatYAML, "1: a\n", "line 1, column 1: a name must be a text"},
		{storage.FormatYAML, "a: !!python/object x\n", "line 1, column 4: !!python/object"},
		{storage.FormatYAML, "a: !x [1]\n", "line 1, column 4: !x is no type"},
		{storage.FormatYAML, "a: .inf\n", "line 1, column 4: a number must be finite"},
		{storage.FormatYAML, "a: !!binary aGVsbG8=\n", "line 1, column 4: !!binary is no type"},
		{storage.FormatYAML, deep, "line 1, column 106: values stand at most 20"},
		{storage.FormatYAML, "a: [" + strings.Repeat("1,", maxNodes) + "]", "line 1, column 20001: a document has at most"},
		{storage.FormatJSON, "{\"a\": 1,\n \"b\" 2}", "line 2, column 6: this is not valid JSON"},
		{storage.FormatJSON, "{\"a\": 1,\n", "line 2, column 1: this is not valid JSON"},
		{storage.FormatJSON, "", "line 1, column 1: this is not valid JSON"},
		{storage.FormatJSON, "\n [1]", "line 2, column 2: the document must be named values"},
		{storage.FormatJSON, `{"ä": 1, "b": {"c": 1, "c": 2}}`, `line 1, column 24: "c" stands here a second time`},
		{storage.FormatJSON, `{"a": 1, "\u0061": 2}`, `line 1, column 10: "a" stands here a second time`},
		{storage.FormatJSON, deep, "line 1, column 106: values stand at most 20"},
		{storage.FormatJSON, `{"a": [` + strings.Repeat("1,", maxNodes) + "1]}", "line 1, column 20004: a document has at most"},
		{storage.FormatJSON, "{} {}", "line 1, column 4: this is not valid JSON"},
		{storage.FormatYAML, "a: \xff", "text must be UTF-8"},
		{storage.FormatYAML, strings.Repeat("#", maxDocumentBytes+1), "text is longer than"},
	} {
		_, err := Parameters(test.format, test.text)
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%.60q: %v, want %s", test.text, err, test.want)
		}
	}
}

// A document of 250 KB whose aliases would make 10^9 values is refused at its first
// anchor.
func TestAnAliasBombIsRefused(t *testing.T) {
	text := "a0: &a0 [x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	if _, err := Parameters(storage.FormatYAML, text); err == nil || !strings.HasPrefix(err.Error(), "line 1, column 5: &a0 is an anchor") {
		t.Error(err)
	}
}

func TestCredentialsInParametersAreRefusedWithTheirPlace(t *testing.T) {
	key := "sk-" + strings.Repeat("a1B2", 8)
	for _, test := range []struct {
		format     storage.DocumentFormat
		text, want string
	}{
		{storage.FormatYAML, "model: x\nauth:\n  api_key: " + key + "\n", "line 3, column 12: /auth/api_key looks like a credential"},
		{storage.FormatYAML, "note: use " + key + " today\n", "line 1, column 7: /note looks like a credential"},
		{storage.FormatJSON, "{\"db\": {\n  \"password\": \"hunter2hunter2\"}}", "line 2, column 15: /db/password looks like a credential"},
		{storage.FormatYAML, "a: 1\n# the key is " + key + "\n", "line 2: there is what looks like a credential"},
	} {
		_, err := Parameters(test.format, test.text)
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "a1B2") {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
	for _, fine := range []string{"max_tokens: 100\ntemperature: 0.7\n", "prompt: How do keys and tokens work?\n", "token_limit: 4000\n"} {
		if _, err := Parameters(storage.FormatYAML, fine); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
}

func TestATemplateOfPyRITIsRead(t *testing.T) {
	text := `---
name: A frame
description: What it is for.
authors:
  - One
  - Two
groups: [G]
source: https://frames.example/1
parameters:
  - prompt
harm_categories: [b, a]
data_type: text
is_general_technique: true
metadata: {x: 1}
value: >
  Say {{ prompt }}
  now.
`
	read, err := ReadTemplate(storage.FormatYAML, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckTemplate(read); err != nil {
		t.Fatal(err)
	}
	if read.Name != "A frame" || *read.Description != "What it is for." || *read.Source != "https://frames.example/1 by One, Two" ||
		read.Body != "Say {{ prompt }} now.\n" || len(read.Parameters) != 1 || !slices.Equal(read.HarmCategories, []string{"a", "b"}) {
		t.Errorf("%+v", read)
	}
	r, err := Render(read.Body, read.Parameters, Values{Prompt: new("it")})
	if err != nil || r.Text != "Say it now." {
		t.Errorf("%+v, %v", r, err)
	}
	fromJSON, err := ReadTemplate(storage.FormatJSON, `{"name": "J", "value": "{{ a }}", "tags": ["x"], "parameters": [{"name": "a", "description": "d", "default": "D"}]}`)
	if err != nil || *fromJSON.Parameters[0].Default != "D" || fromJSON.Tags[0] != "x" {
		t.Errorf("%+v, %v", fromJSON, err)
	}
}

func TestWhatIsNoTemplateIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\n":             "line 1, column 1: value: is missing",
		"value: a\n":            "line 1, column 1: name: is missing",
		"name: a\nvalue: [x]\n": "line 2, column 8: value: must be a text",
		"name: a\nvalue: x\nparameters: prompt\n":         "line 3, column 13: parameters: must be a list",
		"name: a\nvalue: x\nparameters: [{name: 1}]\n":    "line 3, column 13: parameters: must be a list of names, or",
		"name: a\nvalue: x\nparameters: [{nam: a}]\n":     "line 3, column 13: parameters: must be a list of names, or",
		"name: a\nvalue: x\ndata_type: image_path\n":      "line 3, column 12: data_type: a template is a text",
		"name: a\nvalue: x\nharm_categories: [1]\n":       "line 3, column 18: harm_categories: must be a list of texts",
		"name: a\nvalue: x\nvalues: y\n":                  "line 3, column 9: values: is no member",
		"name: a\nvalue: '{{ x }}'\nparameters: &p [x]\n": "line 3, column 13: &p is an anchor",
		"name: a\nvalue: x\nname: b\n":                    `line 3, column 1: "name" stands here a second time`,
		"name: a\nvalue: x\ndescription: {a: b}\n":        "line 3, column 14: description: must be a text",
	} {
		_, err := ReadTemplate(storage.FormatYAML, text)
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	base := func() *storage.Template {
		return &storage.Template{Kept: storage.Kept{Name: " frame ", Tags: []string{"b ", "a", "b"}}, Body: "{{ a }} {{ b }}", Source: new(" ")}
	}
	fine := base()
	if err := CheckTemplate(fine); err != nil {
		t.Fatal(err)
	}
	if fine.Name != "frame" || !slices.Equal(fine.Tags, []string{"a", "b"}) || fine.Source != nil || len(fine.Parameters) != 2 || fine.Parameters[1].Name != "b" {
		t.Errorf("%+v", fine)
	}
	for name, test := range map[string]struct {
		change func(*storage.Template)
		want   string
	}{
		"no name":      {func(t *storage.Template) { t.Name = " " }, "it needs a name"},
		"two lines":    {func(t *storage.Template) { t.Name = "a\nb" }, "it needs a name"},
		"no body":      {func(t *storage.Template) { t.Body = "\n" }, "a template needs a body"},
		"code":         {func(t *storage.Template) { t.Body = "x\n{{ a.b }}" }, "line 2, column 1: between"},
		"not declared": {func(t *storage.Template) { t.Parameters = []*storage.TemplateParameter{{Name: "a"}} }, "the body has a place for b"},
		"without a place": {func(t *storage.Template) {
			t.Parameters = []*storage.TemplateParameter{{Name: "a"}, {Name: "b"}, {Name: "c"}}
		}, "c has no place"},
		"twice":          {func(t *storage.Template) { t.Parameters = []*storage.TemplateParameter{{Name: "a"}, {Name: "a"}} }, "a is declared twice"},
		"no name of one": {func(t *storage.Template) { t.Parameters = []*storage.TemplateParameter{{Name: "a b"}} }, `"a b" is no name`},
		"a long default": {func(t *storage.Template) {
			t.Parameters = []*storage.TemplateParameter{{Name: "a", Default: new(strings.Repeat("x", maxParameterDefault+1))}}
		}, "a: default is longer"},
		"an empty tag": {func(t *storage.Template) { t.HarmCategories = []string{" "} }, "harmCategories holds an empty one"},
		"too many tags": {func(t *storage.Template) {
			for i := range 51 {
				t.Tags = append(t.Tags, fmt.Sprint(i))
			}
		}, "there may be 50 tags"},
		"a NUL": {func(t *storage.Template) { t.Body = "\x00" }, "body must be UTF-8"},
	} {
		wrong := base()
		test.change(wrong)
		if err := CheckTemplate(wrong); storage.CodeOf(err) != storage.CodeBadInput || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestValuesComeInTheirOrder(t *testing.T) {
	parameters := []*storage.TemplateParameter{{Name: "d", Default: new("default")}, {Name: "f", Default: new("default")}, {Name: "m"}}
	r, err := Render("{{ g }} {{ prompt }} {{ f }} {{ d }} {{ m }} {{ n }}", parameters, Values{
		Given: `{"g": "given", "n": 1.50, "x": true, "m": null}`, Prompt: new("{{ g }}"), File: `{"g": "file", "f": false, "list": [1], "prompt": "file", "y": 1}`,
	})
	if err != nil || r.Text != "given {{ g }} false default {{ m }} 1.50" || !slices.Equal(r.Missing, []string{"m"}) || !slices.Equal(r.Unused, []string{"x", "y"}) {
		t.Errorf("%+v, %v", r, err)
	}
	for name, values := range map[string]Values{"a list": {Given: `{"g": [1]}`}, "no object": {Given: `[1]`}, "too long": {Prompt: new(strings.Repeat("x", 1<<20))}} {
		if _, err := Render("{{ prompt }} {{ g }}", nil, values); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOurOwnTemplatesAskForNothingByThemselves(t *testing.T) {
	all := Natives()
	if len(all) < 8 || len(all) > 12 {
		t.Errorf("%d templates", len(all))
	}
	titles := map[string]bool{}
	for _, n := range all {
		if n.Title == "" || n.Description == "" || len(n.Tags) == 0 || titles[n.Title] {
			t.Errorf("%+v", n)
		}
		titles[n.Title] = true
		made, err := Native(n.Name)
		if err == nil {
			err = CheckTemplate(made)
		}
		if err != nil || *made.Native != n.Name {
			t.Errorf("%s: %+v, %v", n.Name, made, err)
		}
		// Every value that is not the request's has a default or a description.
		for _, p := range n.Parameters {
			if p.Description == nil {
				t.Errorf("%s.%s has no description", n.Name, p.Name)
			}
		}
		r, err := Render(n.Body, n.Parameters, Values{Prompt: new("How are clouds made?"), Given: `{"topic":"weather","first_part":"How are","second_part":"clouds made?"}`})
		if err != nil || len(r.Missing) > 0 || strings.Contains(r.Text, "{{") {
			t.Errorf("%s renders as %q, missing %v (%v)", n.Name, r.Text, r.Missing, err)
		}
	}
	if _, err := Native("none"); storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), "role_play") {
		t.Error(err)
	}
}

func FuzzParameters(f *testing.F) {
	for _, text := range []string{"a: 1\n", "{\"a\": [1, {\"b\": null}]}", "a: &x\n- *x", "<<: 1", "{", "? a\n: b\n", "a: |\n x\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []storage.DocumentFormat{storage.FormatYAML, storage.FormatJSON} {
			parameters, err := Parameters(format, text)
			if err != nil {
				if storage.CodeOf(err) != storage.CodeBadInput {
					t.Errorf("%s %q: %v", format, text, err)
				}
				continue
			}
			var values map[string]any
			if err := json.Unmarshal([]byte(parameters), &values); err != nil {
				t.Errorf("%s %q gives %q: %v", format, text, parameters, err)
			}
		}
	})
}
