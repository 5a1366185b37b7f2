//go:build bench

package figures

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The promises of uploads, for 2 cores.
const (
	uploadBytes  = 200 << 20
	uploadMemory = 150_000_000 // bytes of the whole process at its peak, above what it has when it is idle
)

// TestUploadFigures sends a CSV of 200 MB to the program over HTTP, as a file to keep and
// as a dataset, and once more with a last line that breaks.
func TestUploadFigures(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, buildProgram(t, folder), filepath.Join(folder, "data"))
	// What is idle has done its work before: the pages of the program are there.
	const make = `mutation($input:CreateDatasetFromFileInput!){m:createDatasetFromFile(input:$input){promptCount userErrors{message}}}`
	if answer, _ := s.upload(make, map[string]any{"name": "small"}, "", 4<<20); !strings.Contains(answer, `"userErrors":[]`) {
		t.Fatal(answer)
	}
	idle := func() int64 {
		s.ask(`{"query":"{viewer{workspace{datasets{totalCount} storage{bytes}}}}"}`) // opens the store
		return s.memory("VmRSS")
	}
	for _, one := range []struct {
		name, query, end string
		input            map[string]any
		want             string
	}{
		{"kept as a file", `mutation($input:UploadFileInput!){m:uploadFile(input:$input){file{bytes} userErrors{message}}}`, "", map[string]any{}, `"userErrors":[]`},
		{
			"as a dataset", make, "",
			map[string]any{"name": "whole"},
			`"userErrors":[]`,
		},
		{
			"with a last line that breaks", make,
			`"never closed`,
			map[string]any{"name": "broken"},
			`"promptCount":0`,
		},
	} {
		before := idle()
		s.forgetPeak()
		start := time.Now()
		answer, sent := s.upload(one.query, one.input, one.end, uploadBytes)
		took, peak := time.Since(start), s.memory("VmHWM")
		fmt.Printf("| upload of a CSV of %d MB %s | %.1f s, %.0f MB/s, %d MB above the idle %d MB | %.120s |\n",
			sent>>20, one.name, took.Seconds(), float64(sent)/took.Seconds()/1e6, (peak-before)/1_000_000, before/1_000_000, answer)
		if !strings.Contains(answer, one.want) {
			t.Errorf("%s: %.500s", one.name, answer)
		}
		if peak-before > uploadMemory {
			t.Errorf("%s took %d MB above idle, the promise is %d MB", one.name, (peak-before)/1_000_000, uploadMemory/1_000_000)
		}
	}
	if answer := s.ask(`{"query":"{viewer{workspace{datasets{totalCount}}}}"}`); !strings.Contains(answer, `"totalCount":2`) {
		t.Errorf("the broken file left something: %s", answer)
	}
}

// served is the program, serving.
type served struct {
	t          *testing.T
	pid        int
	url, token string
}

func serve(t *testing.T, program, data string, flags ...string) *served {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, append([]string{"serve", "--dev", "--listen", "127.0.0.1:0", "--data", data}, flags...)...)
	cmd.Stderr = io.Discard
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the program does not say where it listens")
	}
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("the program says %q", lines.Text())
	}
	go func() { // until the program ends
		for lines.Scan() {
		}
	}()
	token, err := exec.Command(program, "token", "--data", data, "--user", "alice", "--role", "user", "--ttl", "1h").Output()
	if err != nil {
		t.Fatal(err)
	}
	return &served{t, cmd.Process.Pid, url, strings.TrimSpace(string(token))}
}

func (s *served) send(contentType string, body io.Reader) string {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url+"/graphql", body)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *served) ask(body string) string {
	s.t.Helper()
	return s.send("application/json", strings.NewReader(body))
}

// upload sends a table of prompts, which is made while it is sent, and tells its bytes.
func (s *served) upload(query string, input map[string]any, end string, size int64) (answer string, sent int64) {
	s.t.Helper()
	reader, writer := io.Pipe()
	go func() {
		var err error
		sent, err = prompts(writer, end, size)
		_ = writer.CloseWithError(err)
	}()
	answer = s.sendFile(query, input, reader)
	return answer, sent
}

// sendFile sends a table with an operation, whose variable is $input.
func (s *served) sendFile(query string, input map[string]any, table io.Reader) string {
	s.t.Helper()
	input["file"] = nil
	operations, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input}})
	if err != nil {
		s.t.Fatal(err)
	}
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		err := form.WriteField("operations", string(operations))
		if err == nil {
			err = form.WriteField("map", `{"0":["variables.input.file"]}`)
		}
		file, fileErr := form.CreateFormFile("0", "prompts.csv")
		if err == nil {
			err = fileErr
		}
		if err == nil {
			_, err = io.Copy(file, table)
		}
		if err == nil {
			err = form.Close()
		}
		_ = writer.CloseWithError(err)
	}()
	return s.send(form.FormDataContentType(), reader)
}

// prompts writes a table whose rows differ, about 240 bytes each.
func prompts(to io.Writer, end string, size int64) (sent int64, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	n, err := out.WriteString("prompt,category,role\n")
	for row := 0; err == nil && sent < size; row++ {
		sent += int64(n)
		n, err = fmt.Fprintf(out, "\"Question %d of many: what does a gardener do in week %d of the year, and why %s?\",garden %d,user\n",
			row, row%53, strings.Repeat("would it be so ", 9), row%17)
	}
	sent += int64(n)
	if err == nil {
		_, err = out.WriteString(end)
	}
	if err == nil {
		err = out.Flush()
	}
	return sent, err
}

// memory reads what the kernel counts of the process, in bytes.
func (s *served) memory(name string) int64 {
	s.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	s.t.Fatalf("the kernel does not tell %s", name)
	return 0
}

// forgetPeak lets VmHWM begin anew.
func (s *served) forgetPeak() {
	s.t.Helper()
	if err := os.WriteFile("/proc/"+strconv.Itoa(s.pid)+"/clear_refs", []byte("5"), 0o200); err != nil {
		s.t.Fatal(err)
	}
}
