package converter_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
)

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	if err := json.NewDecoder(open(t, path)).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// open opens a file of the test data, unpacked.
func open(t *testing.T, path string) io.Reader {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return file
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	return unpacked
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
	readJSON(t, "testdata/vectors.json.gz", &file)
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

// TestSameAsPyRITAtRandom compares random texts under random parameters, which
// testdata/make_random.py had PyRIT convert. What PyRIT refuses, we refuse at latest
// when converting.
func TestSameAsPyRITAtRandom(t *testing.T) {
	rows, cases := json.NewDecoder(open(t, "testdata/random.json.gz")), 0
	for {
		var row struct {
			Converter  string
			Parameters json.RawMessage
			Inputs     []string
			Outputs    []*string
			Fails      bool
		}
		if err := rows.Decode(&row); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		made, err := converter.New(row.Converter, storage.JSON(row.Parameters), nil)
		if (err != nil) != row.Fails {
			t.Errorf("%s %s: %v, and PyRIT fails: %v", row.Converter, row.Parameters, err, row.Fails)
		}
		for at, text := range row.Inputs {
			if err != nil {
				break
			}
			cases++
			output, err := made.Convert(t.Context(), text, 1)
			switch wanted := row.Outputs[at]; {
			case wanted == nil && err == nil:
				t.Errorf("%s %s of %q: %q instead of an error", row.Converter, row.Parameters, short(text), short(output))
			case wanted != nil && (err != nil || output != *wanted):
				t.Errorf("%s %s of %q: %q, %v instead of %q", row.Converter, row.Parameters, short(text), short(output), err, short(*wanted))
			}
		}
	}
	if cases < 5000 {
		t.Errorf("only %d cases", cases)
	}
	t.Logf("%d cases", cases)
}
