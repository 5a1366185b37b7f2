// Package interop brings other tools' files into a workspace: it tells a file's
// format by its content, has the tool's own package read it into a stage, and
// commits that. One way for all: detect, stage, read, merge.
package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/violentutf/violentutf/interop/garak"
	"github.com/violentutf/violentutf/interop/pyrit"
	"github.com/violentutf/violentutf/interop/violentutf"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// Format is a kind of file that can be imported.
type Format string

// The formats, as --format and Import.Format name them.
const (
	FormatViolentUTF Format = "violentutf" // the original's DuckDB user file
	FormatPyRIT      Format = "pyrit"      // a PyRIT memory, SQLite or DuckDB
	FormatGarak      Format = "garak"      // a garak report.jsonl
)

// Options of an import.
type Options struct {
	// Format the file must have; empty takes what it is.
	Format Format `json:"format,omitempty"`
	// ObjectiveScorer names the scorer whose verdict decides where nothing else does.
	ObjectiveScorer string `json:"objectiveScorer,omitempty"`
	// MediaRoot is the folder in which the files that a PyRIT memory names by their
	// paths are looked for; empty follows no path. Only a person at the machine may
	// name one.
	MediaRoot string `json:"mediaRoot,omitempty"`
	// DryRun reads and compares everything and stores nothing.
	DryRun bool `json:"dryRun,omitempty"`
	// Progress is told how far the import is, on the caller's goroutine; may be nil.
	Progress func(storage.Progress) `json:"-"`
}

// Importer imports files into user stores.
type Importer struct {
	DuckDB storage.ForeignOpener
	SQLite storage.ForeignOpener
	Keeper *secret.Keeper
	Files  *files.Folder
}

// File imports one file: all of it or, on any error, nothing. Errors with a code
// say which file and what to do.
func (im *Importer) File(ctx context.Context, store storage.UserStore, path string, opts Options) (*storage.Import, error) {
	if opts.Progress == nil {
		opts.Progress = func(storage.Progress) {}
	}
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	imp := &storage.Import{
		FileName: filepath.Base(path), FileBytes: head.size, DryRun: opts.DryRun,
		StartedAt: time.Now().UTC().Truncate(time.Microsecond), Tool: storage.SourcePyRIT,
	}
	hash := newFileHash(ctx, path)
	defer hash.end()
	session := im.Keeper.Begin()
	defer session.End()
	if session.Rotating() && !opts.DryRun { // a dry run then tells of credentials as updated
		// What is stored is compared as sealed text, which another key makes another.
		if _, err := im.Keeper.Reseal(ctx, Credentials(store)); err != nil {
			return nil, fmt.Errorf("seal the workspace's credentials with the new key: %w", err)
		}
	}
	guard := &guard{session: session, scrubber: secret.NewScrubber(), owner: store.Owner()}
	stage, err := store.NewStage(ctx, guard)
	if err != nil {
		return nil, err
	}
	defer stage.Close()
	from := source{path: path, owner: store.Owner(), hash: hash}
	if opts.MediaRoot != "" {
		from.media = im.Files.Hold()
		defer from.media.Release()
	}

	switch {
	case head.is(sqliteMagic, 0):
		err = im.database(ctx, im.SQLite, stage, from, imp, opts)
	case head.is(duckdbMagic, 8):
		err = im.database(ctx, im.DuckDB, stage, from, imp, opts)
	case garak.Detect(head.bytes):
		err = im.report(ctx, stage, path, imp, opts)
	default:
		err = unknown(imp.FileName, head.bytes)
	}
	if err != nil {
		return nil, explain(imp.FileName, err)
	}
	if imp.FileHash, err = hash.sum(); err != nil {
		return nil, explain(imp.FileName, err)
	}
	read := imp.Tables
	imp.Tables = nil
	if err := stage.Commit(ctx, imp, opts.Progress); err != nil {
		return nil, explain(imp.FileName, err)
	}
	// What the source's own tables lost is told beside what became of the model's.
	for _, table := range read {
		if table.Skipped > 0 {
			imp.Tables = append(imp.Tables, table)
		}
	}
	return imp, nil
}

// source is a database file, for the workspace owner.
type source struct {
	path, owner string
	hash        *fileHash
	media       *files.Holding // until the rows that name them are stored
}

// database reads a PyRIT memory or the original's user file.
func (im *Importer) database(ctx context.Context, opener storage.ForeignOpener, stage storage.Stage, from source, imp *storage.Import, opts Options) error {
	src, err := opener.OpenForeign(ctx, from.path)
	if err != nil {
		return err
	}
	defer src.Close()
	from.hash.begin()
	options := pyrit.Options{ObjectiveScorer: opts.ObjectiveScorer, Progress: opts.Progress}
	if opts.MediaRoot != "" {
		if options.Media, err = im.Files.Source(opts.MediaRoot, from.owner, opts.DryRun, from.media); err != nil {
			return err
		}
		defer options.Media.Close()
	}
	var summary pyrit.Summary
	switch tables := src.Tables(); {
	case violentutf.Detect(tables):
		imp.Tool = storage.SourceViolentUTF
		if err := wanted(imp, FormatViolentUTF, opts); err != nil {
			return err
		}
		summary, err = violentutf.Import(ctx, src, stage, options)
	case pyrit.Detect(tables):
		if err := wanted(imp, FormatPyRIT, opts); err != nil {
			return err
		}
		summary, err = pyrit.Import(ctx, src, stage, options)
	default:
		return foreignTables(imp.FileName, tables)
	}
	if err != nil {
		return err
	}
	imp.Tables, imp.Notes = summary.Tables, summary.Notes
	imp.ToolVersion = version(summary.ToolVersion)
	return nil
}

