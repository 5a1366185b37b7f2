package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop/pyrit"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/sqlite"
)

// scrubbing guards an import of a file that holds no credentials.
type scrubbing struct{ *secret.Scrubber }

func (scrubbing) Seal(_, _, plaintext string) (string, error) { return plaintext, nil }
func (g scrubbing) Add(credential string)                     { g.Scrubber.Add(credential) }

// withMemory serves alice's own workspace with the PyRIT 1.1.0 memory of testdata.
func withMemory(t *testing.T) *stores {
	t.Helper()
	s := newStores(t, 0, 0)
	for _, store := range s.open {
		if store.Owner() == "team-key" {
			continue
		}
		foreign, err := sqlite.ForeignOpener{StagingDir: t.TempDir()}.OpenForeign(t.Context(), testfiles.Path(t, "pyrit/memory-1.1.0.sqlite"))
		if err != nil {
			t.Fatal(err)
		}
		defer foreign.Close()
		stage, err := store.NewStage(t.Context(), scrubbing{secret.NewScrubber()})
		if err != nil {
			t.Fatal(err)
		}
		defer stage.Close()
		if _, err := pyrit.Import(t.Context(), foreign, stage, pyrit.Options{}); err != nil {
			t.Fatal(err)
		}
		made := &storage.Import{Tool: storage.SourcePyRIT, Format: "pyrit", FileName: "memory", StartedAt: time.Now(), FinishedAt: time.Now()}
		if err := stage.Commit(t.Context(), made, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// answerOf executes a query and decodes its data, with the statements that it cost.
func (s *stores) answerOf(t *testing.T, query string, data any) int64 {
	t.Helper()
	meter := &storage.Meter{}
	response := s.executeWith(t, meter, query)
	if len(response.Errors) > 0 {
		t.Fatalf("%s: %v", query, response.Errors)
	}
	if err := json.Unmarshal(response.Data, data); err != nil {
		t.Fatal(err)
	}
	return meter.UserStatements.Load()
}

// A transcript says what the messages of its conversation say, and asks for nothing else.
func TestATranscriptIsTheConversation(t *testing.T) {
	s := withMemory(t)
	type talk struct {
		Transcript string
		Messages   struct {
			Nodes []struct {
				Role, OriginalValue, ConvertedValue, CreatedAt, ResponseError, Sha256 string
				Converters                                                            []struct{ ClassName string }
				Scores                                                                []struct{ ScorerName, Rationale string }
			}
		}
	}
	type answer struct {
		Viewer struct {
			Workspace struct{ Conversations struct{ Nodes []talk } }
		}
	}
	// What is needed for a transcript is read although no other field names it.
	var alone, beside answer
	const list = `{viewer{workspace{conversations(first:%d){nodes{transcript(format:JSON)%s}}}}}`
	s.answerOf(t, fmt.Sprintf(list, 1000, ""), &alone)
	s.answerOf(t, fmt.Sprintf(list, 1000, ` messages(first:1000){nodes{role originalValue convertedValue createdAt responseError sha256 converters{className} scores{scorerName rationale}}}`), &beside)
	converted, scored, blocked := 0, 0, 0
	for i, one := range beside.Viewer.Workspace.Conversations.Nodes {
		if one.Transcript != alone.Viewer.Workspace.Conversations.Nodes[i].Transcript {
			t.Fatalf("alone the transcript is\n%s\nand beside messages\n%s", alone.Viewer.Workspace.Conversations.Nodes[i].Transcript, one.Transcript)
		}
		var written struct {
			Messages []struct {
				Role, OriginalValue, ConvertedValue, CreatedAt, ResponseError, Sha256 string
				Converters                                                            []struct{ ClassName string }
				Scores                                                                []struct{ ScorerName, Rationale string }
			}
		}
		if err := json.Unmarshal([]byte(one.Transcript), &written); err != nil {
			t.Fatal(err)
		}
		same(t, written.Messages, one.Messages.Nodes)
		for _, message := range written.Messages {
			converted += len(message.Converters)
			scored += len(message.Scores)
			if message.ResponseError != "none" {
				blocked++
			}
		}
	}
	if len(beside.Viewer.Workspace.Conversations.Nodes) < 100 || converted == 0 || scored < 100 || blocked == 0 {
		t.Errorf("%d conversations, %d converters, %d scores, %d response errors: the file has more",
			len(beside.Viewer.Workspace.Conversations.Nodes), converted, scored, blocked)
	}
	// The list, the conversations' lengths, the messages, their converters, their scores.
	for _, first := range []int{2, 1000} {
		for _, format := range []string{"", "(format:TEXT)", "(format:JSON)"} {
			if n := s.answerOf(t, fmt.Sprintf(`{viewer{workspace{conversations(first:%d){nodes{transcript%s}}}}}`, first, format), &answer{}); n > 5 {
				t.Errorf("the transcripts%s of %d conversations cost %d statements, want 5", format, first, n)
			}
		}
	}
}

func TestAReplayHasThePromptsOfTheAttack(t *testing.T) {
	s := withMemory(t)
	type answer struct {
		Viewer struct {
			Workspace struct {
				Attacks struct {
					Nodes []struct {
						Objective, ConverterChain, Curl, Python, Seeds string
						Target                                         struct{ Model, Endpoint string }
						Conversation                                   struct {
							Messages struct {
								Nodes []struct{ Role, OriginalValue, ConvertedValue string }
							}
						}
					}
				}
			}
		}
	}
	var got answer
	s.answerOf(t, `{viewer{workspace{attacks(first:1000){nodes{objective converterChain target{model endpoint}
		curl:replay(format:CURL) python:replay(format:PYRIT) seeds:replay(format:SEED_YAML)
		conversation{messages(first:1000){nodes{role originalValue convertedValue}}}}}}}}`, &got)
	converted := 0
	for _, attack := range got.Viewer.Workspace.Attacks.Nodes {
		said := false
		for _, message := range attack.Conversation.Messages.Nodes {
			if message.Role != "USER" {
				continue
			}
			said = true
			quoted, _ := json.Marshal(message.ConvertedValue)
			if plain := strings.Trim(string(quoted), `"`); !strings.Contains(plain, `\`) && !strings.Contains(attack.Curl, plain) {
				t.Errorf("no %s in\n%s", plain, attack.Curl)
			}
			if plain := fmt.Sprintf("%q", message.OriginalValue); !strings.Contains(attack.Python, plain) || !strings.Contains(message.OriginalValue, "{") && !strings.Contains(attack.Seeds, plain) {
				t.Errorf("no %s in\n%s\nor in\n%s", plain, attack.Python, attack.Seeds)
			}
		}
		if said && (!strings.Contains(attack.Curl, attack.Target.Endpoint+"/chat/completions'") || !strings.Contains(attack.Python, fmt.Sprintf("model_name=%q", attack.Target.Model))) {
			t.Errorf("the target %+v is not in\n%s\nor in\n%s", attack.Target, attack.Curl, attack.Python)
		}
		if attack.ConverterChain == "Base64Converter > ROT13Converter" {
			converted++
			if !strings.Contains(attack.Python, `[Base64Converter(encoding_func="b64encode"), ROT13Converter()]`) {
				t.Errorf("no converters in\n%s", attack.Python)
			}
		}
	}
	if len(got.Viewer.Workspace.Attacks.Nodes) < 50 || converted == 0 {
		t.Errorf("%d attacks, %d with converters: the file has more", len(got.Viewer.Workspace.Attacks.Nodes), converted)
	}
	// What is needed for a replay is read although no other field names it.
	var alone answer
	s.answerOf(t, `{viewer{workspace{attacks(first:1000){nodes{curl:replay(format:CURL) python:replay(format:PYRIT) seeds:replay(format:SEED_YAML)}}}}}`, &alone)
	for i, attack := range got.Viewer.Workspace.Attacks.Nodes {
		same(t, alone.Viewer.Workspace.Attacks.Nodes[i].Curl, attack.Curl)
		same(t, alone.Viewer.Workspace.Attacks.Nodes[i].Python, attack.Python)
		same(t, alone.Viewer.Workspace.Attacks.Nodes[i].Seeds, attack.Seeds)
	}
	// The list, the conversations' lengths, the messages, their converters, the targets.
	for _, first := range []int{2, 1000} {
		if n := s.answerOf(t, fmt.Sprintf(`{viewer{workspace{attacks(first:%d){nodes{replay(format:PYRIT)}}}}}`, first), &answer{}); n > 5 {
			t.Errorf("the replays of %d attacks cost %d statements, want 5", first, n)
		}
	}
}

func TestADifferenceIsFromTheOriginalOrFromAnotherMessage(t *testing.T) {
	s := newStores(t, 2, 3)
	type message struct {
		ID, ConvertedValue string
		Difference         *struct {
			Identical bool
			Hunks     []struct{ Kind, Text string }
		}
	}
	type answer struct {
		Viewer struct {
			Workspace, Team struct{ Messages struct{ Nodes []message } }
		}
	}
	var ids answer
	s.answerOf(t, `{viewer{workspace{messages{nodes{id convertedValue}}} team:workspace(name:"team"){messages{nodes{id}}}}}`, &ids)
	mine, theirs := ids.Viewer.Workspace.Messages.Nodes[0], ids.Viewer.Team.Messages.Nodes[0]
	var got answer
	statements := s.answerOf(t, fmt.Sprintf(`{viewer{workspace{messages{nodes{id difference(with:%q){identical hunks{kind text}}}}}}}`, mine.ID), &got)
	if statements > 2 {
		t.Errorf("6 differences cost %d statements, want 2", statements)
	}
	if first := got.Viewer.Workspace.Messages.Nodes[0].Difference; !first.Identical {
		t.Errorf("a message differs from itself: %+v", first)
	}
	// "alice 1 0" became "alice 1 1".
	if hunks := fmt.Sprint(got.Viewer.Workspace.Messages.Nodes[1].Difference.Hunks); hunks != "[{EQUAL alice 1 } {DELETE 0} {INSERT 1}]" {
		t.Errorf("the difference is %s", hunks)
	}
	if n := s.answerOf(t, `{viewer{workspace{messages{nodes{difference{identical hunks{kind text}}}}}}}`, &got); n > 1 {
		t.Errorf("differences from the original cost %d statements, want 1", n)
	}
	for name, id := range map[string]string{"of another workspace": theirs.ID, "of nothing": "AAAA", "no id": "..."} {
		response := s.executeWith(t, &storage.Meter{}, fmt.Sprintf(`{viewer{workspace{messages(first:1){nodes{difference(with:%q){identical}}}}}}`, id))
		if len(response.Errors) != 1 || storage.CodeOf(response.Errors[0].Err) != storage.CodeNotFound {
			t.Errorf("an id %s: %v", name, response.Errors)
		}
	}
}

func TestATranscriptOfTooManyMessagesIsRefused(t *testing.T) {
	s := newStores(t, 1, storage.MaxThread+1)
	for field, want := range map[string]string{
		"conversation{transcript}": "10001 messages",
		"replay(format:CURL)":      "more than 10000 messages",
	} {
		response := s.executeWith(t, &storage.Meter{}, `{viewer{workspace{attacks{nodes{`+field+`}}}}}`)
		if len(response.Errors) != 1 || !strings.Contains(response.Errors[0].Message, want) || storage.CodeOf(response.Errors[0].Err) != storage.CodeBadInput {
			t.Errorf("%s: %v, want %q", field, response.Errors, want)
		}
	}
}

func TestManyTranscriptsAtOnceAreRefusedBeforeTheyAreRead(t *testing.T) {
	s := newStores(t, storage.MaxThreads/5_000+1, 5_000)
	meter := &storage.Meter{}
	response := s.executeWith(t, meter, `{viewer{workspace{conversations(first:100){nodes{transcript}}}}}`)
	if len(response.Errors) == 0 || !strings.Contains(response.Errors[0].Message, "105000 messages together") {
		t.Fatalf("%.1000s", fmt.Sprint(response.Errors))
	}
	if rows := meter.Rows.Load(); rows > 1000 {
		t.Errorf("%d rows were read", rows)
	}
	response = s.executeWith(t, meter, `{viewer{workspace{conversations(first:20){nodes{transcript}}}}}`)
	if len(response.Errors) > 0 {
		t.Errorf("within the limit: %.1000s", fmt.Sprint(response.Errors))
	}
}
