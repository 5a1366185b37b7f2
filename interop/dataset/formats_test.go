package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/text/encoding/unicode"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

// short tells a prompt's fields in a line.
func short(p *storage.Prompt) string {
	out := fmt.Sprintf("%d %s %s %q %q", p.Index, p.SeedType, p.DataType, p.Text, p.HarmCategories)
	for _, field := range []struct {
		name string
		text *string
	}{
		{"role", p.Role},
		{"name", p.Name},
		{"group", p.GroupID},
		{"parameters", (*string)(p.Parameters)},
		{"metadata", (*string)(p.Metadata)},
		{"attributes", (*string)(p.Attributes)},
	} {
		if field.text != nil {
			out += " " + field.name + "=" + *field.text
		}
	}
	if p.Sequence != nil {
		out += fmt.Sprintf(" sequence=%d", *p.Sequence)
	}
	return out
}

// all reads to the end and checks what holds for any prompt.
func all(t testing.TB, r *Reader) (rows []string, err error) {
	t.Helper()
	for {
		p, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if p.Hash != storage.TextHash(p.Text) || p.Index != int64(len(rows)) || p.HarmCategories == nil {
			t.Fatalf("prompt %+v: its hash, index or list is wrong", p)
		}
		rows = append(rows, short(p))
	}
}

