// Package sarif writes the attacks of a run that succeeded as results in SARIF 2.1.0
// (OASIS, errata 01), the form in which code hosts take findings of tools.
package sarif

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/violentutf/violentutf/quote"
	"github.com/violentutf/violentutf/storage"
)

const (
	schemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	toolURI   = "https://github.com/violentutf/violentutf"
)

// Run is what a report is about.
type Run struct {
	ToolVersion        string
	Name               string // by which a code host tells one of a repository's runs from another
	Key                string // of the execution
	StartedAt, EndedAt time.Time
	Succeeded          bool   // the run came to its end
	File               string // which describes it, as a path with slashes; empty for none
	Line               int    // where it does, from 1
	Properties         map[string]any
	SeverityOf         func(rule string) storage.Severity // of a harm category or attack class
}

// Result is an attack that succeeded, with what shows it: texts of attackers and models.
type Result struct {
	Attack *storage.Attack
	Target string
	Reply  string
}

// Writer writes one run, result by result. Rules come last, when they are known: the order
// of members of a JSON object means nothing.
type Writer struct {
	out     *bufio.Writer
	run     Run
	rules   []rule
	known   map[string]int
	results int
	err     error
}

// NewWriter begins a report.
func NewWriter(w io.Writer, run Run) *Writer {
	made := &Writer{out: bufio.NewWriter(w), run: run, known: map[string]int{}}
	made.text(`{"$schema":"` + schemaURI + `","version":"2.1.0","runs":[{` + "\n\"results\":[")
	return made
}

// Add writes a result.
func (w *Writer) Add(r Result) error {
	a := r.Attack
	id, name := ruleOf(a)
	at, known := w.known[id]
	if !known {
		at = len(w.rules)
		w.known[id] = at
		w.rules = append(w.rules, newRule(id, name, w.run.SeverityOf(name)))
	}
	if w.results++; w.results > 1 {
		w.text(",")
	}
	w.text("\n")
	objective := ""
	if a.Objective != nil {
		objective = *a.Objective
	}
	properties := map[string]any{
		"attack": a.ID, "attackClass": a.AttackClass, "converters": a.ConverterChain, "harmCategories": a.HarmCategories,
		"target": quote.OneLine(r.Target), "reply": quote.Visible(r.Reply), "outcomeSource": a.OutcomeSource, "tags": tagsOf(a),
	}
	if a.Turns != nil {
		properties["turns"] = *a.Turns
	}
	message := fmt.Sprintf("%s was brought to: %s", or(quote.OneLine(r.Target), "The target"), or(quote.Visible(objective), "an objective that was not recorded"))
	if a.OutcomeReason != nil {
		message += "\n" + quote.Visible(*a.OutcomeReason)
	}
	w.json(map[string]any{
		"ruleId": id, "ruleIndex": at, "kind": "fail", "level": w.rules[at].Configuration.Level, "message": messageOf(message),
		"locations": []any{w.location(r.Target)}, "partialFingerprints": fingerprints(a, r.Target), "properties": properties,
	})
	return w.err
}

// Close ends the report.
func (w *Writer) Close() error {
	w.text("\n],\n\"tool\":")
	if w.rules == nil {
		w.rules = []rule{}
	}
	w.json(map[string]any{"driver": map[string]any{
		"name": "ViolentUTF", "version": or(w.run.ToolVersion, "development"), "informationUri": toolURI, "rules": w.rules,
	}})
	w.text(",\n\"automationDetails\":")
	w.json(map[string]any{"id": strings.ReplaceAll(quote.OneLine(w.run.Name), "/", "-") + "/" + w.run.Key})
	w.text(",\n\"invocations\":")
	w.json([]any{map[string]any{"executionSuccessful": w.run.Succeeded, "startTimeUtc": stamp(w.run.StartedAt), "endTimeUtc": stamp(w.run.EndedAt)}})
	w.text(",\n\"columnKind\":\"unicodeCodePoints\",\n\"properties\":")
	w.json(w.run.Properties)
	w.text("\n}]}\n")
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("write SARIF: %w", w.err)
	}
	return nil
}

