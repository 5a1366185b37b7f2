package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// part is one part of a multipart request; a file has a file name.
type part struct{ name, file, content string }

const keepFile = `mutation($input: UploadFileInput!) { uploadFile(input: $input) {
	known file { id name mediaType bytes sha256 url tags author usedBy { messageCount datasetCount messages { id } datasets { id } } }
	workspace { name } clientMutationId userErrors { code message field }
} }`

// operation is the part operations of one mutation.
func operation(query string, variables map[string]any) part {
	text, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
	return part{name: "operations", content: string(text)}
}

// keep are the parts of uploadFile.
func keep(content string, more map[string]any) []part {
	input := map[string]any{"file": nil}
	for name, value := range more {
		input[name] = value
	}
	return []part{
		operation(keepFile, map[string]any{"input": input}),
		{name: "map", content: `{"0": ["variables.input.file"]}`},
		{name: "0", file: "seeds.csv", content: content},
	}
}

// formOf writes parts as a browser does.
func formOf(t *testing.T, parts []part) (body []byte, contentType string) {
	t.Helper()
	var text bytes.Buffer
	form := multipart.NewWriter(&text)
	for _, p := range parts {
		create := form.CreateFormField
		if p.file != "" {
			create = func(name string) (io.Writer, error) { return form.CreateFormFile(name, p.file) }
		}
		w, err := create(p.name)
		if err == nil {
			_, err = io.WriteString(w, p.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes(), form.FormDataContentType()
}

// upload sends a body of parts.
func (s *site) upload(token, contentType string, body io.Reader, headers map[string]string) (int, answer) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.http.URL+"/graphql", body)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		s.t.Fatalf("%v in %.300s", err, raw)
	}
	a.body = string(raw)
	return response.StatusCode, a
}

func (s *site) uploadParts(token string, parts []part) (int, answer) {
	s.t.Helper()
	body, contentType := formOf(s.t, parts)
	return s.upload(token, contentType, bytes.NewReader(body), nil)
}

// onDisk lists what lies below the folder of files: contents, and spools.
func (s *site) onDisk() (contents, spools []string) {
	s.t.Helper()
	for pattern, into := range map[string]*[]string{"*/??/*": &contents, ".uploads/.*.tmp": &spools} {
		found, err := filepath.Glob(filepath.Join(s.house.Dir, "violentutf", "files", pattern))
		if err != nil {
			s.t.Fatal(err)
		}
		*into = found
	}
	return contents, spools
}

// leavesNothing fails if the last request left a content or a spool.
func (s *site) leavesNothing(t *testing.T) {
	t.Helper()
	if contents, spools := s.onDisk(); len(contents)+len(spools) > 0 {
		t.Errorf("left %v and %v", contents, spools)
	}
}