func utf16(t *testing.T, order unicode.Endianness, s string) string {
	t.Helper()
	encoded, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestFormats(t *testing.T) {
	const bom = "\ufeff"
	for _, test := range []struct {
		name    string
		format  Format
		file    string
		mapping Mapping
		rows    []string
		rejects []string
	}{
		{
			name: "csv with a quoted line end and other columns", format: FormatCSV,
			file: "Goal,Category,Source,id\n\"a \"\"b\"\"\r\nc\",\"Fraud, scams\",AdvBench,1\nd,,,\n",
			rows: []string{
				`0 prompt text "a \"b\"\nc" ["Fraud, scams"] attributes={"Source":"AdvBench","id":"1"}`,
				`1 prompt text "d" []`,
			},
		},
		{
			name: "csv of excel: byte order mark, semicolons, no last newline", format: FormatCSV,
			file: bom + "prompt;role\r\nhi, you;User", rows: []string{`0 prompt text "hi, you" [] role=USER`},
		},
		{
			name: "csv rejects rows by line and column, in characters", format: FormatCSV,
			file: "prompt,role,harm_categories\n\"ä\nö\",clown,a\nb,user\nc \"q\",user,x\nd,user,\"['e', 'f']\"\n\xff,user,x\n\"é\nß\",user,a\x00b\n,user,x\nz,user,a;b\n",
			rows: []string{`0 prompt text "d" ["e" "f"] role=USER`, `1 prompt text "z" ["a" "b"] role=USER`},
			rejects: []string{
				`line 3, column 4: role: is "clown" and not one of SYSTEM, USER, ASSISTANT, SIMULATED_ASSISTANT, TOOL, DEVELOPER`,
				`line 4, column 1: the row has 2 fields and the header 3: correct one`,
				`line 5, column 3: has a quote where none may be: put the whole field in quotes and double those inside`,
				`line 7, column 1: is not valid UTF-8: save the file as UTF-8`,
				`line 9, column 10: has the character U+0000, which no text may have: remove it`,
				`line 10, column 1: text: is empty: give the row a text or remove it`,
			},
		},
		{
			name: "csv by an explicit mapping", format: FormatCSV, file: "a,b,c,d\nx,p|q,1.0,\"{\"\"k\"\":[1.50]}\"\n",
			mapping: Mapping{
				FieldText: {Column: "a"}, FieldHarmCategories: {Column: "b", Separator: "|"}, FieldSequence: {Column: "c"},
				FieldMetadata: {Column: "d"}, FieldSeedType: {Constant: "objective"},
			},
			rows: []string{`0 objective text "x" ["p" "q"] metadata={"k":[1.50]} sequence=1`},
		},
		{
			name: "harms of several columns", format: FormatCSV, file: "a,b,c\nx,p|q,r|p\ny,,s\nz,,\n",
			mapping: Mapping{FieldText: {Column: "a"}, FieldHarmCategories: {Column: "b", Also: []string{"c"}, Separator: "|"}},
			rows:    []string{`0 prompt text "x" ["p" "q" "r"]`, `1 prompt text "y" ["s"]`, `2 prompt text "z" []`},
		},
		{
			name: "harms that are true", format: FormatJSONL,
			file: `{"prompt":"a","category":{"z":true,"y":false,"b":true}}` + "\n" + `{"prompt":"b","category":{"z":1}}` + "\n" + `{"prompt":"c","category":{"a\u0000":true}}` + "\n",
			rows: []string{`0 prompt text "a" ["b" "z"]`},
			rejects: []string{
				"line 2, column 26: harmCategories: is an object with more than true and false in it: write a list of texts",
				"line 3, column 26: harmCategories: has the character U+0000, which no text may have: remove it",
			},
		},
		{
			name: "another edition's columns", format: FormatCSV, file: "c,d\nx,y\n",
			mapping: Mapping{FieldText: {Column: "a", Or: []string{"b", "c"}}, FieldName: {Column: "n", Optional: true}},
			rows:    []string{`0 prompt text "x" [] attributes={"d":"y"}`},
		},
		{name: "tsv", format: FormatTSV, file: "question\ttopic\na,b\tc\n", rows: []string{`0 prompt text "a,b" ["c"]`}},
		{
			name: "utf-16 little endian", format: FormatCSV, file: utf16(t, unicode.LittleEndian, "prompt,name\n𝔞,ü\n"),
			rows: []string{`0 prompt text "𝔞" [] name=ü`},
		},
		{name: "utf-16 big endian", format: FormatTXT, file: utf16(t, unicode.BigEndian, "ä\nb\n"), rows: []string{`0 prompt text "ä" []`, `1 prompt text "b" []`}},
		{
			name: "damaged utf-16", format: FormatTXT, file: "\xff\xfea\x00\x00\xd8\n\x00b\x00", rows: []string{`0 prompt text "b" []`},
			rejects: []string{"line 1, column 2: has U+FFFD, which stands for damaged UTF-16: correct the text, or save the file as UTF-8 if it is meant"},
		},
		{
			name: "json list", format: FormatJSON,
			file: bom + "[\n {\"prompt\": \"a\", \"harm_categories\": [\"x\", \"y\"], \"n\": 1.50},\n  \"b\",\n {\"prompt\": \"c\\ud83d\\ude00\", \"metadata\": {\"z\": 1}}\n]\n",
			rows: []string{
				`0 prompt text "a" ["x" "y"] attributes={"n":1.50}`,
				`1 prompt text "b" []`, `2 prompt text "c😀" [] metadata={"z":1}`,
			},
		},
		{
			name: "json rejects", format: FormatJSON,
			file: "[{\"text\": \"ä\", \"role\": 5},\n{\"text\" \"b\"}, {\"text\": \"\\ud83d.\"},\n {\"text\": \"a\\u0000\"}, {\"text\": [1]}, 7, {\"text\": \"k\"}, , {\"text\": \"\xff\"}]",
			rows: []string{`0 prompt text "7" []`, `1 prompt text "k" []`},
			rejects: []string{
				`line 1, column 24: role: is "5" and not one of SYSTEM, USER, ASSISTANT, SIMULATED_ASSISTANT, TOOL, DEVELOPER`,
				`line 2, column 9: is not valid JSON (syntax error): correct it`,
				`line 2, column 25: has an unpaired surrogate, which is no character: correct the \u escape`,
				`line 3, column 11: text: has the character U+0000, which no text may have: remove it`,
				`line 3, column 32: text: is a list and not a text: map another column`,
				`line 3, column 56: has nothing between two commas: remove one`,
				`line 3, column 68: is not valid UTF-8: save the file as UTF-8`,
			},
		},
		{
			name: "json object with one list", format: FormatJSON,
			file: `{"version": 2, "behaviors": [{"goal": "a"}, {"goal": "b"}], "n": 2}`, rows: []string{`0 prompt text "a" []`, `1 prompt text "b" []`},
		},
		{
			name: "jsonl", format: FormatJSONL,
			file: "{\"question\": \"a\", \"category\": \"x\"}\n\n{\"question\": 3\n  {\"question\": \"b\", \"category\": null}",
			rows: []string{`0 prompt text "a" ["x"]`, `1 prompt text "b" []`}, rejects: []string{"line 3, column 15: is not valid JSON (it ends too early): correct it"},
		},
		{name: "jsonl of texts", format: FormatJSONL, file: "\"a\"\n\"b\"\n", rows: []string{`0 prompt text "a" []`, `1 prompt text "b" []`}},
		{name: "texts and objects", format: FormatYAML, file: "- one\n- text\n- {prompt: three}\n", rows: []string{`0 prompt text "one" []`, `1 prompt text "text" []`, `2 prompt text "three" []`}},
		{name: "json of texts and objects", format: FormatJSON, file: `["one", {"goal": "two"}]`, rows: []string{`0 prompt text "one" []`, `1 prompt text "two" []`}},
		{name: "txt", format: FormatTXT, file: "a\r\n\n  b \n", rows: []string{`0 prompt text "a" []`, `1 prompt text "  b " []`}},
		{
			name: "yaml list", format: FormatYAML,
			file: "- &p {prompt: a, category: x}\n- <<: *p\n  prompt: >\n    b\n    c\n- just text\n- prompt: 2021-01-01\n  n: 0x1F\n",
			rows: []string{`0 prompt text "a" ["x"]`, `1 prompt text "b c\n" ["x"]`, `2 prompt text "just text" []`, `3 prompt text "2021-01-01" [] attributes={"n":"0x1F"}`},
		},
		{
			name: "yaml rejects by row what YAML cannot be read with", format: FormatYAML,
			file: "- a\n- |\n  b\xff\n- c\n- \"d\\0\"\n- e\x00\n- f\n", rows: []string{`0 prompt text "a" []`, `1 prompt text "c" []`, `2 prompt text "f" []`},
			rejects: []string{
				"line 3, column 4: is not valid UTF-8: save the file as UTF-8",
				"line 5, column 3: text: has the character U+0000, which no text may have: remove it",
				"line 6, column 4: has the character U+0000, which no text may have: remove it",
			},
		},
		{
			name: "pyrit seeds", format: FormatYAML,
			file: `# a comment
dataset_name: d
description: said once
harm_categories: [violence]
source: lab
data_type: text
groups:
  - red
seeds:
  - value: >
      Tell {{ what }}
    parameters: [what]
    harm_categories: [hate, violence]
    prompt_group_alias: g1
    sequence: 0
    metadata: {level: 2}
  - value: pictures/a.png
    data_type: image_path
    role: system
    prompt_group_alias: g1
    sequence: 1
  - value: the aim
    seed_type: objective
  - seed_type: simulated_conversation
    num_turns: 2
    adversarial_chat_system_prompt_path: a.yaml
  - lone
`,
			rows: []string{
				`0 prompt text "Tell {{ what }}\n" ["violence" "hate"] role=USER group=g1 parameters=["what"] metadata={"level":2} attributes={"dataset_name":"d","groups":["red"],"source":"lab"} sequence=0`,
				`1 prompt image_path "pictures/a.png" ["violence"] role=SYSTEM group=g1 attributes={"dataset_name":"d","groups":["red"],"source":"lab"} sequence=1`,
				`2 objective text "the aim" ["violence"] attributes={"dataset_name":"d","groups":["red"],"source":"lab"}`,
				`3 simulated_conversation text "{\"adversarial_chat_system_prompt_path\":\"a.yaml\",\"num_turns\":2}" ["violence"] attributes={"adversarial_chat_system_prompt_path":"a.yaml","dataset_name":"d","groups":["red"],"num_turns":2,"source":"lab"}`,
				`4 prompt text "lone" ["violence"] role=USER attributes={"dataset_name":"d","groups":["red"],"source":"lab"}`,
			},
		},
		{
			name: "pyrit prompts of 0.9, a member that comes late", format: FormatYAML,
			file: "prompts:\n" + strings.Repeat("  - value: a\n", 30) + "  - value: b\n    harm_categories: x\n",
			rows: append(repeated(30, `%d prompt text "a" [] role=USER`), `30 prompt text "b" ["x"] role=USER`),
		},
		{name: "a pyrit template", format: FormatYAML, file: "name: t\nparameters:\n  - p\nvalue: Do {{ p }}\n", rows: []string{`0 prompt text "Do {{ p }}" [] name=t parameters=["p"]`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Open(test.format, strings.NewReader(test.file), int64(len(test.file)), test.mapping)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := all(t, r)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "rows", rows, test.rows)
			var rejects []string
			for _, reject := range r.Rejects() {
				rejects = append(rejects, reject.String())
			}
			same(t, "rejects", rejects, test.rejects)
		})
	}
}

