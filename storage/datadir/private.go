package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// KeepPrivate makes databases, keys and everything else that a data folder keeps
// unreadable to other users of the machine, where that is ours to do. It returns what it
// mended, below dir, and refuses what belongs to another user and symbolic links that
// lead out of the folder: whoever made one decides what is read and written through it.
// Key files are left as they are: that others could read one is for a person to know,
// and who opens it says so. Only the holder of the Lock may call it, with a resolved path.
func KeepPrivate(dir string) (mended []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("check the data folder: %w", err)
	}
	defer root.Close()
	names, err := private(root)
	if err != nil {
		return nil, fmt.Errorf("check the data folder: %w", err)
	}
	for _, name := range names {
		err := fs.WalkDir(root.FS(), name, func(name string, entry fs.DirEntry, err error) error {
			changed, refused := keepOne(root, dir, name)
			if changed {
				mended = append(mended, name)
			}
			switch {
			case refused != nil:
				return refused // says more than the walk, which stops at a link that leads out
			case err == nil && slices.Contains(shallow, name):
				return fs.SkipDir
			}
			return gone(err)
		})
		if err != nil {
			return mended, fmt.Errorf("check the data folder: %w", err)
		}
	}
	return mended, nil
}

// shallow are folders with very many files, whose own mode is enough: nothing below
// them is opened but through an os.Root.
var shallow = []string{"violentutf/files"}

// private lists what to look at: the folders that Layout makes, and the databases and
// the lock beside them. What else lies there, as the sample, is not ours.
func private(root *os.Root) ([]string, error) {
	names := []string{"config", "violentutf", "reports", BackupFolder}
	found, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range found {
		if strings.HasPrefix(entry.Name(), AppStoreFile) || entry.Name() == lockFile {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// keepOne takes the rights of others away from one file or folder.
func keepOne(root *os.Root, dir, name string) (changed bool, err error) {
	info, err := root.Lstat(name)
	if err != nil {
		return false, gone(err)
	}
	full := filepath.Join(dir, filepath.FromSlash(name))
	if info.Mode()&fs.ModeSymlink != 0 {
		if _, err := root.Stat(name); err != nil {
			return false, fmt.Errorf("%s is a symbolic link that leads out of the folder, or nowhere: replace it by what it stands for", full)
		}
		return false, nil // what it leads to is looked at in its own place
	}
	if !ownedByUs(info) {
		return false, fmt.Errorf("%s belongs to another user: give it to the one who runs this program (chown), or remove it", full)
	}
	key := path.Dir(name) == "config" && info.Mode().IsRegular()
	if mode := info.Mode().Perm(); mode&0o077 != 0 && !key {
		if err := root.Chmod(name, mode&^0o077); err != nil {
			return false, fmt.Errorf("%s has mode %04o, so others can reach it, and that cannot be changed: %w", full, mode, err)
		}
		return true, nil
	}
	return false, nil
}

// gone passes over what ended between the look at the folder and the look at the file:
// temporary files do.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