func TestAFileIsUploadedListedAndFetched(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	const content = "prompt,category\nhello,greeting\n"
	status, a := s.uploadParts(token, keep(content, map[string]any{"tags": []string{"b", "a"}}))
	file := at(a.Data, "uploadFile", "file")
	if status != http.StatusOK || len(a.Errors) > 0 || at(file, "name") != "seeds.csv" || at(file, "bytes") != float64(len(content)) ||
		at(file, "mediaType") != "text/plain; charset=utf-8" || at(file, "tags", 0) != "a" || at(file, "author") != "alice" || at(a.Data, "uploadFile", "known") != false {
		t.Fatalf("%d %s", status, a.body)
	}
	contents, spools := s.onDisk()
	if len(contents) != 1 || len(spools) > 0 || filepath.Base(contents[0]) != at(file, "sha256") {
		t.Errorf("on disk: %v, %v", contents, spools)
	}
	if info, err := os.Stat(contents[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	url, hash := at(file, "url").(string), at(file, "sha256").(string)
	response, body := s.get(url, nil)
	h := response.Header
	if response.StatusCode != http.StatusOK || body != content || h.Get("Content-Disposition") != "attachment; filename=seeds.csv" || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Etag") != `"`+hash+`"` || h.Get("Accept-Ranges") != "bytes" {
		t.Errorf("%d %q %v", response.StatusCode, body, h)
	}
	if response, body := s.get(url, map[string]string{"Range": "bytes=7-14"}); response.StatusCode != http.StatusPartialContent || body != "category" {
		t.Errorf("a range: %d %q", response.StatusCode, body)
	}
	if response, body := s.get(url, map[string]string{"Range": "bytes=999-"}); response.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range behind the end: %d %q", response.StatusCode, body)
	}
	if response, body := s.get(url, map[string]string{"Range": "bytes=0-0", "If-Range": `"another"`}); response.StatusCode != http.StatusOK || body != content {
		t.Errorf("a range of another content: %d %q", response.StatusCode, body)
	}
	if response, body := s.get(url, map[string]string{"If-None-Match": `"` + hash + `"`}); response.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("known already: %d %q", response.StatusCode, body)
	}

	// The same content again is the same file.
	_, again := s.uploadParts(token, keep(content, map[string]any{"name": "other.csv"}))
	if at(again.Data, "uploadFile", "known") != true || at(again.Data, "uploadFile", "file", "id") != at(file, "id") || at(again.Data, "uploadFile", "file", "name") != "other.csv" {
		t.Errorf("%s", again.body)
	}
	list := s.mustAsk(token, `{viewer{workspace{files(filter:{tag:{in:["b"]}}){totalCount nodes{name}} fileTypes{value count}}}}`, nil)
	if at(list.Data, "viewer", "workspace", "files", "totalCount") != 1.0 || at(list.Data, "viewer", "workspace", "fileTypes", 0, "count") != 1.0 {
		t.Errorf("%s", list.body)
	}
	if strings.Contains(s.log.String(), "seeds.csv") || strings.Contains(fmt.Sprint(s.audited("file.")), "seeds") {
		t.Error("the name of the file is in the log")
	}

	gone := s.mustAsk(token, `mutation($id:ID!){deleteFile(input:{id:$id}){deletedId userErrors{code}}}`, map[string]any{"id": at(file, "id")})
	if at(gone.Data, "deleteFile", "deletedId") != at(file, "id") {
		t.Errorf("%s", gone.body)
	}
	if a := s.mustAsk(token, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": at(file, "id")}); at(a.Data, "node") != nil {
		t.Errorf("a deleted file: %s", a.body)
	}
	// Its content goes with the entry of the trash, once no upload can be about to name it.
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(contents[0], old, old); err != nil {
		t.Fatal(err)
	}
	if response, _ := s.get(url, nil); response.StatusCode != http.StatusOK {
		t.Errorf("a link to what may be restored: %d", response.StatusCode)
	}
	purged := s.mustAsk(token, `mutation{purgeTrash(input:{all:true}){entries userErrors{code}}}`, nil)
	if at(purged.Data, "purgeTrash", "entries") != 1.0 {
		t.Errorf("%s", purged.body)
	}
	if response, _ := s.get(url, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("a purged file: %d", response.StatusCode)
	}
	s.leavesNothing(t)
}

func TestAnUploadThatIsSentAgainUnderItsNameIsOne(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	for range 2 {
		_, a := s.uploadParts(token, keep("x", map[string]any{"clientMutationId": "1"}))
		if at(a.Data, "uploadFile", "file", "name") != "seeds.csv" || at(a.Data, "uploadFile", "known") != false || at(a.Data, "uploadFile", "clientMutationId") != "1" {
			t.Errorf("%s", a.body)
		}
	}
	if rows := s.audited("file.upload"); len(rows) != 2 {
		t.Errorf("%d rows of the log", len(rows))
	}
	_, a := s.uploadParts(token, keep("y", map[string]any{"clientMutationId": "1"}))
	if at(a.Data, "uploadFile", "userErrors", 0, "code") != string(storage.CodeConflict) {
		t.Errorf("another content under the same name: %s", a.body)
	}
	if _, spools := s.onDisk(); len(spools) > 0 {
		t.Errorf("left %v", spools)
	}
}

