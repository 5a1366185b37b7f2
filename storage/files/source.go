package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// MaxBytes is how large a file may be that an import keeps.
const MaxBytes int64 = 256 << 20

// longestPath bounds what one row can make us look for.
const longestPath = 4096

// Source is the one folder in which the media of an imported file are looked for.
// Nothing outside of it is reached, whatever the file names: every look goes
// through an os.Root. It belongs to one goroutine.
type Source struct {
	folder *Folder
	root   *os.Root
	names  []string // of the root: as given, and resolved
	owner  string
	dryRun bool
	limit  int64
	held   *Holding // what was kept
}

// Source opens the folder dir for an import into the workspace owner. With dryRun
// files are read and not kept. What is kept is held until rows name it.
func (f *Folder) Source(dir, owner string, dryRun bool, held *Holding) (*Source, error) {
	given, err := filepath.Abs(dir)
	if err != nil {
		return nil, storage.BadInput("mediaRoot", "the media root %s cannot be found: %v", dir, err)
	}
	resolved, err := filepath.EvalSymlinks(given)
	if err != nil {
		return nil, storage.BadInput("mediaRoot", "the media root %s cannot be opened: name a folder that exists (%v)", dir, err)
	}
	root, err := os.OpenRoot(resolved)
	if err != nil {
		return nil, storage.BadInput("mediaRoot", "the media root %s cannot be opened: name a folder that can be read (%v)", dir, err)
	}
	return &Source{
		folder: f, root: root, names: []string{filepath.ToSlash(given), filepath.ToSlash(resolved)},
		owner: owner, dryRun: dryRun, limit: MaxBytes, held: held,
	}, nil
}

// Close gives the folder back.
func (s *Source) Close() error { return s.root.Close() }

// Refusal is why a path gave no file; the import goes on without it.
type Refusal string

// The refusals.
const (
	Missing   Refusal = "no such file below the media root"
	Outside   Refusal = "the path leads out of the media root"
	NotAFile  Refusal = "not a regular file"
	TooLarge  Refusal = "larger than 256 MiB"
	Unread    Refusal = "the file cannot be read"
	OfOurOwn  Refusal = "the file lies in the data folder of this program"
	OddPath   Refusal = "the path is empty, too long or not a path"
	notFailed Refusal = ""
)

var errTooLarge = errors.New("the file is too large")

// Keep finds the file that a path means and keeps its content. The path is looked
// for below the root as it stands, then by its endings, the longest first: a memory
// is made on another machine, or in another folder, than it is imported from. A
// file without a refusal is kept when Keep returns; an error means that our own
// folder could not be written.
func (s *Source) Keep(ctx context.Context, named string) (*storage.File, Refusal, error) {
	candidates, refusal := s.candidates(named)
	if refusal != notFailed {
		return nil, refusal, nil
	}
	refusal = Missing
	for _, name := range candidates {
		content, refused := s.open(name)
		if refused == Missing {
			continue
		}
		if refused != notFailed {
			refusal = refused
			break
		}
		return s.take(ctx, name, content)
	}
	return nil, refusal, ctx.Err()
}

// candidates are the names below the root that a path can mean, best first.
func (s *Source) candidates(named string) ([]string, Refusal) {
	if named == "" || len(named) > longestPath || strings.ContainsRune(named, 0) {
		return nil, OddPath
	}
	if !strings.Contains(named, "/") { // written on Windows
		named = strings.ReplaceAll(named, `\`, "/")
		if len(named) > 2 && named[1] == ':' {
			named = named[2:]
		}
	}
	var candidates []string
	for _, root := range s.names {
		if below, ok := strings.CutPrefix(named, strings.TrimSuffix(root, "/")+"/"); ok {
			candidates = append(candidates, path.Clean(below))
		}
	}
	var parts []string
	for part := range strings.SplitSeq(named, "/") {
		switch part {
		case "..":
			return nil, Outside
		case "", ".":
		default:
			parts = append(parts, part)
		}
	}
	for i := range parts {
		candidates = append(candidates, path.Join(parts[i:]...))
	}
	return candidates, notFailed
}

// open opens a regular file below the root.
func (s *Source) open(name string) (*os.File, Refusal) {
	info, err := s.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return nil, Missing
	case errors.Is(err, fs.ErrPermission):
		return nil, Unread
	case err != nil: // os.Root names no error for a link that leads out
		return nil, Outside
	case !info.Mode().IsRegular():
		return nil, NotAFile
	case s.ours(name):
		return nil, OfOurOwn
	}
	// What was a file a moment ago may be a pipe now, which must not block.
	file, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Unread
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, NotAFile
	}
	return file, notFailed
}

// ours tells whether a name below the root is in our data folder: a hostile memory
// would have its keys copied to where a user of the graph can read them.
func (s *Source) ours(name string) bool {
	real, err := filepath.EvalSymlinks(filepath.Join(s.names[1], filepath.FromSlash(name)))
	if err != nil {
		return true
	}
	below, err := filepath.Rel(s.folder.data, real)
	return err != nil || filepath.IsLocal(below)
}

// take describes a content and keeps it.
func (s *Source) take(ctx context.Context, name string, content *os.File) (*storage.File, Refusal, error) {
	defer content.Close()
	file, err := describe(ctx, content, s.limit)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, TooLarge, nil
	case ctx.Err() != nil:
		return nil, notFailed, ctx.Err()
	case err != nil:
		return nil, Unread, nil
	}
	file.Owner, file.Name, file.CreatedAt = s.owner, path.Base(name), time.Now().UTC().Truncate(time.Microsecond)
	if s.dryRun {
		return file, notFailed, nil
	}
	read := &watched{Reader: content}
	err = s.folder.keep(ctx, s.owner, file.Hash, file.Bytes, read, s.held)
	if read.err != nil || errors.Is(err, errChanged) {
		return nil, Unread, ctx.Err()
	}
	if err != nil {
		return nil, notFailed, fmt.Errorf("medium %s: %w", file.Name, err)
	}
	return file, notFailed, nil
}

// watched remembers that reading failed, which is not our folder's fault.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
