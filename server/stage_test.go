package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/schema/operations"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// stage is a site on which the examples of docs/operations play: alice owns the shared
// workspace "red team" with the sample data, ed edits it and vi views it, "old" is
// archived; mallory owns another "red team" with the same data and an "old" one; root
// administrates, auditor reads the log, carol was made by a command and never signed in,
// dora is bound to an identity.
type stage struct {
	*site
	examples map[string]*operations.Example
	played   map[string]map[string]any // answers, by person and example
	endpoint string                    // of a model
}

// What the stage itself gives, as if it were an example: the address of its model, which
// refuses the prompt "Fail", and the status of runs once they are over.
const (
	stageEndpoint = "Stage.endpoint"
	stageRun      = "Stage.run"
)

var people = map[string]auth.Role{
	"alice": auth.RoleUser, "ed": auth.RoleUser, "vi": auth.RoleUser, "mallory": auth.RoleUser, "root": auth.RoleAdmin, "auditor": auth.RoleAuditor,
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir := t.TempDir()
	copyFolder(t, furnished(t), dir)
	return newStageIn(t, dir)
}

// copyFolder copies with the modes, on which the program insists.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, info.Mode().Perm())
		case !entry.Type().IsRegular():
			return nil // a socket of a server that is gone
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newStageIn(t *testing.T, dir string, change ...func(*server.Options)) *stage {
	t.Helper()
	model := httptest.NewServer(mocktarget.New(mocktarget.Options{Fault: func(prompt string, _ int) mocktarget.Fault {
		if prompt == "Fail" {
			return mocktarget.Fault{Status: http.StatusBadRequest, Body: `{"error":{"message":"not this one"}}`}
		}
		return mocktarget.Fault{}
	}}))
	t.Cleanup(model.Close)
	return &stage{
		site: newSiteIn(t, dir, func(options *server.Options) {
			options.Limits.NoRates = true
			options.Outbound.Private = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			for _, also := range change {
				also(options)
			}
		}),
		examples: examplesOfOperations(t), played: map[string]map[string]any{}, endpoint: model.URL,
	}
}