func repeated(n int, format string) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(format, i))
	}
	return rows
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestParquet(t *testing.T) {
	type row struct {
		Prompt string   `parquet:"prompt"`
		Harms  []string `parquet:"harm_categories,list"`
		Role   *string  `parquet:"role,optional"`
		Score  float64  `parquet:"score"`
		Count  uint64   `parquet:"count"`
	}
	user := "user"
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{
		{"a", []string{"x", "y"}, &user, 0.5, 1 << 63},
		{"", nil, nil, 0, 0},
		{"b\x00", nil, nil, 0, 0},
		{"c", nil, nil, 1, 2},
	}); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]io.Reader{
		"from its end": bytes.NewReader(file.Bytes()),
		"as a stream":  struct{ io.Reader }{bytes.NewReader(file.Bytes())},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(FormatParquet, from, int64(file.Len()), nil)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := all(t, r)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "rows", rows, []string{
				`0 prompt text "a" ["x" "y"] role=USER attributes={"count":9223372036854775808,"score":0.5}`,
				`1 prompt text "c" [] attributes={"count":2,"score":1}`,
			})
			same(t, "rejects", []string{fmt.Sprint(r.Rejects())}, []string{
				"[line 2, column 1: text: is empty: give the row a text or remove it line 3, column 1: text: has the character U+0000, which no text may have: remove it]",
			})
		})
	}
	for cut := 1; cut < file.Len(); cut += 7 {
		from := bytes.NewReader(file.Bytes()[:file.Len()-cut])
		if r, err := Open(FormatParquet, from, from.Size(), nil); err == nil {
			_, err = all(t, r)
			t.Fatalf("a file without its last %d bytes is read: %v", cut, err)
		} else if storage.CodeOf(err) != storage.CodeBadInput {
			t.Fatal(err)
		}
	}
}

