// Package uploads is what becomes of files that users hand over: they are kept beside
// the media of messages, or read as datasets. A file has a content in the data folder
// and a row in the user store; what fails between the two is taken back, and what a
// crash leaves is a content without a row, which Sweep finds.
package uploads

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// Shelf keeps files. It is safe for concurrent use.
type Shelf struct {
	Files *files.Folder
	Log   *slog.Logger
}

// Add keeps an upload as a file of the store's workspace: first the content, then the
// row. It tells the file's hash, and whether the content was a file already. When the
// row cannot be stored, the content goes again unless another row names it.
func (s *Shelf) Add(ctx context.Context, store storage.UserStore, author string, upload storage.Upload, change storage.FileChange) (hash string, known bool, err error) {
	if err := change.Check(); err != nil {
		return "", false, err // before the bytes are read
	}
	content, err := upload.Content()
	if err != nil {
		return "", false, err
	}
	if content.Bytes == 0 {
		return "", false, storage.BadInput("file", "the file is empty: there is nothing to keep")
	}
	held := s.Files.Hold()
	if err = s.Files.KeepUpload(ctx, store.Owner(), content, held); err == nil {
		known, err = store.AddFile(ctx, &storage.File{
			Hash: content.Hash, Name: content.Name, MediaType: content.MediaType, Bytes: content.Bytes,
			Author: &author, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
		}, change)
	}
	held.Release()
	if err != nil {
		// Also when the client has gone: its content must not stay behind.
		after := context.WithoutCancel(ctx)
		if _, undone := s.removeUnnamed(after, store, content.Hash); undone != nil {
			s.warn(after, "a content without a row stays until the next sweep", store, undone)
		}
		return "", false, err
	}
	return content.Hash, known, nil
}

// removeUnnamed removes a content that no row names, in the trash neither.
func (s *Shelf) removeUnnamed(ctx context.Context, store storage.UserStore, hash string) (removed bool, err error) {
	removal, ok := s.Files.Removing(store.Owner(), hash)
	if !ok {
		return false, nil // somebody is about to name it, or to remove it
	}
	defer removal.End()
	named, err := store.NamedFiles(ctx, []string{hash})
	if err != nil || named[hash] {
		return false, err
	}
	return true, removal.Remove()
}

// Swept is what Sweep found in a workspace.
type Swept struct {
	Unnamed int // contents that no row names, in the trash neither
	Missing int // rows whose content is not there: these files cannot be read
}

// Sweep counts contents that no row names, and removes them if it is told so.
func (s *Shelf) Sweep(ctx context.Context, store storage.UserStore, remove bool) (Swept, error) {
	var swept Swept
	for digits := range 256 {
		hashes, err := s.Files.Hashes(store.Owner(), fmt.Sprintf("%02x", digits))
		if err != nil {
			return swept, err
		}
		for len(hashes) > 0 {
			some := hashes[:min(len(hashes), storage.MaxPageSize)]
			hashes = hashes[len(some):]
			named, err := store.NamedFiles(ctx, some)
			if err != nil {
				return swept, err
			}
			for _, hash := range some {
				if named[hash] {
					continue
				}
				gone := true
				if remove {
					gone, err = s.removeUnnamed(ctx, store, hash)
				}
				if err != nil {
					return swept, err
				}
				if gone {
					swept.Unnamed++
				}
			}
		}
	}
	missing, err := s.missing(ctx, store)
	swept.Missing = missing
	return swept, err
}

// missing counts the files whose content is not there.
func (s *Shelf) missing(ctx context.Context, store storage.UserStore) (int, error) {
	missing, page := 0, storage.Page{Limit: storage.MaxPageSize}
	for {
		list, err := store.Files(ctx, nil, storage.FileOrder{Field: storage.FileOrderBytes, Direction: storage.Ascending}, page)
		if err != nil {
			return missing, err
		}
		for _, file := range list.Nodes() {
			content, err := s.Files.Open(store.Owner(), file.Hash)
			if err != nil {
				missing++
				continue
			}
			if err := content.Close(); err != nil {
				return missing, err
			}
		}
		if !list.PageInfo.HasNextPage || list.PageInfo.EndCursor == nil {
			return missing, nil
		}
		page.After = *list.PageInfo.EndCursor
	}
}

func (s *Shelf) warn(ctx context.Context, what string, store storage.UserStore, err error) {
	if s.Log == nil || errors.Is(err, context.Canceled) {
		return
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, what, slog.String("workspace", store.Owner()), slog.Any("error", err))
}
