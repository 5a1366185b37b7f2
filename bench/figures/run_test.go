//go:build bench

package figures

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The promise of runs, for 2 cores that the program shares with the endpoint.
const (
	runPrompts   = 20_000
	runPerSecond = 2_000
	runTries     = 3 // of which the best counts: machines are shared
	runAtOnce    = 64
	runSubstring = "Z2Fy" // what Base64 makes of "gar", where it begins at a third byte

	pyritPrompts = 300
)

// TestRunFigures runs PROMPT_SENDING with a dataset, a converter and a scorer through the
// program as it is served, against an endpoint that answers at once, and lets PyRIT do the
// same job beside it.
func TestRunFigures(t *testing.T) {
	folder := t.TempDir()
	endpoint, mock := startMock(t)
	table, texts := filepath.Join(folder, "prompts.csv"), runTexts(runPrompts)
	writeTable(t, table, texts)
	s := serve(t, buildProgram(t, folder), filepath.Join(folder, "data"))
	orchestrator := s.orchestrator("one", endpoint, s.dataset(table), nil)
	var best, bestOfProcessor float64 // prompts a second, and a second of the program's processor time
	for range runTries {
		before, beforeMock := processor(t, s.pid), processor(t, mock)
		start := time.Now()
		got := s.runToEnd(orchestrator)
		took := time.Since(start)
		rate := runPrompts / took.Seconds()
		spent := processor(t, s.pid) - before
		best, bestOfProcessor = max(best, rate), max(bestOfProcessor, runPrompts/spent.Seconds())
		fmt.Printf("| run of %d prompts | %.0f prompts/s (%.1f s; processor %.1f s, and the endpoint %.1f s; load %s) |\n", runPrompts, rate, took.Seconds(),
			spent.Seconds(), (processor(t, mock) - beforeMock).Seconds(), load())
		if want := successes(texts); got.Done != runPrompts || got.Successes != want || got.Failures != runPrompts-want || got.Calls != runPrompts {
			t.Fatalf("the run came to %+v, want %d successes of %d", got, want, runPrompts)
		}
	}
	if best < runPerSecond {
		t.Errorf("the best run did %.0f prompts/s, the promise is %d", best, runPerSecond)
	}
	python := pyrit(t)
	out, err := runPyRIT(python, endpoint, table, filepath.Join(folder, "memory.db"))
	if err != nil {
		t.Fatal(err)
	}
	want := successes(texts[:pyritPrompts])
	if out.Outcomes["success"] != want || out.Outcomes["failure"] != pyritPrompts-want {
		t.Fatalf("PyRIT came to %v, want %d successes of %d", out.Outcomes, want, pyritPrompts)
	}
	rate := pyritPrompts / out.Seconds
	fmt.Printf("| PyRIT 1.1.0, the first %d of them | %.0f prompts/s (%.1f s; processor %.1f s; load %s); ratio %.0f, of processor time %.0f |\n",
		pyritPrompts, rate, out.Seconds, out.Processor, load(), best/rate, bestOfProcessor*out.Processor/pyritPrompts)
}

// runTexts are prompts that differ.
func runTexts(count int) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = fmt.Sprintf("Question %d of many: what does a gardener do in week %d of the year, and why would it be so?", i, i%53)
	}
	return texts
}

// successes counts the prompts in whose disguise the scorer finds what it looks for: the
// endpoint repeats what it is sent.
func successes(texts []string) (count int) {
	for _, text := range texts {
		if strings.Contains(base64.StdEncoding.EncodeToString([]byte(text)), runSubstring) {
			count++
		}
	}
	return count
}

func writeTable(t *testing.T, path string, texts []string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewWriter(file)
	_ = rows.Write([]string{"prompt"}) // Error tells, as of the others
	for _, text := range texts {
		_ = rows.Write([]string{text})
	}
	rows.Flush()
	if err := rows.Error(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// made sends a mutation under the name m, and returns the id of what it calls it.
func (s *served) made(query string, input map[string]any) string {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"in": input}})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.idOf(s.ask(string(body)))
}