func TestHostileFormsAreRefusedAndLeaveNothing(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	op := operation(keepFile, map[string]any{"input": map[string]any{"file": nil}})
	of := func(text string) part { return part{name: "map", content: text} }
	file := part{"0", "f", "content"}
	for name, test := range map[string]struct {
		parts []part
		want  string
	}{
		"nothing at all":           {nil, "operations is missing"},
		"no map":                   {[]part{op}, "map is missing"},
		"a file before the map":    {[]part{op, file, of(`{"0":["variables.input.file"]}`)}, "map has to come here"},
		"a map before operations":  {[]part{of(`{"0":["variables.input.file"]}`), op, file}, "operations has to come here"},
		"operations are no JSON":   {[]part{{name: "operations", content: "{"}, of(`{}`)}, "one JSON object"},
		"operations in a list":     {[]part{{name: "operations", content: `[{"query":"{server{version}}"}]`}, of(`{}`)}, "one JSON object"},
		"operations too long":      {[]part{{name: "operations", content: strings.Repeat(" ", 1<<20+1)}, of(`{}`)}, "longer than"},
		"a map of no JSON":         {[]part{op, of(`{"0":`)}, "map is not"},
		"a map that is a list":     {[]part{op, of(`[]`)}, "map is not"},
		"a map of texts":           {[]part{op, of(`{"0":"variables.input.file"}`)}, "map is not"},
		"two maps":                 {[]part{op, of(`{"0":["variables.input.file"]}{}`)}, "map is not"},
		"an empty map":             {[]part{op, of(`{}`), file}, "names no file"},
		"a map too long":           {[]part{op, of(`{"0":["` + strings.Repeat("x", 64<<10) + `"]}`)}, "longer than"},
		"a name twice":             {[]part{op, of(`{"0":["variables.input.file"],"0":["variables.input.tags"]}`)}, "twice"},
		"a place twice":            {[]part{op, of(`{"0":["variables.input.file"],"1":["variables.input.file"]}`)}, "two files"},
		"a file without a place":   {[]part{op, of(`{"0":[]}`)}, "nothing of where"},
		"too many files":           {[]part{op, of(`{"0":["a"],"1":["b"],"2":["c"],"3":["d"],"4":["e"]}`)}, "may have 4 files"},
		"too many places":          {[]part{op, of(`{"0":["a","b","c","d","e"]}`)}, "may have 4 files"},
		"outside of the variables": {[]part{op, of(`{"0":["query"]}`)}, "goes to a variable"},
		"the variables themselves": {[]part{op, of(`{"0":["variables"]}`)}, "goes to a variable"},
		"no such variable":         {[]part{op, of(`{"0":["variables.other"]}`)}, "do not have"},
		"below what is null":       {[]part{op, of(`{"0":["variables.input.file.x"]}`)}, "do not have"},
		"over a value":             {[]part{operation(keepFile, map[string]any{"input": map[string]any{"file": "x"}}), of(`{"0":["variables.input.file"]}`)}, "have a value"},
		"an odd index":             {[]part{operation(keepFile, map[string]any{"input": map[string]any{"tags": []any{nil}}}), of(`{"0":["variables.input.tags.00"]}`)}, "do not have"},
	} {
		t.Run(name, func(t *testing.T) {
			status, a := s.uploadParts(token, test.parts)
			if (status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge) || len(a.Errors) != 1 ||
				a.Errors[0].Extensions["code"] != string(storage.CodeBadInput) || !strings.Contains(a.Errors[0].Message, test.want) {
				t.Errorf("%d %s", status, a.body)
			}
			s.leavesNothing(t)
		})
	}
	// From here on the operation is whole: what the caller can mend is a userError.
	for name, test := range map[string]struct {
		parts []part
		want  string
	}{
		"no file":            {[]part{op, of(`{"0":["variables.input.file"]}`)}, "ended before"},
		"no file, named":     {keep("x", map[string]any{"clientMutationId": "1"})[:2], "ended before"},
		"another file":       {[]part{op, of(`{"0":["variables.input.file"]}`), {"1", "f", "content"}}, "has to come here"},
		"an empty file":      {[]part{op, of(`{"0":["variables.input.file"]}`), {"0", "f", ""}}, "empty"},
		"a null without map": {[]part{op, of(`{"0":["variables.input.name"]}`), file}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, a := s.uploadParts(token, test.parts)
			refusal, _ := at(a.Data, "uploadFile", "userErrors", 0, "message").(string)
			if test.want == "" { // not valid
				if len(a.Errors) == 0 {
					t.Errorf("%d %s", status, a.body)
				}
			} else if !strings.Contains(refusal, test.want) || at(a.Data, "uploadFile", "userErrors", 0, "field", 1) != "file" {
				t.Errorf("%d %s", status, a.body)
			}
			s.leavesNothing(t)
		})
	}
}

