package dataset

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// readAll opens and reads, and gives the first error of either.
func readAll(t testing.TB, format Format, file string, size int64, l limits) (*Reader, error) {
	r, err := open(format, struct{ io.Reader }{strings.NewReader(file)}, size, nil, l)
	if err != nil {
		return nil, err
	}
	_, err = all(t, r)
	return r, err
}

func TestBrokenEndIsAnErrorOfTheWhole(t *testing.T) {
	for _, test := range []struct {
		name   string
		format Format
		file   string
		want   string
	}{
		{"csv in a row", FormatCSV, "prompt,role,n\na,user,1\nb,us", "line 3 is broken off"},
		{"csv in quotes", FormatCSV, "prompt,role\na,user\n\"b\nc,user\n", "line 4 is broken off"},
		{"json in a list", FormatJSON, "[{\"prompt\": \"a\"},\n{\"prompt\": \"b\"}", "line 2 is broken off"},
		{"json in a text", FormatJSON, "[{\"prompt\": \"a\"},\n{\"prompt\": \"b", "line 2 is broken off"},
		{"json in an object", FormatJSON, "{\"prompts\": [{\"prompt\": \"a\"},\n{\"prompt\"", "line 2 is broken off"},
		{"jsonl", FormatJSONL, "{\"prompt\": \"a\"}\n{\"prompt\": \"b", "line 2 is broken off"},
		{"jsonl that ends in a newline", FormatJSONL, "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"\n", "line 2 is broken off"},
		{"yaml", FormatYAML, "- a\n- \"b", "line 2 is broken off"},
		{"garak", FormatGarak, "{\"entry_type\": \"attempt\", \"prompt\": \"a\"}\n{\"entry_type\": \"att", "line 2 is broken off"},
		{"utf-16", FormatTXT, "\xff\xfea\x00\n\x00b", "within a character of UTF-16"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readAll(t, test.format, test.file, 0, standard)
			if !errors.Is(err, io.ErrUnexpectedEOF) || storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
	for _, format := range []Format{FormatCSV, FormatTXT, FormatYAML, FormatParquet} {
		if _, err := readAll(t, format, "prompt\na\n", 10, standard); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s shorter than announced: %v", format, err)
		}
	}
}

func TestLimits(t *testing.T) {
	small := limits{row: 50, held: 400, document: 2000, rows: 5, rejects: 3, marks: 100, expanded: 1000}
	long := strings.Repeat("x", 60)
	for _, test := range []struct {
		name   string
		format Format
		file   string
		want   string // of the error; a reject's begins with line
	}{
		{"csv row", FormatCSV, "prompt\na\n" + long + "\nb\n", "line 3, column 1: the row has more than 50 bytes"},
		{"csv row without end", FormatCSV, "prompt\na\n\"" + strings.Repeat(long, 200), "is a quote in it not closed?"},
		{"tsv row", FormatTSV, "prompt\na\n" + long + "\nb\n", "line 3, column 1: the row has more than 50 bytes"},
		{"json row", FormatJSON, "[\"a\",\n \"" + long + "\", \"b\"]", "line 2, column 2: the row has more than 50 bytes"},
		{"jsonl row", FormatJSONL, "\"a\"\n\"" + long + "\"\n\"b\"", "line 2, column 1: the row has more than 50 bytes"},
		{"txt row", FormatTXT, "a\n" + strings.Repeat(long, 2000) + "\nb", "line 2, column 1: the row has more than 50 bytes"},
		{"yaml row", FormatYAML, "- a\n- " + long + "\n- b\n", "line 2, column 3: the row has more than 50 bytes"},
		{"rows", FormatTXT, "a\nb\nc\nd\ne\nf\n", "more than 5 rows"},
		{"rejects", FormatCSV, "prompt,role\na,x\nb,x\nc,x\nd,user\n", "3 rows are no prompts, the first at line 2, column 3"},
		{"yaml document", FormatYAML, "- " + strings.Repeat("y", 2100), "the most for yaml"},
		{"json document", FormatJSON, "{\"a\": \"" + strings.Repeat("y", 2100) + "\"}", "the most for json"},
		{"parquet stream", FormatParquet, "PAR1" + strings.Repeat("y", 2100), "the most for parquet"},
		{"yaml nodes", FormatYAML, "[" + strings.Repeat("a,", 200) + "]", "more than 100 lines and values"},
		{"yaml bomb", FormatYAML, "a: &a [x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nprompts: [*c,*c]\n", "aliases"},
		{"yaml that is in itself", FormatYAML, "- &a [*a]\n", "aliases"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := readAll(t, test.format, test.file, 0, small)
			if strings.HasPrefix(test.want, "line ") {
				if err != nil || len(r.Rejects()) != 1 || !strings.HasPrefix(r.Rejects()[0].String(), test.want) || r.index != 2 {
					t.Fatalf("got %v with %v, want %q and two rows", err, r.Rejects(), test.want)
				}
				return
			}
			if storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestErrorsNameTheFieldAndTheRemedy(t *testing.T) {
	for _, test := range []struct {
		name    string
		format  Format
		file    string
		mapping Mapping
		field   string
		want    string
	}{
		{"no format", "xlsx", "a", nil, "format", "name csv"},
		{"nothing", FormatCSV, "", nil, "file", "empty"},
		{"no text column", FormatCSV, "a,b\n1,2\n", nil, "mapping.text", `map text to one of "a", "b"`},
		{"unknown column", FormatCSV, "a,b\n1,2\n", Mapping{FieldText: {Column: "c"}}, "mapping.text", `no column "c"`},
		{"unknown field", FormatCSV, "a\n1\n", Mapping{"colour": {Column: "a"}}, "mapping", `"colour"`},
		{"neither", FormatCSV, "a\n1\n", Mapping{FieldText: {}}, "mapping.text", "a column or a constant"},
		{"one text for all", FormatCSV, "a\n1\n", Mapping{FieldText: {Constant: "a"}}, "mapping.text", "name its column"},
		{"bad constant", FormatCSV, "a\n1\n", Mapping{FieldText: {Column: "a"}, FieldRole: {Constant: "clown"}}, "mapping.role", "not one of SYSTEM"},
		{"no such further column", FormatCSV, "a,b\n1,2\n", Mapping{FieldText: {Column: "a"}, FieldHarmCategories: {Column: "b", Also: []string{"c"}}}, "mapping.harmCategories", `no column "c"`},
		{"a text of two columns", FormatCSV, "a,b\n1,2\n", Mapping{FieldText: {Column: "a", Also: []string{"b"}}}, "mapping.text", "only a list of harm categories"},
		{"equal columns", FormatCSV, "a,a\n1,2\n", nil, "file", "rename one"},
		{"two lists", FormatJSON, `{"a": [], "b": []}`, nil, "file", `"a", "b"`},
		{"no list", FormatYAML, "a: 1\n", nil, "file", "put them under prompts"},
		{"after the list", FormatJSON, `["a"] x`, nil, "file", "column 7"},
		{"lines called json", FormatJSON, "{\"a\": 1}\n{\"a\": 2}\n", nil, "format", "jsonl"},
		{"bad yaml", FormatYAML, "- a: b: c\n- d\n- e\n", nil, "file", "line 1"},
		{"utf-32", FormatTXT, "\xff\xfe\x00\x00a\x00\x00\x00", nil, "file", "UTF-8"},
		{"hitlog", FormatGarak, `{"attempt_id": "1", "attempt_idx": 0, "detector": "d", "prompt": "a"}`, nil, "file", "hitlog"},
		{"no parquet", FormatParquet, "PAR1 and no more", nil, "file", "Parquet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := Open(test.format, strings.NewReader(test.file), 0, test.mapping)
			if err == nil {
				_, err = all(t, r)
			}
			bad, ok := errors.AsType[*storage.Error](err)
			if !ok || bad.Code != storage.CodeBadInput || bad.Field != test.field || !strings.Contains(bad.Message, test.want) {
				t.Fatalf("got %v (%+v), want %q about %s", err, bad, test.want, test.field)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		name, head string
		want       Format
	}{
		{"a.CSV", "x", FormatCSV},
		{"a.tsv", "x", FormatTSV},
		{"a.json", "[", FormatJSON},
		{"a.json", "{\"a\": 1}\n{\"a\": 2}\n", FormatJSONL},
		{"a.jsonl", "{", FormatJSONL},
		{"a.prompt", "x", FormatYAML},
		{"a.txt", "prompt,category\n", FormatTXT},
		{"a", "PAR1....", FormatParquet},
		{"a.parquet", "x", ""},
		{"a.jsonl", "{\"entry_type\": \"start_run setup\"}\n", FormatGarak},
		{"a", " [1", FormatJSON},
		{"a", "{\n \"prompts\"", FormatJSON},
		{"a", "\ufeffid,\"prompt\"\n1,a\n", FormatCSV},
		{"a", "id\tgoal\n1\ta\n", FormatTSV},
		{"a", "# PyRIT\nname: x\n", FormatYAML},
		{"a", "---\n- a\n", FormatYAML},
		{"a", "How are you, dear?\n", FormatTXT},
		{"a", "\xff\xfei\x00d\x00,\x00g\x00o\x00a\x00l\x00\n\x00", FormatCSV},
		{"a", "SQLite format 3\x00", ""},
		{"a", "", ""},
		{"a.html", "<!DOCTYPE html>\n", ""},
		{"a.htm", "prompt,category\n", ""},
		{"a.", "How are you, dear?\n", FormatTXT},
		{"a.log", "{\"entry_type\": \"start_run setup\"}\n", FormatGarak},
	} {
		if got := Detect(test.name, []byte(test.head)); got != test.want {
			t.Errorf("%s with %q is %q, want %q", test.name, test.head, got, test.want)
		}
	}
}

func TestPreviewProposesAMapping(t *testing.T) {
	r, err := Open(FormatCSV, strings.NewReader("Behavior,SemanticCategory,tags\na,x,y\n,x,y\nb,x,y\nc,x,y\n"), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	preview, err := r.Preview(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(preview.Prompts) != 2 || len(preview.Rejects) != 1 || preview.Whole || len(preview.Columns) != 3 ||
		preview.Mapping[FieldText].Column != "Behavior" || preview.Mapping[FieldHarmCategories].Column != "SemanticCategory" {
		t.Fatalf("got %+v", preview)
	}
	r, err = Open(FormatCSV, strings.NewReader("a,b\n1,2\n"), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if preview, err = r.Preview(t.Context(), 2); err != nil || len(preview.Columns) != 2 || len(preview.Mapping) != 0 {
		t.Fatalf("got %+v, %v", preview, err)
	}
}

func fuzz(f *testing.F, format Format, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	small := limits{row: 200, held: 1000, document: 4000, rows: 50, rejects: 10, marks: 300, expanded: 2000}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := open(format, bytes.NewReader(file), int64(len(file)), nil, small)
		if err == nil {
			_, err = all(t, r)
			for _, reject := range r.Rejects() {
				if reject.Line < 1 || reject.Column < 1 || reject.Reason == "" || reject.Line > int64(bytes.Count(file, []byte("\n")))+1 {
					t.Fatalf("%+v is no place", reject)
				}
			}
		}
		if err != nil && storage.CodeOf(err) != storage.CodeBadInput {
			t.Fatalf("%v has no code", err)
		}
	})
}

func FuzzCSV(f *testing.F) {
	fuzz(f, FormatCSV, "prompt,role\n\"a\nb\",user\n", "a;b\r\n1;\"2\"\"\"", "\n\n\"", "\xff\xfea\x00", "prompt\n\n\n\"x\" \n")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, FormatJSON, `[{"prompt": "a", "role": "user"}, "b"]`, `{"prompts": [{"value": "\ud83d"}], "role": 3}`, "[1,,2]", `[}]`, `{"a":[]`)
}

func FuzzYAML(f *testing.F) {
	fuzz(f, FormatYAML, "- a\n- {prompt: b}\n", "seeds:\n  - value: x\n    sequence: 1\n", "- &a [*a]", "a: &a {<<: *a}", "- \"\\0\"\n- \xff")
}

func TestAnyNumberOfRowsCanBePassedOver(t *testing.T) {
	text := "prompt,role\n" + strings.Repeat("a,nobody\n", 3000) + "b,user\n"
	r, err := Open(FormatCSV, strings.NewReader(text), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.PassOver()
	prompt, err := r.Next(t.Context())
	if err != nil || prompt.Text != "b" || prompt.Index != 0 || len(r.Rejects()) != 1000 || r.RejectCount() != 3000 {
		t.Errorf("%v, %v after %d of %d rejects", prompt, err, len(r.Rejects()), r.RejectCount())
	}
}
