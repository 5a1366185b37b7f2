package datadir

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestMain lets the test binary be another process that owns a data folder until
// its standard input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DATADIR_TEST_OWN"); dir != "" {
		if _, err := Acquire(dir); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("owned\n")
		bufio.NewReader(os.Stdin).ReadString('\n')
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestOnlyOneProcessOwnsADataFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), "DATADIR_TEST_OWN="+dir)
	stdin, err := owner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if line != "owned\n" {
		t.Fatalf("the other process says %q", line)
	}
	_, err = Acquire(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "process "+strconv.Itoa(owner.Process.Pid)) {
		t.Errorf("second owner: %v, want ErrLocked with process %d", err, owner.Process.Pid)
	}

	// A crash gives the folder up.
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	owner.Wait()
	stdin.Close()
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after the owner's crash: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestOneProcessOwnsADataFolderOnce(t *testing.T) {
	dir := t.TempDir()
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("second time: %v, want ErrLocked", err)
	}
	info, err := os.Stat(filepath.Join(dir, "violentutf.lock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("lock file: %v, %v", info, err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after Unlock: %v", err)
	}
	again.Unlock()
}

func TestLayoutKeepsFoldersPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "app_data")
	for range 2 { // the second time everything is there
		if err := Layout(dir); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		name, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(name)] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"violentutf/cache", "violentutf/datasets", "violentutf/datasets/garak", "violentutf/parameters",
		"violentutf/templates", "violentutf/files", "config", "reports", "backups",
	} {
		if !found[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// The name was made by the original ViolentUTF for the user alice.
func TestPersonalFileHasTheOriginalsName(t *testing.T) {
	want := "violentutf/pyrit_memory_1e4bceb06ee74dbf426a7b87faaeb5caa0d275f4133140d70603050e9f0a4848.db"
	if got := PersonalFile(DefaultSalt, "alice"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, other := SharedFile("s", "42"), PersonalFile("s", "workspace:42"); got != other {
		t.Errorf("shared file %s, want %s", got, other)
	}
}

func TestControlSocketFitsTheSystemsLimit(t *testing.T) {
	// Not t.TempDir: its path is as long as the test's name.
	short, err := os.MkdirTemp("", "vu")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	t.Setenv("TMPDIR", short)
	long := filepath.Join(short, strings.Repeat("long", 20), strings.Repeat("name", 20))
	if got, want := ControlSocket(short), filepath.Join(short, "config", "control.sock"); got != want {
		t.Errorf("short folder: %s, want %s", got, want)
	}
	for _, dir := range []string{short, long} {
		for range 2 { // the second time the first socket was left behind
			path, err := PrepareControlSocket(dir)
			if err != nil {
				t.Fatal(err)
			}
			if path != ControlSocket(dir) {
				t.Errorf("prepared %s, the socket is %s", path, ControlSocket(dir))
			}
			listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			listener.SetUnlinkOnClose(false)
			listener.Close()
		}
	}
	if ControlSocket(long) == ControlSocket(long+"r") {
		t.Error("two data folders share a socket")
	}
}

func TestControlSocketInAnOpenFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Dir(ControlSocket(dir))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := PrepareControlSocket(dir); err == nil {
		t.Error("a folder that others can enter was accepted")
	}
}