func TestBodiesWithoutEndAreNotReadToTheirEnd(t *testing.T) {
	s := newSite(t)
	s.set(t, storage.UploadBytes, "1024")
	token := s.token("alice", auth.RoleUser)
	const boundary = "b0undary"
	head := func(name, more string) string {
		return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n"
	}
	begin := head("operations", "") + operation(keepFile, map[string]any{"input": map[string]any{"file": nil}}).content + "\r\n" +
		head("map", "") + `{"0":["variables.input.file"]}` + "\r\n"
	for name, test := range map[string]struct {
		begin, again string
		want         string
	}{
		"before the first part": {"", "x\r\n", "longer than"},
		"in operations":         {head("operations", ""), "          ", "longer than"},
		"in the map":            {begin[:strings.Index(begin, `{"0"`)], "          ", "longer than"},
		"in a header":           {begin + "--" + boundary + "\r\n", "X-A: " + strings.Repeat("a", 100) + "\r\n", "told apart"},
		"in the file":           {begin + head("0", `; filename="f"`), strings.Repeat("x", 1000), "more than the 1024 bytes"},
		"a million parts":       {begin + head("0", `; filename="f"`) + "x\r\n", head("1", "") + "x\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := &endless{Reader: strings.NewReader(test.begin), again: test.again, most: 64 << 20}
			_, a := s.upload(token, "multipart/form-data; boundary="+boundary, body, nil)
			if test.want != "" && !strings.Contains(a.body, test.want) {
				t.Errorf("%s", a.body)
			}
			// What the sockets hold counts as sent.
			if sent := body.sent.Load(); sent >= body.most {
				t.Errorf("all %d bytes were read", sent)
			}
			if _, spools := s.onDisk(); len(spools) > 0 {
				t.Errorf("left %v", spools)
			}
		})
	}
}

// endless repeats a text after its beginning.
type endless struct {
	io.Reader
	again string
	most  int64
	sent  atomic.Int64 // the transport may still read when the answer is there
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF && e.sent.Load() < e.most {
		e.Reader = strings.NewReader(strings.Repeat(e.again, 100))
		n, err = e.Reader.Read(p)
	}
	e.sent.Add(int64(n))
	return n, err
}

// Nobody may send bytes who may not make the mutation.
func TestBytesAreReadAfterTheChecks(t *testing.T) {
	s := newSite(t)
	user, auditor := s.token("alice", auth.RoleUser), s.token("audrey", auth.RoleAuditor)
	for name, test := range map[string]struct {
		token string
		parts []part
		want  storage.Code
	}{
		"nobody":       {"", keep("x", nil), storage.CodeUnauthenticated},
		"an auditor":   {auditor, keep("x", nil), storage.CodeForbidden},
		"too dear":     {user, append([]part{operation("mutation($input:UploadFileInput!){uploadFile(input:$input){workspace{attacks(first:1000){nodes{conversations(first:1000){nodes{messages(first:1000){nodes{id}}}}}}}}}", map[string]any{"input": map[string]any{"file": nil}})}, keep("x", nil)[1:]...), storage.CodeCostLimit},
		"another's":    {user, keep("x", map[string]any{"workspace": storage.ID{Kind: storage.KindWorkspace, Key: "0199c000-0000-7000-8000-000000000001"}.String()}), storage.CodeNotFound},
		"no good name": {user, keep("x", map[string]any{"name": "a/b"}), storage.CodeBadInput},
		"not valid":    {user, append([]part{operation("mutation($input:UploadFileInput!){nothing(input:$input)}", map[string]any{"input": map[string]any{"file": nil}})}, keep("x", nil)[1:]...), storage.CodeBadInput},
	} {
		t.Run(name, func(t *testing.T) {
			body, contentType := formOf(t, test.parts)
			// Of the file, whose bytes are the last, nothing ever comes.
			content := bytes.LastIndex(body, []byte("\r\n\r\nx"))
			reader, writer := io.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = writer.Write(body[:content])
			}()
			_, a := s.upload(test.token, contentType, reader, nil)
			_ = reader.Close()
			<-done
			code, _ := at(a.Data, "uploadFile", "userErrors", 0, "code").(string)
			if len(a.Errors) > 0 {
				code, _ = a.Errors[0].Extensions["code"].(string)
			}
			if code != string(test.want) {
				t.Errorf("%s, want %s", a.body, test.want)
			}
			s.leavesNothing(t)
		})
	}
}

