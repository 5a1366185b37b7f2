package template

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// testdata/jinja.json holds what Jinja 3.1.6 made of each body, with StrictUndefined as
// PyRIT 1.1.0 has it.
func TestBodiesRenderAsInJinja(t *testing.T) {
	raw, err := os.ReadFile("testdata/jinja.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Body, Rendered, Error string
		Values                map[string]string
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 20 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		read, err := Parse(v.Body)
		if v.Error != "" {
			if err == nil {
				t.Errorf("%q is read, and Jinja refuses it", v.Body)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", v.Body, err)
			continue
		}
		if got, err := read.Render(v.Values); err != nil || got != v.Rendered {
			t.Errorf("%q renders as %q (%v), in Jinja as %q", v.Body, got, err, v.Rendered)
		}
	}
}

func TestWhatIsMissingAndUnusedIsNamed(t *testing.T) {
	read, err := Parse("{{ b }} {{a}} {{ b }}")
	if err != nil {
		t.Fatal(err)
	}
	if names := read.Names(); !slices.Equal(names, []string{"b", "a"}) {
		t.Errorf("names %v", names)
	}
	values := map[string]string{"a": "{{ b }}", "z": "", "c": ""}
	text, missing, err := read.Fill(values)
	if err != nil || text != "{{ b }} {{ b }} {{ b }}" || !slices.Equal(missing, []string{"b"}) {
		t.Errorf("%q, missing %v, %v", text, missing, err)
	}
	if unused := read.Unused(values); !slices.Equal(unused, []string{"c", "z"}) {
		t.Errorf("unused %v", unused)
	}
	_, err = read.Render(values)
	if lack, ok := errors.AsType[*MissingError](err); !ok || !slices.Equal(lack.Names, []string{"b"}) {
		t.Errorf("rendered with %v", err)
	}
}

func TestWhatJinjaWouldRunIsRefusedWithItsPlace(t *testing.T) {
	for body, want := range map[string]string{
		"{{ 7*7 }}":                          "line 1, column 1: between",
		"a\r\nä {{ x|upper }}":               "line 2, column 3: between",
		"{{ x.__class__ }}":                  "line 1, column 1: between",
		"{{- x }}":                           "line 1, column 1: between",
		"{{ 'x' ~ 'y' }}":                    "line 1, column 1: a quoted text",
		`{{ "\n" }}`:                         "line 1, column 1: a quoted text",
		"{{ 'x":                              "line 1, column 1: a quoted text",
		"{{ true }}":                         "line 1, column 1: between",
		"{{ 1a }}":                           "line 1, column 1: between",
		"{{ ä }}":                            "line 1, column 1: between",
		"{{ }}":                              "line 1, column 1: between",
		"{{":                                 "line 1, column 1: {{ has no }}",
		"x {% if a %}":                       "line 1, column 3: no statement",
		"{%- raw %}a{% endraw %}":            "line 1, column 1: no statement",
		"{% raw %} {% endraw":                "line 1, column 1: {% raw %} has no",
		"{# note #}":                         "line 1, column 1: {# begins a comment",
		"\xff":                               "line 1, column 1: a template is a text",
		strings.Repeat("x", MaxBodyBytes+1):  "line 1, column 1: a template has at most",
		strings.Repeat("{{a}}", MaxPlaces+1): "line 1, column 5001: a template has at most",
		"{{ " + strings.Repeat("a", MaxNameBytes+1) + " }}":       "line 1, column 1: between",
		strings.Repeat("\n", 3) + "{%raw%}" + "{{" + "{% endra%}": "line 4, column 1: {% raw %} has no",
	} {
		_, err := Parse(body)
		if _, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", body, err, want)
		}
	}
}

func TestTheRenderedTextIsBounded(t *testing.T) {
	read, err := Parse(strings.Repeat("{{a}}", MaxPlaces))
	if err != nil {
		t.Fatal(err)
	}
	most := MaxOutputBytes / MaxPlaces
	if text, err := read.Render(map[string]string{"a": strings.Repeat("x", most)}); err != nil || len(text) != most*MaxPlaces {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	_, err = read.Render(map[string]string{"a": strings.Repeat("x", most+1)})
	if _, ok := errors.AsType[*TooLongError](err); !ok {
		t.Errorf("rendered too much with %v", err)
	}
}

// Were the time not in proportion to the length, this would take minutes.
func TestBracesAreReadInOnePass(t *testing.T) {
	for _, piece := range []string{"{", "{ ", "}", "{%raw%}{{%endraw%}"} {
		if _, err := Parse(strings.Repeat(piece+"x", MaxBodyBytes/(len(piece)+1))); err != nil {
			t.Errorf("%q: %v", piece, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{"{{ a }}", "{% raw %}{{{% endraw %}\n", "a\r\n{", "{{", "{%", "{#"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		read, err := Parse(body)
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, name := range read.Names() {
			values[name] = "{{ " + name + " }}"
		}
		// What stands in the places is not read again.
		text, err := read.Render(values)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range read.Names() {
			if !strings.Contains(text, "{{ "+name+" }}") {
				t.Errorf("%q lost the value of %s: %q", body, name, text)
			}
		}
	})
}
