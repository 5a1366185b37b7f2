//go:build unix

package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrLocked means that another process owns the data folder. Ask it through its
// ControlSocket.
var ErrLocked = errors.New("the data folder is in use")

// Lock is the ownership of a data folder. The system ends it with the process,
// however that ends.
type Lock struct {
	file *os.File
}

// lockFile holds the owner's process id in decimal. It is never removed: a process
// that waits for a removed file would own nothing.
const lockFile = "violentutf.lock"

// Acquire makes this process the owner of dir, which is created when it is missing.
// It does not wait: when another owner holds it, the error is ErrLocked and names
// the owner's process id.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	err = flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: %s belongs to process %s", ErrLocked, dir, ownerOf(file))
	} else if err == nil {
		err = writeOwner(file, strconv.Itoa(os.Getpid())+"\n")
	}
	if err != nil {
		file.Close()
		if errors.Is(err, ErrLocked) {
			return nil, err
		}
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	return &Lock{file: file}, nil
}

// Unlock gives the data folder up.
func (l *Lock) Unlock() error {
	err := errors.Join(writeOwner(l.file, ""), flock(l.file, syscall.LOCK_UN), l.file.Close())
	if err != nil {
		return fmt.Errorf("unlock the data folder: %w", err)
	}
	return nil
}

func flock(file *os.File, how int) error {
	for {
		if err := syscall.Flock(int(file.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func writeOwner(file *os.File, text string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

func ownerOf(file *os.File) string {
	raw := make([]byte, 32)
	n, _ := file.ReadAt(raw, 0)
	if pid := strings.TrimSpace(string(raw[:n])); pid != "" {
		return pid
	}
	return "(starting)"
}

func ownedByUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