func TestAFormOfAnotherPageIsRefused(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	body, contentType := formOf(t, keep("x", nil))
	send := func(headers map[string]string) reply {
		request, err := http.NewRequest(http.MethodPost, b.http.URL+"/graphql", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		return b.do(request)
	}
	for name, headers := range map[string]map[string]string{
		"another page":          {"Origin": "https://evil.example", auth.PreflightHeader: "1"},
		"no page":               {auth.PreflightHeader: "1"},
		"a form of this server": {"Origin": b.http.URL},
		"a form by its site":    {"Sec-Fetch-Site": "cross-site", auth.PreflightHeader: "1"},
	} {
		if a := send(headers); a.status != http.StatusForbidden || a.code() != string(storage.CodeForbidden) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if contents, spools := b.onDisk(); len(contents)+len(spools) > 0 {
		t.Errorf("left %v, %v", contents, spools)
	}
	if a := send(map[string]string{"Origin": b.http.URL, auth.PreflightHeader: "1"}); a.status != http.StatusOK || !strings.Contains(a.body, `"name":"seeds.csv"`) {
		t.Errorf("a script of this server: %d %s", a.status, a.body)
	}
}

func TestFilesOfOneRequestAreCountedAndTooManyRequestsRefused(t *testing.T) {
	s := newSite(t)
	s.set(t, storage.UploadFiles, "1")
	token := s.token("alice", auth.RoleUser)
	parts := []part{
		operation(`mutation($a:UploadFileInput!,$b:UploadFileInput!){a:uploadFile(input:$a){file{name}} b:uploadFile(input:$b){file{name}}}`,
			map[string]any{"a": map[string]any{"file": nil}, "b": map[string]any{"file": nil}}),
		{name: "map", content: `{"0":["variables.a.file"],"1":["variables.b.file"]}`},
		{"0", "first", "1"},
		{"1", "second", "2"},
	}
	if status, a := s.uploadParts(token, parts); status != http.StatusBadRequest || !strings.Contains(a.body, storage.UploadFiles) {
		t.Errorf("%d %s", status, a.body)
	}
	if _, err := s.house.App.SetSetting(t.Context(), storage.ActorCommand, storage.UploadFiles, "2", 1); err != nil {
		t.Fatal(err)
	}
	if _, a := s.uploadParts(token, parts); at(a.Data, "a", "file", "name") != "first" || at(a.Data, "b", "file", "name") != "second" {
		t.Errorf("%s", a.body)
	}
	// Four requests that stay open; the fifth is one too many.
	body, contentType := formOf(t, keep("x", nil))
	var writers []*io.PipeWriter
	var clients sync.WaitGroup
	for range 4 {
		reader, writer := io.Pipe()
		writers = append(writers, writer)
		request, err := http.NewRequest(http.MethodPost, s.http.URL+"/graphql", reader)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Authorization", "Bearer "+token)
		clients.Go(func() {
			if response, err := http.DefaultClient.Do(request); err == nil {
				_ = response.Body.Close()
			}
		})
		// Written: the server reads the file by now, which is longer than a buffer.
		if _, err := writer.Write(body[:bytes.LastIndex(body, []byte("\r\n\r\nx"))+4]); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool { _, spools := s.onDisk(); return len(spools) == 4 })
	if status, a := s.uploadParts(token, keep("x", nil)); status != http.StatusTooManyRequests || !strings.Contains(a.body, string(storage.CodeRateLimited)) {
		t.Errorf("%d %s", status, a.body)
	}
	if _, a := s.uploadParts(s.token("bob", auth.RoleUser), keep("x", nil)); at(a.Data, "uploadFile", "file", "name") != "seeds.csv" {
		t.Errorf("another user: %s", a.body)
	}
	for _, writer := range writers {
		_ = writer.CloseWithError(io.ErrUnexpectedEOF) // the client goes
	}
	clients.Wait()
	waitFor(t, func() bool { _, spools := s.onDisk(); return len(spools) == 0 })
}

// waitFor waits until something holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	each := time.NewTicker(5 * time.Millisecond)
	defer each.Stop()
	for end := time.Now().Add(20 * time.Second); !holds(); <-each.C {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
