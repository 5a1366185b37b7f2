//go:build pyrit

package evidence_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/evidence"
	"github.com/violentutf/violentutf/storage"
)

// pyritSays runs a program with PyRIT 1.1.0, where the environment names its Python:
// uv venv /tmp/pyrit && uv pip install --python /tmp/pyrit/bin/python pyrit==1.1.0
func pyritSays(t *testing.T, program string, files map[string]string, answer any) {
	t.Helper()
	python := os.Getenv("PYRIT_PYTHON")
	if python == "" {
		t.Fatal("PYRIT_PYTHON names no Python with PyRIT 1.1.0")
	}
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), python, "-c", program)
	command.Dir = folder
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), answer); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
}

func TestPyRITLoadsTheSeedsAsTheyWere(t *testing.T) {
	var seeds [][2]string
	pyritSays(t, `
import json
from pyrit.models import SeedDataset
set = SeedDataset.from_yaml_file("seeds.yaml")
print(json.dumps([[type(s).__name__, s.value] for s in set.seeds]))`,
		map[string]string{"seeds.yaml": replayed(t, attack, talk(hostile...), nil, storage.ReplaySeedYAML)}, &seeds)
	want := append([]string{*attack.Objective}, hostile...)
	if len(seeds) != len(want) {
		t.Fatalf("%d seeds, want %d", len(seeds), len(want))
	}
	for i, seed := range seeds {
		if seed[1] != want[i] || (seed[0] == "SeedObjective") != (i == 0) {
			t.Errorf("seed %d is %q, want %q", i, seed, want[i])
		}
	}
}

// Every converter that is rebuilt exists there and takes its arguments, and the script
// sends through them what they make.
func TestPyRITRunsTheScript(t *testing.T) {
	thread := talk(hostile...)
	chain := map[string]string{"b": "Base64Converter", "r": "ROT13Converter", "c": "CaesarConverter"}
	for hash, class := range chain {
		parameters := map[string]string{"b": `{"encoding_func":"b64encode"}`, "r": `{"word_split_separator":" "}`, "c": `{"caesar_offset":1,"append_description":false}`}[hash]
		thread.Converters[hash] = &storage.Component{Hash: hash, ClassName: class, Parameters: storage.JSON(parameters)}
	}
	for _, message := range thread.Messages {
		message.ConverterHash = []string{"b", "r", "c"}
	}
	second := *thread.Messages[1]
	second.Piece, second.ConverterHash = 1, nil
	thread.Messages = append(thread.Messages[:2], append([]*storage.Message{&second}, thread.Messages[2:]...)...)
	var sent [][]string
	pyritSays(t, `
import http.server, json, os, threading
asked = []
class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = body["messages"][-1]["content"]
        asked.append([content] if isinstance(content, str) else [part["text"] for part in content])
        reply = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "no"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def log_message(self, *ignored): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ.update(API_KEY="key", MODEL="m", ENDPOINT="http://127.0.0.1:%d/v1" % server.server_port)
exec(compile(open("replay.py").read(), "replay.py", "exec"), {"__name__": "replay"})
print(json.dumps(asked))`,
		map[string]string{"replay.py": replayed(t, attack, thread, nil, storage.ReplayPyRIT)}, &sent)
	if len(sent) != len(hostile) {
		t.Fatalf("%d requests of %d turns: %q", len(sent), len(hostile), sent)
	}
	if len(sent[1]) != 2 || sent[1][0] != hostile[1] {
		t.Errorf("the turn of two pieces was sent as %q", sent[1])
	}
	// Base64, then ROT13, then Caesar by one: "`" is "YA==".
	if got := sent[3][0]; got != "MO==" {
		t.Errorf("a backtick was sent as %q", got)
	}
}

func TestPyRITHasEveryConverterThatIsRebuilt(t *testing.T) {
	names, err := json.Marshal(evidence.Rebuilt)
	if err != nil {
		t.Fatal(err)
	}
	var lacking []string
	pyritSays(t, `
import inspect, json
import pyrit.converter as known
lacking = []
for name, arguments in json.load(open("names.json")).items():
    has = list(inspect.signature(getattr(known, name).__init__).parameters.values())[1:]
    lacking += [name + "." + a for a in arguments or [] if a not in [p.name for p in has]]
    lacking += [name + " without " + p.name for p in has if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in (arguments or [])]
print(json.dumps(lacking))`, map[string]string{"names.json": string(names)}, &lacking)
	if len(lacking) > 0 {
		t.Errorf("PyRIT makes them otherwise: %v", lacking)
	}
}
