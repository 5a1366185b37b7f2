package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// Each is a document of about as many tokens as are allowed, which anybody can send. None
// may keep a processor for long, whatever the answer is.
func TestNoDocumentTakesLongToValidate(t *testing.T) {
	each := func(times int, format string) string {
		var b strings.Builder
		for i := range times {
			b.WriteString(strings.NewReplacer("#", fmt.Sprint(i), "+", fmt.Sprint(i+1)).Replace(format))
		}
		return b.String()
	}
	s := newSite(t)
	for name, document := range map[string]string{
		"equal fields":           "{server{" + each(14_900, "version ") + "}}",
		"equal objects":          "{" + each(3_500, "server{version}") + "}",
		"unknown fields":         "{server{" + each(14_900, "a# ") + "}}",
		"a chain of fragments":   "{...f0}" + each(1_800, "fragment f# on Query{...f+} ") + "fragment f1800 on Query{server{version}}",
		"a ring of fragments":    "{...f0}" + each(1_799, "fragment f# on Query{...f+} ") + "fragment f1799 on Query{...f0}",
		"a bomb of fragments":    "{...f0}" + each(900, "fragment f# on Query{...f+ ...f+ ...f+} ") + "fragment f900 on Query{server{version}}",
		"many fragments":         "{" + each(1_200, "...f# ") + "}" + each(1_200, "fragment f# on Query{server{version}} "),
		"one fragment":           "{" + each(6_000, "...f ") + "}fragment f on Query{server{version}}",
		"objects and a chain":    "{" + each(1_000, "a#:server{...f0} ") + "}" + each(700, "fragment f# on ServerInfo{...f+} ") + "fragment f700 on ServerInfo{version}",
		"directives":             "{server{version " + each(2_000, "@skip(if:true)") + "}}",
		"unknown directives":     "{server{version " + each(7_400, "@x") + "}}",
		"variables":              "query(" + each(3_700, "$v#:Int ") + "){server{version}}",
		"operations":             each(1_800, "query q#{server{version}} "),
		"arguments":              "{node(" + each(3_700, `a#:"x" `) + "){id}}",
		"a list":                 "{nodes(ids:[" + each(14_900, `"x" `) + "]){id}}",
		"equal fields of inputs": "{viewer{workspace{attacks(filter:{" + each(3_000, "outcome:{}") + "}){totalCount}}}}",
		"a fragment of many":     each(200, "query q#{...f} ") + "fragment f on Query{server{" + each(900, "version ") + "}}",
		"a fragment in a chain":  "{...f0}" + each(200, "fragment f# on Query{...f+} ") + "fragment f200 on Query{...on Query{" + each(900, "__typename ") + "}}",
		"values in a fragment":   each(200, "query q#{...f} ") + "fragment f on Query{nodes(ids:[" + each(10_000, `"x" `) + "]){id}}",
		"conflicting aliases":    "{server{" + each(495, "a:version a:name ") + "}}",
		"differing fields":       "{server{" + each(990, "a:x# ") + "}}",
		"differing arguments":    "{" + each(900, `a:node(id:"#"){id} `) + "}",
		"long names":             "{" + each(2, "server{"+each(450, strings.Repeat("a", 1000)+":x# ")+"}") + "}",
		"long values":            "{" + each(700, `node(id:"`+strings.Repeat("a", 1000)+`"){id} `) + "}",
		"deep values":            "{nodes(ids:" + each(7_000, "[") + each(7_000, "]") + "){id}}",
		"unknown variables":      each(240, "query q#{...f} ") + "fragment f on Query{" + each(1_200, "a#:__typename @include(if:$v#) ") + "}",
		"what does not parse":    "{server{" + each(14_900, "version ") + "}",
	} {
		start := time.Now()
		answer := s.ask("", document, nil)
		took := time.Since(start)
		// Two seconds are less than a third of what the dearest took, and far more than they
		// take now with the race detector on a busy machine.
		if took > 2*time.Second {
			t.Errorf("%s: %v", name, took)
		}
		if name == "equal fields" && (len(answer.Errors) != 1 || answer.Errors[0].Extensions["code"] != string(storage.CodeCostLimit)) {
			t.Errorf("%s: answered %+v", name, answer.Errors)
		}
		if len(answer.Errors) > 100 {
			t.Errorf("%s: %d errors for %d bytes", name, len(answer.Errors), len(document))
		}
		t.Logf("%-22s %v", name, took)
	}
}
