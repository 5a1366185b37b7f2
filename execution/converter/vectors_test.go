package converter_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
)

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

// TestSharedVectors compares with the vectors that the project keeps for all its parts.
func TestSharedVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Converter  string
			Parameters json.RawMessage
			Cases      []struct{ Input, Output string }
		}
	}
	readJSON(t, "testdata/converter-vectors.json", &file)
	cases := 0
	for _, vector := range file.Vectors {
		made, err := converter.New(vector.Converter, storage.JSON(vector.Parameters), nil)
		if err != nil {
			t.Errorf("%s %s: %v", vector.Converter, vector.Parameters, err)
			continue
		}
		for _, one := range vector.Cases {
			cases++
			output, err := made.Convert(t.Context(), one.Input, 1)
			if err != nil || output != one.Output {
				t.Errorf("%s %s of %q: %q, %v instead of %q", vector.Converter, vector.Parameters, one.Input, output, err, one.Output)
			}
		}
	}
	if cases != 272 {
		t.Errorf("%d cases instead of 272", cases)
	}
}

// TestSameAsPyRIT compares with what testdata/make_vectors.py had PyRIT convert. Where
// PyRIT fails (null), so must we.
func TestSameAsPyRIT(t *testing.T) {
	var file struct {
		Inputs  []string
		Vectors []struct {
			Converter  string
			Parameters json.RawMessage
			Outputs    map[string]*string
		}
	}
	readJSON(t, "testdata/vectors.json", &file)
	cases := 0
	for _, vector := range file.Vectors {
		made, err := converter.New(vector.Converter, storage.JSON(vector.Parameters), nil)
		if err != nil {
			t.Errorf("%s %s: %v", vector.Converter, vector.Parameters, err)
			continue
		}
		for place, wanted := range vector.Outputs {
			cases++
			at, err := strconv.Atoi(place)
			if err != nil {
				t.Fatal(err)
			}
			output, err := made.Convert(t.Context(), file.Inputs[at], 1)
			switch {
			case wanted == nil && err == nil:
				t.Errorf("%s %s of %q: %q instead of an error", vector.Converter, vector.Parameters, short(file.Inputs[at]), short(output))
			case wanted != nil && (err != nil || output != *wanted):
				t.Errorf("%s %s of %q: %q, %v instead of %q", vector.Converter, vector.Parameters, short(file.Inputs[at]), short(output), err, short(*wanted))
			}
		}
	}
	t.Logf("%d cases", cases)
}

func short(text string) string { return text[:min(len(text), 160)] }
