// Package files keeps the media of workspaces: each content once for a workspace,
// under <data folder>/violentutf/files/<owner>/<first two digits>/<SHA-256>. What a
// file is called and which messages name it stands in the user store; a content
// that no row names is harmless and is found again by its hash.
package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// place is where the contents lie below the data folder.
const place = "violentutf/files"

// Folder is the contents of all workspaces of a data folder. It is safe for
// concurrent use. Only the owner of the data folder may open it.
type Folder struct {
	root  *os.Root
	data  string // the data folder, resolved
	holds holds
}

// Open opens the contents below a data folder and removes what a crash left half
// written. dataDir must be resolved and laid out.
func Open(dataDir string) (*Folder, error) {
	root, err := os.OpenRoot(filepath.Join(dataDir, filepath.FromSlash(place)))
	if err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	f := &Folder{root: root, data: dataDir}
	unfinished, err := fs.Glob(root.FS(), "*/.*"+unfinishedSuffix)
	for _, name := range unfinished {
		err = errors.Join(err, root.Remove(name))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sweep the folder of files: %w", err), root.Close())
	}
	return f, nil
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.root.Close() }

// Content is an open content.
type Content struct {
	storage.UploadFile
	MediaType string
	ModTime   time.Time
}

// Open opens a content of a workspace; the caller closes it. fs.ErrNotExist when
// there is none.
func (f *Folder) Open(owner, hash string) (*Content, error) {
	name, ok := nameOf(owner, hash)
	if !ok {
		return nil, fs.ErrNotExist
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	var mediaType string
	if err == nil {
		mediaType, err = sniff(file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Content{UploadFile: file, MediaType: mediaType, ModTime: info.ModTime()}, nil
}

// Copy keeps a content of one workspace for another one as well, held until a row names
// it there. fs.ErrNotExist when the first has none.
func (f *Folder) Copy(ctx context.Context, file *storage.File, to string, held *Holding) error {
	content, err := f.Open(file.Owner, file.Hash)
	if err != nil {
		return err
	}
	return errors.Join(f.keep(ctx, to, file.Hash, file.Bytes, content, held), content.Close())
}

// youngest is how long a content is kept after it last came: longer than any import
// takes, for that keeps its contents before the rows that name them.
const youngest = 24 * time.Hour

// Remove removes a content that no row names, and tells whether it is gone. One that
// came lately stays: an import that has not ended may be about to name it.
func (f *Folder) Remove(owner, hash string) (bool, error) {
	name, ok := nameOf(owner, hash)
	if !ok {
		return true, nil
	}
	if info, err := f.root.Stat(name); err == nil && time.Since(info.ModTime()) < youngest {
		return false, nil
	}
	// Moved away first: whoever keeps it meanwhile finds it whole, or not at all.
	aside := path.Join(owner, "."+rand.Text()+unfinishedSuffix)
	err := f.root.Rename(name, aside)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove a file: %w", err)
	}
	info, err := f.root.Stat(aside)
	if err == nil && time.Since(info.ModTime()) < youngest {
		return false, f.root.Rename(aside, name) // it came again just now
	}
	if err = errors.Join(err, f.root.Remove(aside)); err != nil {
		return false, fmt.Errorf("remove a file: %w", err)
	}
	return true, nil
}

// nameOf is the place of a content. Both parts come from our own rows and links;
// what does not look like them names nothing.
func nameOf(owner, hash string) (string, bool) {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != sha256.Size || hash != strings.ToLower(hash) {
		return "", false
	}
	if owner == "" || strings.Trim(owner, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" {
		return "", false
	}
	return path.Join(owner, hash[:2], hash), true
}

// unfinishedSuffix ends the names of contents that are being written.
const unfinishedSuffix = ".tmp"

// errChanged says that a content is not what it was when it was hashed.
var errChanged = errors.New("the file changed while it was read")

// keep stores a content under its hash, whole and on disk, or not at all. One that
// is there already is left as it is.
func (f *Folder) keep(ctx context.Context, owner, hash string, bytes int64, content io.Reader, held *Holding) error {
	name, ok := nameOf(owner, hash)
	if !ok {
		return fmt.Errorf("keep a file: %q of %q is no name of a content", hash, owner)
	}
	if err := held.take(ctx, name); err != nil {
		return err
	}
	if info, err := f.root.Stat(name); err == nil && info.Mode().IsRegular() && info.Size() == bytes {
		// As young as a new one, for Remove. When that took it just now, it is kept anew.
		if now := time.Now(); f.root.Chtimes(name, now, now) == nil {
			return nil
		}
	}
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep a file: %w", err)
	}
	unfinished := path.Join(owner, "."+rand.Text()+unfinishedSuffix)
	file, err := f.root.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keep a file: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), cancelled{ctx, content})
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != hash {
		err = errChanged
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = f.root.Rename(unfinished, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep a file: %w", err), f.root.Remove(unfinished))
	}
	for _, folder := range []string{path.Dir(name), owner, "."} {
		if err := f.syncFolder(folder); err != nil {
			return fmt.Errorf("keep a file: %w", err)
		}
	}
	return nil
}

// syncFolder makes new names in a folder survive a power cut.
func (f *Folder) syncFolder(name string) error {
	folder, err := f.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// describe reads a content to its end. More than limit bytes are errTooLarge.
func describe(ctx context.Context, content io.ReadSeeker, limit int64) (*storage.File, error) {
	mediaType, err := sniff(content)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	bytes, err := io.Copy(sum, cancelled{ctx, io.LimitReader(content, limit+1)})
	if err != nil {
		return nil, err
	}
	if bytes > limit {
		return nil, errTooLarge
	}
	_, err = content.Seek(0, io.SeekStart)
	return &storage.File{Hash: hex.EncodeToString(sum.Sum(nil)), Bytes: bytes, MediaType: mediaType}, err
}

// cancelled ends a copy when its context ends.
type cancelled struct {
	ctx  context.Context
	from io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(p)
}
