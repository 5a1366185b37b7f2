package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// spools holds uploads while their requests run. It lies beside the contents, so that
// keeping an upload is a link and no copy; Open sweeps what a crash left in it.
const spools = ".uploads"

// Spool writes an upload into a private file, through a small buffer, and describes it.
// errTooLarge, which TooLargeUpload tells, beyond limit bytes; nothing is left then. The
// caller removes the spool by Unspool.
func (f *Folder) Spool(ctx context.Context, content io.Reader, limit int64) (*storage.UploadContent, error) {
	if err := f.root.MkdirAll(spools, 0o700); err != nil {
		return nil, fmt.Errorf("spool an upload: %w", err)
	}
	name := path.Join(spools, "."+rand.Text()+unfinishedSuffix)
	file, err := f.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool an upload: %w", err)
	}
	sum := sha256.New()
	// The file comes first: what its writing fails with is ours, the rest the request's.
	to := &written{Writer: file}
	bytes, err := io.Copy(io.MultiWriter(to, sum), cancelled{ctx, io.LimitReader(content, limit+1)})
	if err == nil && bytes > limit {
		err = errTooLarge
	}
	var mediaType string
	if err == nil {
		mediaType, err = sniffFile(file)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, f.root.Remove(name))
		if to.err != nil {
			return nil, fmt.Errorf("spool an upload: %w", err)
		}
		return nil, err
	}
	return &storage.UploadContent{
		Hash: hex.EncodeToString(sum.Sum(nil)), MediaType: mediaType, Bytes: bytes, Spool: name,
		Open: func() (storage.UploadFile, error) { return f.root.Open(name) },
	}, nil
}

// TooLargeUpload tells Spool's refusal of more bytes than the limit.
func TooLargeUpload(err error) bool { return errors.Is(err, errTooLarge) }

// Unspool removes a spool.
func (f *Folder) Unspool(content *storage.UploadContent) error {
	if err := f.root.Remove(content.Spool); err != nil {
		return fmt.Errorf("remove the spool of an upload: %w", err)
	}
	return nil
}

// KeepUpload keeps a spooled upload as a content of a workspace, whole and on disk, or
// not at all. The caller holds the content until a row names it.
func (f *Folder) KeepUpload(ctx context.Context, owner string, content *storage.UploadContent, held *Holding) error {
	name, ok := nameOf(owner, content.Hash)
	if !ok {
		return fmt.Errorf("keep an upload: %q of %q is no name of a content", content.Hash, owner)
	}
	if err := held.take(ctx, name); err != nil {
		return err
	}
	if info, err := f.root.Stat(name); err == nil && info.Mode().IsRegular() && info.Size() == content.Bytes {
		// As young as a new one, for Remove. When that took it just now, it is kept anew.
		if now := time.Now(); f.root.Chtimes(name, now, now) == nil {
			return nil
		}
	}
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep an upload: %w", err)
	}
	err := f.syncFolder(content.Spool)
	if err == nil {
		err = f.root.Link(content.Spool, name)
	}
	if err == nil {
		// The spool may have begun long before its file is kept.
		now := time.Now()
		err = f.root.Chtimes(name, now, now)
	}
	for _, folder := range []string{path.Dir(name), owner, "."} {
		if err == nil {
			err = f.syncFolder(folder)
		}
	}
	if err != nil {
		return fmt.Errorf("keep an upload: %w", err)
	}
	return nil
}

// written remembers that writing failed.
type written struct {
	io.Writer
	err error
}

func (w *written) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

func sniffFile(file *os.File) (string, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return sniff(file)
}