func TestGarakPromptsAreTakenOnce(t *testing.T) {
	for _, file := range []string{"garak/demo.report.jsonl", "garak/buffed.report.jsonl"} {
		report := read(t, testfiles.Path(t, file))
		if got := Detect("x.jsonl", report[:4096]); got != FormatGarak {
			t.Fatalf("%s is %q", file, got)
		}
		r, err := Open(FormatGarak, bytes.NewReader(report), int64(len(report)), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for {
			p, err := r.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if got[p.Text] || p.Attributes == nil || !strings.Contains(string(*p.Attributes), `"probe"`) {
				t.Fatalf("prompt %d is there twice or has no probe: %v", p.Index, p.Attributes)
			}
			got[p.Text] = true
		}
		want := map[string]bool{}
		for line := range bytes.Lines(report) {
			var entry struct {
				EntryType string `json:"entry_type"`
				Prompt    struct {
					Turns []struct {
						Role    string
						Content struct{ Text string }
					}
				}
			}
			if json.Unmarshal(line, &entry) == nil && entry.EntryType == "attempt" {
				last := ""
				for _, turn := range entry.Prompt.Turns {
					if turn.Role == "user" {
						last = turn.Content.Text
					}
				}
				want[last] = true
			}
		}
		delete(want, "")
		if len(want) == 0 || len(got) != len(want) || len(r.Rejects()) > 0 {
			t.Fatalf("%s: %d prompts and %v, want %d", file, len(got), r.Rejects(), len(want))
		}
		for text := range want {
			if !got[text] {
				t.Fatalf("%s: a prompt is missing", file)
			}
		}
	}
}

func TestGarakOfOtherVersions(t *testing.T) {
	file := strings.Join([]string{
		`"Namespace(model_type='test.Repeat')"`,
		`{"uuid": "1", "status": 2, "probe_classname": "probes.dan.Dan", "prompt": "a", "detector_results": {"x": [NaN, -Infinity]}}`,
		`{"entry_type": "attempt", "prompt": {"text": "b", "lang": "en"}, "outputs": ["\ud800"]}`,
		`{"entry_type": "attempt", "prompt": [{"role": "user", "content": "c"}, {"role": "assistant", "content": "no"}]}`,
		`{"entry_type": "attempt", "prompt": {"text": "a"}}`,
		`{"entry_type": "eval", "prompt": "no"}`,
	}, "\n")
	r, err := Open(FormatGarak, strings.NewReader(file), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := all(t, r)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "rows", rows, []string{
		`0 prompt text "a" [] attributes={"probe":"dan.Dan"}`,
		`1 prompt text "b" [] attributes={"language":"en"}`,
		`2 prompt text "c" []`,
	})
}

func TestNextStopsWithItsContext(t *testing.T) {
	r, err := Open(FormatTXT, strings.NewReader("a\n"), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestAttributesAreCanonicalJSON(t *testing.T) {
	tree := map[string]any{"b": json.Number("1.50"), "a": []any{"<&>", "\u2028", nil, true}, "c": map[string]any{"z": "", "y": "\n"}}
	want, err := storage.CanonicalJSON(tree)
	if err != nil {
		t.Fatal(err)
	}
	var got *storage.JSON
	if err := asJSON(&got, tree); err != nil || *got != want {
		t.Fatalf("got %s, %v, want %s", *got, err, want)
	}
}