func examplesOfOperations(t *testing.T) map[string]*operations.Example {
	t.Helper()
	examples, err := operations.Read(os.DirFS(filepath.Join("..", "docs", "operations")))
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

// furnishing is the folder that each stage is a copy of, made once.
var furnishing struct {
	sync.Once
	dir string
}

func furnished(t *testing.T) string {
	t.Helper()
	furnishing.Do(func() {
		dir, err := os.MkdirTemp("", "stage")
		if err != nil {
			t.Fatal(err)
		}
		t.Run("furnish", func(t *testing.T) { furnish(t, dir) })
		furnishing.dir = dir
	})
	if furnishing.dir == "" {
		t.Fatal("the stage could not be furnished")
	}
	return furnishing.dir
}

// servesFolder names the folder that the test binary serves in place of its tests, until
// its standard input ends.
const servesFolder = "VIOLENTUTF_TEST_SERVES"

func serveFolder(dir string) error {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	opened, err := house.Open(ctx, house.Options{Dir: dir, Log: log})
	if err != nil {
		return err
	}
	issuer, err := auth.OpenDevIssuer(opened.ConfigDir())
	if err != nil {
		return err
	}
	options := server.Options{House: opened, Issuer: issuer, Dev: true, Version: "test", Log: log, Limits: server.Limits{NoRates: true}}
	options.Outbound.Private = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	err = server.New(options).Serve(ctx, listener, func() { fmt.Println("http://" + listener.Addr().String()) })
	return errors.Join(err, opened.Close(context.WithoutCancel(ctx)))
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(servesFolder); dir != "" {
		if err := serveFolder(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	status := m.Run()
	if furnishing.dir != "" {
		status += boolToInt(os.RemoveAll(furnishing.dir) != nil)
	}
	os.Exit(status)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func furnish(t *testing.T, dir string) {
	s := newSiteIn(t, dir, func(*server.Options) {})
	ctx := context.Background()
	for person, role := range people {
		s.mustAsk(s.token(person, role), `{viewer{username}}`, nil)
	}
	for _, owner := range []string{"alice", "mallory"} {
		token := s.token(owner, auth.RoleUser)
		made := s.mustAsk(token, `mutation{createWorkspace(input:{name:"red team"}){workspace{id}}}`, nil)
		for _, file := range []string{"sample-memory.sqlite", "sample.report.jsonl"} {
			if _, err := s.house.ImportInto(ctx, owner, "red team", filepath.Join("..", "app_data", "sample", file), interop.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		for i, agent := range []string{"Firefox", "Chromium"} {
			user, err := s.house.App.UserByUsername(ctx, owner)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.house.App.CreateSession(ctx, storage.Session{
				Key: strings.Repeat(fmt.Sprintf("%x%x", i, len(owner)), 32), UserKey: user.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Hour, IP: "192.0.2.7", UserAgent: agent,
			}); err != nil {
				t.Fatal(err)
			}
		}
		old := s.mustAsk(token, `mutation{createWorkspace(input:{name:"old"}){workspace{id}}}`, nil)
		both := map[string]any{"red": at(made.Data, "createWorkspace", "workspace", "id"), "old": at(old.Data, "createWorkspace", "workspace", "id")}
		for name, id := range both {
			if owner == "alice" {
				s.mustAsk(token, `mutation($w:ID!){ed:inviteMember(input:{workspace:$w,username:"ed",role:EDITOR}){userErrors{message}}
					vi:inviteMember(input:{workspace:$w,username:"vi",role:VIEWER}){userErrors{message}}}`, map[string]any{"w": id})
			}
			if name == "old" {
				s.mustAsk(token, `mutation($w:ID!){archiveWorkspace(input:{workspace:$w}){userErrors{message}}}`, map[string]any{"w": id})
			}
		}
	}
	_, _, err := s.house.App.EnsureUser(ctx, "carol", s.house.PersonalFile("carol"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.house.App.SignIn(ctx, storage.Identity{Issuer: "https://idp.example", Subject: "1", Username: "dora", Roles: []string{"USER"}}, s.house.PersonalFile("dora"))
	// Each store is opened once, so that what the app store remembers of it is there.
	for _, person := range []string{"alice", "ed", "vi", "mallory"} {
		s.mustAsk(s.token(person, auth.RoleUser), `{viewer{workspace{attacks{totalCount}} workspaces{attacks{totalCount}}}}`, nil)
	}
	if err = errors.Join(err, s.house.App.Flush(ctx)); err != nil {
		t.Fatal(err)
	}
}

// tokenOf signs a person of the stage in.
func (s *stage) tokenOf(person string) string {
	if person == "" {
		person = "alice"
	}
	return s.token(person, people[person])
}

// play executes an example once for a person, who stands in for alice, with what it
// needs before it, and returns the data of the answer.
func (s *stage) play(name, person string) map[string]any {
	s.t.Helper()
	example := s.examples[name]
	if example == nil {
		s.t.Fatalf("there is no example of %s", name)
	}
	key := person + " " + name
	if data := s.played[key]; data != nil {
		return data
	}
	a := s.ask(s.tokenOf(or(example.As, person)), example.Document, s.prepare(example.Step, person))
	if problem := a.problem(); problem != "" {
		s.t.Fatalf("the example of %s: %s", name, a.body)
	}
	s.played[key] = a.Data
	return a.Data
}

// prepare does what a step needs before it, and returns its variables.
func (s *stage) prepare(step operations.Step, person string) map[string]any {
	s.t.Helper()
	for _, name := range step.After {
		s.play(name, person)
	}
	variables := map[string]any{}
	for _, variable := range step.Variables {
		if variable.File != "" {
			variables[variable.Name] = part{name: variable.Name, file: variable.File, content: variable.Content}
			continue
		}
		data := map[string]any{"url": s.endpoint + "/v1"}
		switch {
		case variable.Document != "":
			a := s.mustAsk(s.tokenOf(or(step.As, person)), filled(s.t, variable.Document, variables), nil)
			data = a.Data
		case variable.From == stageRun:
			data = map[string]any{"status": s.finishRuns()}
		case variable.From != stageEndpoint:
			data = s.play(variable.From, person)
		}
		value := along(data, variable.Path)
		if value == nil {
			s.t.Fatalf("nothing is at %s of %s%s: %v", strings.Join(variable.Path, "."), variable.From, variable.Document, data)
		}
		variables[variable.Name] = value
	}
	return variables
}

// finishRuns works on the runs of the stage until all are over, as the server does that
// listens, and returns the status of the last.
func (s *stage) finishRuns() (status string) {
	s.t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { s.server.WorkOnRuns(ctx) })
	defer working.Wait()
	defer end()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		a := s.mustAsk(s.tokenOf("alice"), `{viewer{workspaces{executions(filter: {origin: {in: [NATIVE]}}){nodes{status}}}}}`, nil)
		busy := false
		for _, one := range along(a.Data, []string{"viewer", "workspaces", "*", "executions", "nodes"}).([]any) {
			for _, run := range one.([]any) {
				status = at(run, "status").(string)
				busy = busy || status == "QUEUED" || status == "RUNNING"
			}
		}
		if !busy {
			return status
		}
	}
	s.t.Fatal("the runs of the stage do not end")
	return ""
}

// along walks into decoded JSON; * takes all of a list.
func along(value any, path []string) any {
	for i, step := range path {
		list, isList := value.([]any)
		number, err := strconv.Atoi(step)
		switch {
		case isList && step == "*":
			all := make([]any, len(list))
			for j, one := range list {
				all[j] = along(one, path[i+1:])
			}
			return all
		case isList && err == nil && number < len(list):
			value = list[number]
		default:
			object, _ := value.(map[string]any)
			value = object[step]
		}
	}
	return value
}

// problem is the code of the first error or userError, "" for none.
func (a answer) problem() string {
	if len(a.Errors) > 0 {
		code, _ := a.Errors[0].Extensions["code"].(string)
		return code
	}
	for _, payload := range a.Data {
		if code, ok := at(payload, "userErrors", 0, "code").(string); ok {
			return code
		}
	}
	return ""
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// ask is that of the site, for variables that may be uploads as well.
func (s *stage) ask(token, query string, variables map[string]any) answer {
	s.t.Helper()
	plain, places := map[string]any{}, map[string][]string{}
	var files []part
	for name, value := range variables {
		plain[name] = value
		if file, is := value.(part); is {
			plain[name], places[name] = nil, []string{"variables." + name}
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return s.site.ask(token, query, variables)
	}
	text, err := json.Marshal(places)
	if err != nil {
		s.t.Fatal(err)
	}
	body, contentType := formOf(s.t, append([]part{operation(query, plain), {name: "map", content: string(text)}}, files...))
	_, a := s.upload(token, contentType, bytes.NewReader(body), map[string]string{"X-Graphql-Stats": "1"})
	return a
}

func (s *stage) mustAsk(token, query string, variables map[string]any) answer {
	s.t.Helper()
	a := s.ask(token, query, variables)
	if len(a.Errors) > 0 {
		s.t.Fatalf("%s: %+v", query, a.Errors)
	}
	return a
}
