// Package operations reads the examples of what the schema offers, docs/operations, and
// writes the page that shows each operation with its example, docs/operations.md. The
// tests of the server execute the same files.
package operations

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Example is one file, docs/operations/<type>/<field>.graphql: paragraphs, of which the
// first is a document that uses the field, and each other one a way to be refused.
// Comments in front of a paragraph say more of it:
//
//	# A sentence about the example.
//	# as root
//	# $attacks = Workspace.attacks viewer.workspace.attacks.nodes.*.id
//	# after Mutation.createFinding
//	# $echo = createGenerator.generator.id of mutation { createGenerator(input: {name: "echo", type: "ECHO"}) { generator { id } } }
//	# no CONFLICT: why there is no case of it
//
// as is who asks, alice without it. A variable has the value at a path of the answer of
// another example, or of a document in which $name stands for the value of an earlier
// variable; both are executed before. * takes all of a list. One with file is an upload of
// that name and content, a JSON string. after executes an example
// for what it does. no says why there is no case of a code.
type Example struct {
	Type, Field string
	About       string // sentences, "" for none
	Step
	Document string
	// Refusals are the ways in which a mutation is refused with a userError.
	Refusals []Refusal
	// None are the codes of which there is no case, with the reason.
	None map[storage.Code]string
	// Answer is what the committed answer beside the file says, nil before there is one.
	Answer *Answer
}

// Refusal is an input that a mutation refuses.
type Refusal struct {
	Step
	Code storage.Code
	// Field is the argument of the input at fault, dotted, "" where there is none.
	Field string
	When  string
	// Input is a GraphQL object in which $name stands for the variable's value.
	Input string
}

// Step is what has to be there before something is executed, and who executes it.
type Step struct {
	As        string // a username
	After     []string
	Variables []Variable
}

// Variable is a value that an answer has.
type Variable struct {
	Name string
	From string // the name of an example, "" for Document
	// Document is a mutation of its own.
	Document string
	Path     []string // into the data of the answer
	// File is the name of an upload, "" for none, and Content what is in it.
	File, Content string
}

// Answer is what an example answers, with what changes from run to run replaced.
type Answer struct {
	Cost int             `json:"cost"`
	Data json.RawMessage `json:"data"`
}

// Name is Type.Field.
func (e *Example) Name() string { return e.Type + "." + e.Field }

// AnswerFile is the name of the committed answer, below the folder.
func (e *Example) AnswerFile() string { return path.Join(e.Type, e.Field+".json") }

// Read reads all examples of a folder, by name.
func Read(folder fs.FS) (map[string]*Example, error) {
	files, err := fs.Glob(folder, "*/*.graphql")
	if err != nil {
		return nil, fmt.Errorf("read the examples: %w", err)
	}
	examples := map[string]*Example{}
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("read the examples: %w", err)
		}
		e, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("read the example %s: %w", file, err)
		}
		e.Type, e.Field = path.Dir(file), strings.TrimSuffix(path.Base(file), ".graphql")
		if e.Answer, err = readAnswer(folder, e.AnswerFile()); err != nil {
			return nil, fmt.Errorf("read the answer of %s: %w", file, err)
		}
		examples[e.Name()] = e
	}
	return examples, nil
}

func readAnswer(folder fs.FS, file string) (*Answer, error) {
	text, err := fs.ReadFile(folder, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	answer := &Answer{}
	return answer, json.Unmarshal(text, answer)
}

var (
	ownLine      = regexp.MustCompile(`^\$(\w+) = ([\w.*]+) of (mutation .+)$`)
	fileLine     = regexp.MustCompile(`^\$(\w+) = file (\S+) (".*")$`)
	variableLine = regexp.MustCompile(`^\$(\w+) = (\w+\.\w+) ([\w.*]+)$`)
	refusalLine  = regexp.MustCompile(`^(BAD_USER_INPUT|NOT_FOUND|CONFLICT)(?: ([\w.]+))?: (.+)$`)
	noneLine     = regexp.MustCompile(`^no (BAD_USER_INPUT|NOT_FOUND|CONFLICT): (.+)$`)
)

func parse(text string) (*Example, error) {
	e := &Example{None: map[storage.Code]string{}}
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, paragraph := range paragraphs {
		step, lines, body := Step{}, []string{}, []string{}
		for line := range strings.SplitSeq(paragraph, "\n") {
			comment, isComment := strings.CutPrefix(line, "# ")
			switch {
			case !isComment || len(body) > 0:
				body = append(body, line)
			case !step.takes(comment):
				lines = append(lines, comment)
			}
		}
		if i == 0 {
			e.Step, e.Document = step, strings.Join(body, "\n")
			for _, line := range lines {
				if none := noneLine.FindStringSubmatch(line); none != nil {
					e.None[storage.Code(none[1])] = none[2]
				} else {
					e.About = strings.TrimSpace(e.About + " " + line)
				}
			}
			continue
		}
		refusal := refusalLine.FindStringSubmatch(strings.Join(lines, " "))
		if refusal == nil {
			return nil, fmt.Errorf("the paragraph %q begins with no line as # CONFLICT name: there is one of this name", paragraph)
		}
		if step.As == "" {
			step.As = e.As
		}
		step.Variables = append(slices.Clone(e.Variables), step.Variables...)
		step.After = append(slices.Clone(e.After), step.After...)
		e.Refusals = append(e.Refusals, Refusal{
			Step: step, Code: storage.Code(refusal[1]), Field: refusal[2], When: refusal[3], Input: strings.Join(body, "\n"),
		})
	}
	return e, nil
}

// takes reads a line about what is needed, false for another line.
func (s *Step) takes(line string) bool {
	if found := variableLine.FindStringSubmatch(line); found != nil {
		s.Variables = append(s.Variables, Variable{Name: found[1], From: found[2], Path: strings.Split(found[3], ".")})
		return true
	}
	if found := ownLine.FindStringSubmatch(line); found != nil {
		s.Variables = append(s.Variables, Variable{Name: found[1], Document: found[3], Path: strings.Split(found[2], ".")})
		return true
	}
	if found := fileLine.FindStringSubmatch(line); found != nil {
		upload := Variable{Name: found[1], File: found[2]}
		if json.Unmarshal([]byte(found[3]), &upload.Content) != nil {
			return false
		}
		s.Variables = append(s.Variables, upload)
		return true
	}
	if from, ok := strings.CutPrefix(line, "after "); ok && !strings.Contains(from, " ") {
		s.After = append(s.After, from)
		return true
	}
	if as, ok := strings.CutPrefix(line, "as "); ok && !strings.Contains(as, " ") {
		s.As = as
		return true
	}
	return false
}