func (w *Writer) text(text string) {
	if w.err == nil {
		_, w.err = w.out.WriteString(text)
	}
}

func (w *Writer) json(value any) {
	text, err := json.Marshal(value)
	if w.err == nil {
		w.err = err
	}
	w.text(string(text))
}

// location is where the run is described, and what was attacked.
func (w *Writer) location(target string) map[string]any {
	made := map[string]any{"logicalLocations": []any{map[string]any{
		"name": or(quote.OneLine(target), "target"), "fullyQualifiedName": quote.OneLine(w.run.Name + "/" + target), "kind": "resource",
	}}}
	if w.run.File != "" {
		made["physicalLocation"] = map[string]any{
			"artifactLocation": map[string]any{"uri": uriOf(w.run.File)}, "region": map[string]any{"startLine": max(w.run.Line, 1)},
		}
	}
	return made
}

// rule is a reportingDescriptor.
type rule struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Short         any            `json:"shortDescription"`
	Full          any            `json:"fullDescription"`
	Help          any            `json:"help"`
	Configuration configuration  `json:"defaultConfiguration"`
	Properties    map[string]any `json:"properties"`
}

type configuration struct {
	Level string `json:"level"`
}

// ruleOf is the rule that an attack breaks: its first harm category, or without one its
// class.
func ruleOf(a *storage.Attack) (id, name string) {
	if len(a.HarmCategories) > 0 {
		return "harm/" + quote.OneLine(a.HarmCategories[0]), a.HarmCategories[0]
	}
	return "attack/" + quote.OneLine(a.AttackClass), a.AttackClass
}

func newRule(id, name string, severity storage.Severity) rule {
	about := "Attacks of the class " + quote.OneLine(name) + " do not reach their objective."
	if strings.HasPrefix(id, "harm/") {
		about = "Attacks for the harm category " + quote.OneLine(name) + " do not reach their objective."
	}
	level, score := weight(severity)
	return rule{
		ID: id, Name: quote.OneLine(name), Short: messageOf(about), Full: messageOf(about),
		Help:          messageOf("Look at the attack, and at its conversations, in the workspace of the run."),
		Configuration: configuration{level}, Properties: map[string]any{"security-severity": score, "tags": []string{"security", "ai-red-teaming"}, "severity": severity},
	}
}

// weight is a severity as SARIF's level, and on the scale of CVSS by which code hosts order.
func weight(severity storage.Severity) (level, score string) {
	switch severity {
	case storage.SeverityCritical:
		return "error", "9.5"
	case storage.SeverityMedium:
		return "warning", "5.5"
	case storage.SeverityLow:
		return "note", "2.5"
	case storage.SeverityInfo:
		return "note", "0.0"
	}
	return "error", "8.0"
}

// fingerprints let a later run find the same problem again: a prompt, and the way in which
// it was put to a target.
func fingerprints(a *storage.Attack, target string) map[string]string {
	prompt := a.PromptKey
	if prompt == nil {
		prompt = a.ObjectiveHash
	}
	technique := a.TechniqueHash
	if technique == nil {
		made := hash(a.AttackClass, a.ConverterChain, strings.Join(a.ConverterHash, " "))
		technique = &made
	}
	prints := map[string]string{"technique/v1": *technique, "target/v1": hash(target)}
	if prompt != nil {
		prints["promptKey/v1"] = *prompt
	}
	return prints
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return hex.EncodeToString(sum[:])
}

// tagsOf are an attack's tags, each once, as the schema wants them.
func tagsOf(a *storage.Attack) []string {
	tags, seen := []string{}, map[string]bool{}
	for _, tag := range a.Tags {
		if !seen[tag] {
			tags, seen[tag] = append(tags, tag), true
		}
	}
	return tags
}

func messageOf(text string) map[string]any { return map[string]any{"text": text} }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// uriOf is a relative path as a URI reference (RFC 3986).
func uriOf(path string) string {
	var uri strings.Builder
	for _, b := range []byte(path) {
		if b == '/' || b == '-' || b == '_' || b == '.' || b == '~' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' {
			uri.WriteByte(b)
			continue
		}
		fmt.Fprintf(&uri, "%%%02X", b)
	}
	return uri.String()
}
