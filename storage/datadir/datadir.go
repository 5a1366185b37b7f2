// Package datadir knows the data folder: which folders and files are where, and
// which process owns it (domain.md, "Files"; architecture.md, rule 14).
package datadir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultSalt is the salt of user store names of an original installation that
// configured none.
const DefaultSalt = "default_salt_2025"

// AppStoreFile is the app store's database, below the data folder.
const AppStoreFile = "violentutf_api.db"

// BackupFolder keeps the copies made before migrations, below the data folder.
const BackupFolder = "backups"

// Layout creates the folders of a data folder, mode 0700. Existing ones are left
// as they are.
func Layout(dir string) error {
	for _, folder := range []string{
		"violentutf/cache", "violentutf/datasets/garak", "violentutf/parameters",
		"violentutf/templates", "violentutf/files", "config", "reports", BackupFolder,
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(folder)), 0o700); err != nil {
			return fmt.Errorf("lay out the data folder: %w", err)
		}
	}
	return nil
}

// PersonalFile names a user's personal store, below the data folder, as the
// original ViolentUTF does.
func PersonalFile(salt, username string) string {
	sum := sha256.Sum256([]byte(salt + username))
	return "violentutf/pyrit_memory_" + hex.EncodeToString(sum[:]) + ".db"
}

// SharedFile names a shared workspace's store, below the data folder.
func SharedFile(salt, workspaceID string) string {
	return PersonalFile(salt, "workspace:"+workspaceID)
}

// socketPathMax is below the 104 bytes that macOS and the 108 that Linux have for
// the path of a unix socket.
const socketPathMax = 100

// ControlSocket is the path of the owner's control socket: config/control.sock, or,
// where that is too long for a socket, a file in a folder of its own below the
// system's temporary folder, named by the data folder. PrepareControlSocket makes
// either ready.
func ControlSocket(dir string) string {
	absolute, err := filepath.Abs(dir)
	if err != nil { // the working folder is gone: every use of dir fails anyway
		absolute = dir
	}
	if path := filepath.Join(absolute, "config", "control.sock"); len(path) <= socketPathMax {
		return path
	}
	sum := sha256.Sum256([]byte(absolute))
	return filepath.Join(os.TempDir(), "violentutf-"+hex.EncodeToString(sum[:8]), "control.sock")
}

// PrepareControlSocket makes the folder of ControlSocket, refuses one that others
// can enter, and removes the socket that a crashed owner left. Only the holder of
// the Lock may call it.
func PrepareControlSocket(dir string) (string, error) {
	path := ControlSocket(dir)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("prepare the control socket: %w", err)
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return "", fmt.Errorf("prepare the control socket: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ownedByUs(info) {
		return "", fmt.Errorf("control socket: %s must be a folder of yours with mode 0700: remove it or correct it", folder)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("remove the old control socket: %w", err)
	}
	return path, nil
}
