package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxKeyFile bounds what is read of a key file, in bytes.
const maxKeyFile = 1 << 20

// readOrCreateKey reads a key file after looking at its mode, or makes it with what
// create gives. Of two processes that make it at once, one wins and both read its key.
func readOrCreateKey(path string, create func() ([]byte, error)) ([]byte, error) {
	text, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text, err = create()
	if err != nil {
		return nil, err
	}
	err = writeAtomically(path, placeNew, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKey(path)
}

// Sweep removes what a crash left of key files that were being written: a master key
// must not stay under another name. Only the owner of the data folder may call it.
func Sweep(configDir string) error {
	for _, name := range []string{KeysetFile, BackupKeyFile, MasterKeyFile} {
		left, err := fs.Glob(os.DirFS(configDir), "."+name+".*"+unfinishedSuffix)
		if err != nil {
			return fmt.Errorf("sweep the keys: %w", err)
		}
		for _, unfinished := range left {
			if err := os.Remove(filepath.Join(configDir, unfinished)); err != nil {
				return fmt.Errorf("sweep the keys: %w", err)
			}
		}
	}
	return nil
}

// unfinishedSuffix ends the names of files that are being written.
const unfinishedSuffix = ".tmp"

func readKey(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("key file %s is not a regular file", path)
	}
	// Windows has no such modes; there the folder's access list protects the file.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("key file %s has mode %04o, so others can read it: run `chmod 600 %s`, and replace the key if others have used this machine", path, mode, path)
	}
	return io.ReadAll(io.LimitReader(file, maxKeyFile))
}

// writeAtomically writes a file of mode 0600 beside path, brings it to disk and lets
// place move it there. After any error nothing is left behind.
func writeAtomically(path string, place func(from, to string) error, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+unfinishedSuffix) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		// After a rename the name is gone; after a link the second name has to go.
		_ = os.Remove(file.Name())
	}()
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := place(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// placeNew never replaces an existing file, as a rename would: the key in it may
// already have sealed something. A file system without hard links gets the rename.
func placeNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// syncFolder makes the new name survive a power cut. Windows cannot sync a folder.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
