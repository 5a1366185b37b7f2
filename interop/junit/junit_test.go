package junit

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var suite = Suite{
	Name: `nightly "gate" <1>`, StartedAt: time.Date(2026, 11, 25, 14, 7, 15, 0, time.UTC), Took: 4200*time.Second + 1500*time.Microsecond,
	Counts:     storage.ExecutionSummary{Attacks: 4, Successes: 1, Failures: 1, Undetermined: 1, Errors: 1},
	Properties: []Property{{"rate", "0.5"}, {"model", "a & b"}},
}

var cases = []Case{
	{Name: "say \x1b[31m<hello>\x00\n & bye", Class: "nightly.Base64Converter > ROT13Converter", Outcome: storage.OutcomeSuccess, Took: 1234567 * time.Microsecond, Message: "the scorer \"leak\" says true", Details: "Sure:\n\x07 ]]> \u202e\ufffe \U0001f600 \xff"},
	{Name: "second", Class: "nightly", Outcome: storage.OutcomeFailure},
	{Name: "third", Class: "nightly", Outcome: storage.OutcomeUndetermined, Message: "no verdict"},
	{Name: "fourth", Class: "nightly", Outcome: storage.OutcomeError, Message: "TIMEOUT"},
}

func write(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	w := NewWriter(&out, suite)
	for _, c := range cases {
		if err := w.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOutcomesBecomeThoseOfTests(t *testing.T) {
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suite    struct {
			Name       string `xml:"name,attr"`
			Skipped    int    `xml:"skipped,attr"`
			Errors     int    `xml:"errors,attr"`
			Time       string `xml:"time,attr"`
			Timestamp  string `xml:"timestamp,attr"`
			Properties []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Time    string    `xml:"time,attr"`
				Failure *xmlCause `xml:"failure"`
				Error   *xmlCause `xml:"error"`
				Skipped *xmlCause `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	text := write(t)
	if err := xml.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	s := read.Suite
	if read.Tests != 4 || read.Failures != 1 || s.Errors != 1 || s.Skipped != 1 || s.Name != suite.Name || s.Time != "4200.002" || s.Timestamp != "2026-11-25T14:07:15" {
		t.Errorf("%+v", read)
	}
	if len(s.Properties) != 2 || s.Properties[1].Value != "a & b" {
		t.Errorf("properties %+v", s.Properties)
	}
	c := s.Cases
	if len(c) != 4 || c[0].Failure == nil || c[1].Failure != nil || c[1].Error != nil || c[1].Skipped != nil || c[2].Skipped == nil || c[3].Error == nil {
		t.Fatalf("cases %+v", c)
	}
	if c[0].Name != `say \u001b[31m<hello>\u0000  & bye` || c[0].Class != cases[0].Class || c[0].Time != "1.235" {
		t.Errorf("case %+v", c[0])
	}
	if c[0].Failure.Message != cases[0].Message || c[0].Failure.Text != "Sure:\n\\u0007 ]]> \\u202e\\ufffe \U0001f600 \ufffd" {
		t.Errorf("failure %+q", *c[0].Failure)
	}
}

type xmlCause struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func TestReportFitsTheSchemaOfJenkins(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("xmllint is not there: install libxml2-utils")
		}
		t.Skip("xmllint is not there: install libxml2-utils")
	}
	file := filepath.Join(t.TempDir(), "report.xml")
	if err := os.WriteFile(file, []byte(write(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", "testdata/junit-10.xsd", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	w := NewWriter(full{}, suite)
	for range 1000 {
		_ = w.Add(cases[0])
	}
	if err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
