// Package junit writes the attacks of a run as test cases in the JUnit XML that CI servers
// read: an attack that succeeded is a test that failed. The form is that of Jenkins' schema
// junit-10.xsd, which testdata keeps.
package junit

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/quote"
	"github.com/violentutf/violentutf/storage"
)

// Suite is a run.
type Suite struct {
	Name       string
	StartedAt  time.Time
	Took       time.Duration
	Counts     storage.ExecutionSummary // of the cases that will be written
	Properties []Property
}

// Property is a name and its value, for people.
type Property struct{ Name, Value string }

// Case is an attack. Texts may be those of attackers and models.
type Case struct {
	Name, Class string
	Outcome     storage.Outcome
	Took        time.Duration
	// Message is why it is what it is, in a line, and Details the texts that show it.
	// A FAILURE has neither.
	Message, Details string
}

// Writer writes one suite, case by case.
type Writer struct {
	out *bufio.Writer
	err error
}

// NewWriter begins a report with a suite.
func NewWriter(w io.Writer, s Suite) *Writer {
	made := &Writer{out: bufio.NewWriter(w)}
	c := s.Counts
	counts := fmt.Sprintf(` tests="%d" failures="%d" errors="%d"`, c.Attacks, c.Successes, c.Errors)
	made.write(`<?xml version="1.0" encoding="UTF-8"?>`+"\n<testsuites name=\"violentutf\"", counts, " time=\"", seconds(s.Took), "\">\n",
		`  <testsuite name="`, attribute(s.Name), `"`, counts, ` skipped="`, strconv.FormatInt(c.Undetermined, 10),
		`" time="`, seconds(s.Took), `" timestamp="`, s.StartedAt.UTC().Format("2006-01-02T15:04:05"), "\">\n")
	if len(s.Properties) > 0 {
		made.write("    <properties>\n")
		for _, p := range s.Properties {
			made.write(`      <property name="`, attribute(p.Name), `" value="`, attribute(p.Value), "\"/>\n")
		}
		made.write("    </properties>\n")
	}
	return made
}

// elements are what is in a case of an outcome.
var elements = map[storage.Outcome]string{
	storage.OutcomeSuccess: "failure", storage.OutcomeError: "error", storage.OutcomeUndetermined: "skipped",
}

// Add writes a case.
func (w *Writer) Add(c Case) error {
	w.write(`    <testcase name="`, attribute(c.Name), `" classname="`, attribute(c.Class), `" time="`, seconds(c.Took), `"`)
	element := elements[c.Outcome]
	if element == "" {
		w.write("/>\n")
		return w.err
	}
	w.write(">\n      <", element, ` type="`, string(c.Outcome), `" message="`, attribute(c.Message), `">`, escaped(quote.Visible(c.Details)), "</", element, ">\n    </testcase>\n")
	return w.err
}

// Close ends the report.
func (w *Writer) Close() error {
	w.write("  </testsuite>\n</testsuites>\n")
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("write JUnit XML: %w", w.err)
	}
	return nil
}

func (w *Writer) write(texts ...string) {
	for _, text := range texts {
		if w.err == nil {
			_, w.err = w.out.WriteString(text)
		}
	}
}

// seconds have three decimals: the schema allows no more.
func seconds(d time.Duration) string { return strconv.FormatFloat(max(d, 0).Seconds(), 'f', 3, 64) }

// attribute is a text in one line in an attribute.
func attribute(text string) string { return escaped(quote.OneLine(text)) }

// escaped writes a text as XML. What XML 1.0 cannot hold (section 2.2) was made visible by
// quote; the rest would become U+FFFD.
func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder fails never
	return out.String()
}