// report reads a garak report, with the hitlog beside it.
func (im *Importer) report(ctx context.Context, stage storage.Stage, path string, imp *storage.Import, opts Options) error {
	imp.Tool = storage.SourceGarak
	if err := wanted(imp, FormatGarak, opts); err != nil {
		return err
	}
	report, err := os.Open(path)
	if err != nil {
		return err
	}
	defer report.Close()
	var hits io.Reader
	hitlog, err := os.Open(strings.TrimSuffix(path, ".report.jsonl") + ".hitlog.jsonl")
	if err == nil {
		defer hitlog.Close()
		hits = hitlog
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	summary, err := garak.Import(ctx, report, imp.FileBytes, hits, stage, garak.Options{Progress: opts.Progress})
	if err != nil {
		return err
	}
	imp.Tables, imp.Notes = summary.Tables, summary.Notes
	imp.ToolVersion = version(summary.ToolVersion)
	return nil
}

func wanted(imp *storage.Import, found Format, opts Options) error {
	imp.Format = string(found)
	if opts.Format != "" && opts.Format != found {
		return storage.BadInput("format", "the file %s is of format %s, not %s: leave --format out or correct it", imp.FileName, found, opts.Format)
	}
	return nil
}

func version(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

const (
	sqliteMagic = "SQLite format 3\x00"
	duckdbMagic = "DUCK"
)

// head is the beginning of a file, enough to tell its format.
type head struct {
	bytes []byte
	size  int64
}

func (h head) is(magic string, offset int) bool {
	return len(h.bytes) >= offset+len(magic) && string(h.bytes[offset:offset+len(magic)]) == magic
}

func readHead(path string) (head, error) {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return head{}, storage.BadInput("file", "there is no file %s: check the path", path)
	case err != nil:
		return head{}, storage.BadInput("file", "the file %s cannot be read: %v", name, err)
	case !info.Mode().IsRegular():
		return head{}, storage.BadInput("file", "%s is not a regular file", path)
	case info.Size() == 0:
		return head{}, storage.BadInput("file", "the file %s is empty", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return head{}, storage.BadInput("file", "the file %s cannot be read: %v", name, err)
	}
	defer file.Close()
	start := make([]byte, 64<<10)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return head{}, storage.BadInput("file", "the file %s cannot be read: %v", name, err)
	}
	return head{bytes: start[:n], size: info.Size()}, nil
}

func unknown(name string, start []byte) error {
	const can = "a PyRIT memory (SQLite or DuckDB), a user file of the original ViolentUTF, and a garak report.jsonl can be imported"
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return storage.BadInput("file", "the file %s is compressed with gzip: unpack it first (%s)", name, can)
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return storage.BadInput("file", "the file %s is a ZIP archive: unpack it first (%s)", name, can)
	case bytes.HasPrefix(start, []byte("age-encryption.org/")):
		return storage.BadInput("file", "the file %s is encrypted with age: decrypt it first (%s)", name, can)
	case !printable(start):
		return storage.BadInput("file", "the file %s is of no known format, or encrypted, or damaged at its start: %s", name, can)
	}
	return storage.BadInput("file", "the file %s is of no known format: %s", name, can)
}

func printable(start []byte) bool {
	odd := 0
	for _, b := range start {
		if b < 9 || (b > 13 && b < 32) {
			odd++
		}
	}
	return odd*20 < len(start)
}

func foreignTables(name string, tables []storage.ForeignTable) error {
	var names []string
	for _, table := range tables {
		if len(names) == 5 {
			names = append(names, "...")
			break
		}
		names = append(names, table.Name)
	}
	if len(names) == 0 {
		return storage.BadInput("file", "the database %s has no tables: it is neither a PyRIT memory nor a user file of the original ViolentUTF", name)
	}
	return storage.BadInput("file", "the database %s is neither a PyRIT memory nor a user file of the original ViolentUTF (its tables: %s)", name, strings.Join(names, ", "))
}

// explain makes sure that the error names the file; a reader's error is about the
// file, so it goes to the caller.
func explain(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e, ok := errors.AsType[*storage.Error](err); ok {
		return e
	}
	return fmt.Errorf("import %s: %w", name, err)
}

// fileHash is the SHA-256 of a file. Beside the reading it takes no time of its own;
// but it may begin only when a database was copied, whose lock ends when anything in
// the process closes the file.
type fileHash struct {
	begin func()
	sum   func() (string, error) // begins if nothing did
	end   func()                 // gives up what was not asked for
}

func newFileHash(ctx context.Context, path string) *fileHash {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	var text string
	var err error
	begin := sync.OnceFunc(func() {
		reading.Go(func() { text, err = sha256Of(ctx, path) })
	})
	return &fileHash{
		begin: begin,
		sum: func() (string, error) {
			begin()
			reading.Wait()
			return text, err
		},
		end: func() {
			cancel()
			reading.Wait()
		},
	}
}

func sha256Of(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(hash, file, 4<<20); errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		} else if err != nil {
			return "", err
		}
	}
}