func (s *served) idOf(text string) string {
	s.t.Helper()
	var answer struct {
		Data struct {
			M struct{ It struct{ ID string } }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Data.M.It.ID == "" {
		s.t.Fatalf("%v in %.1000s", err, text)
	}
	return answer.Data.M.It.ID
}

// dataset makes a dataset of a table.
func (s *served) dataset(table string) string {
	s.t.Helper()
	file, err := os.Open(table)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	return s.idOf(s.sendFile(`mutation($input:CreateDatasetFromFileInput!){m:createDatasetFromFile(input:$input){it:dataset{id} userErrors{message}}}`,
		map[string]any{"name": "prompts"}, file))
}

// orchestrator makes what a run is made of, with more parameters of the generator.
func (s *served) orchestrator(name, endpoint, dataset string, more map[string]any) string {
	s.t.Helper()
	configured := func(kind, typeName string, parameters map[string]any) string {
		return s.made(fmt.Sprintf(`mutation($in:Create%[1]sInput!){m:create%[1]s(input:$in){it:%[2]s{id} userErrors{message}}}`, kind, strings.ToLower(kind)),
			map[string]any{"name": name, "type": typeName, "parameters": parameters})
	}
	parameters := map[string]any{"endpoint": endpoint, "model": "mock", "api_key": "sk-mock-0123456789abcdef"}
	maps.Copy(parameters, more)
	generator := configured("Generator", "OPENAI_COMPATIBLE", parameters)
	converter := configured("Converter", "Base64Converter", nil)
	scorer := configured("Scorer", "SubStringScorer", map[string]any{"substring": runSubstring})
	return s.made(`mutation($in:CreateOrchestratorInput!){m:createOrchestrator(input:$in){it:orchestrator{id} userErrors{message}}}`, map[string]any{
		"name": name, "type": "PROMPT_SENDING", "generator": generator, "dataset": map[string]any{"id": dataset}, "chains": []any{[]any{converter}},
		"scorers": []any{scorer}, "objectiveScorer": scorer, "concurrency": runAtOnce,
	})
}

// start starts a run.
func (s *served) start(orchestrator string) string {
	s.t.Helper()
	return s.made(`mutation($in:StartExecutionInput!){m:startExecution(input:$in){it:execution{id} userErrors{message}}}`, map[string]any{"orchestrator": orchestrator})
}

type runProgress struct{ Done, Successes, Failures, Calls int }

// runToEnd starts a run and waits until all of it is recorded.
func (s *served) runToEnd(orchestrator string) runProgress {
	s.t.Helper()
	id := s.start(orchestrator)
	question, err := json.Marshal(map[string]any{
		"query": `query($id:ID!){node(id:$id){... on Execution{status progress{done successes failures calls}}}}`, "variables": map[string]any{"id": id},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for until := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var answer struct {
			Data struct {
				Node struct {
					Status   string
					Progress runProgress
				}
			}
		}
		text := s.ask(string(question))
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			s.t.Fatalf("%v in %.500s", err, text)
		}
		switch status := answer.Data.Node.Status; {
		case status == "SUCCEEDED":
			return answer.Data.Node.Progress
		case status != "QUEUED" && status != "RUNNING", time.Now().After(until):
			s.t.Fatalf("the run stands so: %.500s", text)
		}
	}
}

// pyrit installs PyRIT in bin/pyrit, as bench/pyrit/requirements.txt pins it, and returns
// its Python.
func pyrit(t *testing.T) (python string) {
	t.Helper()
	environment := filepath.Join("..", "..", "bin", "pyrit")
	python = filepath.Join(environment, "bin", "python")
	for _, arguments := range [][]string{
		{"venv", "--quiet", "--allow-existing", "--python", "3.11", environment},
		{"pip", "install", "--quiet", "--python", python, "--require-hashes", "--requirements", filepath.Join("..", "pyrit", "requirements.txt")},
	} {
		if out, err := exec.Command("uv", arguments...).CombinedOutput(); err != nil {
			missing := fmt.Sprintf("PyRIT is not measured, for uv (https://docs.astral.sh/uv) cannot install it: %v: %s", err, out)
			if os.Getenv("CI") == "true" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	return python
}

type pyritRun struct {
	Seconds, Processor float64
	Outcomes           map[string]int
}

func runPyRIT(python, endpoint, table, memory string) (*pyritRun, error) {
	cmd := exec.Command(python, filepath.Join("..", "pyrit", "run.py"), "--endpoint", endpoint, "--prompts", table, "--count", strconv.Itoa(pyritPrompts),
		"--concurrency", strconv.Itoa(runAtOnce), "--substring", runSubstring, "--memory", memory)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("PyRIT: %w: %s", err, problems.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	run := &pyritRun{}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), run); err != nil {
		return nil, fmt.Errorf("PyRIT says %q: %w", out, err)
	}
	return run, nil
}
