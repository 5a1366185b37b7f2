// Package testfiles unpacks the real files of testdata for a test.
package testfiles

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Original is the name of the original ViolentUTF's file of user alice.
const Original = "violentutf/pyrit_memory_1e4bceb06ee74dbf426a7b87faaeb5caa0d275f4133140d70603050e9f0a4848.db"

// Path unpacks testdata/<name>.gz into a temporary folder of the test and
// returns the file's path; its base name is that of name.
func Path(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	Unpack(t, name, path)
	return path
}

// Unpack unpacks testdata/<name>.gz to path.
func Unpack(t testing.TB, name, path string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	packed, err := os.Open(filepath.Join(filepath.Dir(here), "..", "..", "testdata", filepath.FromSlash(name)+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unzip, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, unzip); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
