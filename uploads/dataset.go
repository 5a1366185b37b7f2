package uploads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/violentutf/violentutf/interop/dataset"
	"github.com/violentutf/violentutf/storage"
)

// What a mapping is made of, for those who may not import the readers.
type (
	Field   = dataset.Field
	Mapping = dataset.Mapping
	Origin  = dataset.Origin
	Reject  = dataset.Reject
)

// Reading says which file is read as prompts, and how. Upload or Hash is set.
type Reading struct {
	Upload  *storage.Upload
	Hash    string  // of a file of the store
	Format  string  // as dataset.Format; empty guesses
	Mapping Mapping // empty takes the well-known columns
	Skip    bool    // rows that are no prompts; without it one of them ends the reading
}

// Read is what was found in a file.
type Read struct {
	FileName    string
	Format      string
	Columns     []string
	Mapping     Mapping           // the one in force
	Prompts     []*storage.Prompt // the first, of a preview
	PromptCount int64
	Rejects     []Reject // the first thousand
	RejectCount int64
}

// mostShown bounds the prompts of a preview, in bytes.
const mostShown = 4 << 20

// Preview reads a file to its end, stores nothing, and shows the first prompts. A file
// without a column that is known as the text has no prompts, and no error.
func (s *Shelf) Preview(ctx context.Context, store storage.UserStore, from Reading, first int) (*Read, error) {
	source, err := s.open(ctx, store, from)
	if err != nil {
		return nil, err
	}
	defer source.close()
	read := source.read()
	if _, ok := read.Mapping[dataset.FieldText]; !ok {
		return read, nil
	}
	bytes := 0
	for {
		prompt, err := source.reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if read.PromptCount++; len(read.Prompts) < first && bytes < mostShown {
			bytes += len(prompt.Text)
			read.Prompts = append(read.Prompts, withRest(prompt))
		}
	}
	source.count(read)
	return read, nil
}

// NewDataset makes a dataset of a file: all of it or, after any error, nothing. Read is
// there with an error too, once the file could be read: it has the rows that are no
// prompts. The dataset's Format and MadeBy are filled in.
func (s *Shelf) NewDataset(ctx context.Context, store storage.UserStore, d *storage.NewDataset, from Reading, allowed storage.Allowed) (*Read, error) {
	if err := checkNamed(d); err != nil {
		return nil, err
	}
	return s.make(ctx, store, from, func(read *Read, next storage.NextPrompt) (key string, version int64, err error) {
		d.Format, d.MadeBy, d.AllNew = read.Format, madeBy(read, d.MadeBy), true
		_, err = store.AddDataset(ctx, d, next, allowed)
		return d.Key, 1, err
	})
}

// NewVersion makes the version of a dataset after base of a file, as NewDataset does.
func (s *Shelf) NewVersion(ctx context.Context, store storage.UserStore, key string, base int64, version storage.NewVersion, from Reading, allowed storage.Allowed) (*Read, error) {
	return s.make(ctx, store, from, func(read *Read, next storage.NextPrompt) (string, int64, error) {
		version.MadeBy, version.AllNew = madeBy(read, version.MadeBy), true
		_, err := store.AddDatasetVersion(ctx, key, base, version, next, allowed)
		return key, base + 1, err
	})
}

func (s *Shelf) make(ctx context.Context, store storage.UserStore, from Reading, add func(*Read, storage.NextPrompt) (string, int64, error)) (*Read, error) {
	source, err := s.open(ctx, store, from)
	if err != nil {
		return nil, err
	}
	defer source.close()
	read := source.read()
	key, version, err := add(read, func(ctx context.Context) (*storage.Prompt, error) {
		prompt, err := source.reader.Next(ctx)
		if source.reader.RejectCount() > 0 && !from.Skip {
			return nil, source.stop(ctx, err)
		}
		switch {
		case err == nil:
			read.PromptCount++
			return withRest(prompt), nil
		case errors.Is(err, io.EOF) && read.PromptCount == 0:
			return nil, storage.BadInput("file", "the file has no prompts: choose another one, or correct the mapping")
		}
		return nil, err
	})
	source.count(read)
	if err != nil {
		return read, err
	}
	if from.Hash != "" {
		// The prompts are stored, so the dataset lacks nothing without this.
		if err := store.LinkDatasetFile(ctx, key, version, from.Hash); err != nil {
			s.warn(ctx, "a dataset does not know the file that it was read from", store, err)
		}
	}
	return read, nil
}

// source is a file that is read as prompts.
type source struct {
	file   storage.UploadFile
	reader *dataset.Reader
	name   string
	format dataset.Format
}

func (s *Shelf) open(ctx context.Context, store storage.UserStore, from Reading) (_ *source, err error) {
	o := &source{}
	var bytes int64
	switch {
	case (from.Upload == nil) == (from.Hash == ""):
		return nil, storage.BadInput("file", "pass either file or fileId")
	case from.Upload != nil:
		content, err := from.Upload.Content()
		if err != nil {
			return nil, err
		}
		o.name, bytes = content.Name, content.Bytes
		if o.file, err = content.Open(); err != nil {
			return nil, fmt.Errorf("open an upload: %w", err)
		}
	default:
		found, err := store.FilesByHash(ctx, []string{from.Hash})
		if err != nil {
			return nil, err
		}
		file := found[from.Hash]
		if file == nil {
			return nil, &storage.Error{Code: storage.CodeNotFound, Field: "fileId", Message: "there is nothing with this id that you may change: pass an id as the server gave it"}
		}
		content, err := s.Files.Open(store.Owner(), from.Hash)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, storage.BadInput("fileId", "the content of this file is not in the data folder any more: upload it again")
		}
		if err != nil {
			return nil, fmt.Errorf("open a file: %w", err)
		}
		o.name, o.file, bytes = file.Name, content, file.Bytes
	}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if bytes == 0 {
		return nil, storage.BadInput("file", "the file is empty")
	}
	if o.format = dataset.Format(from.Format); o.format == "" {
		if o.format, err = o.guess(); err != nil {
			return nil, err
		}
	}
	if o.reader, err = dataset.Open(o.format, o.file, bytes, from.Mapping); err != nil {
		return nil, err
	}
	o.reader.PassOver()
	return o, nil
}

// guess tells the format by the name and the beginning.
func (o *source) guess() (dataset.Format, error) {
	head := make([]byte, 64<<10)
	n, err := o.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read a file: %w", err)
	}
	format := dataset.Detect(o.name, head[:n])
	if format == "" {
		return "", storage.BadInput("format", "the file is none that prompts can be read from, or its format cannot be told by its name: name a format")
	}
	return format, nil
}

func (o *source) close() { _ = o.file.Close() } // it was only read

func (o *source) read() *Read {
	return &Read{
		FileName: o.name, Format: string(o.format), Columns: append([]string{}, o.reader.Columns()...), Mapping: o.reader.Mapping(),
		Prompts: []*storage.Prompt{}, Rejects: []Reject{},
	}
}

// stop reads on, so that all rows that are no prompts are told at once, and is their
// error; or that of the file, which may end too early.
func (o *source) stop(ctx context.Context, err error) error {
	for err == nil {
		_, err = o.reader.Next(ctx)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	rejects := o.reader.Rejects()
	return storage.BadInput("file", "%d rows are no prompts, the first at line %d, column %d: correct the file or the mapping, or pass rejects: SKIP",
		o.reader.RejectCount(), rejects[0].Line, rejects[0].Column)
}

func (o *source) count(read *Read) {
	read.Rejects, read.RejectCount = append(read.Rejects, o.reader.Rejects()...), o.reader.RejectCount()
}

// withRest keeps the columns that no field takes as the prompt's metadata, unless a
// column is that.
func withRest(p *storage.Prompt) *storage.Prompt {
	if p.Metadata == nil {
		p.Metadata = p.Attributes
	}
	return p
}

// madeBy tells how a version came from a file: without its texts, which are prompts.
func madeBy(read *Read, given storage.MadeBy) storage.MadeBy {
	given.Operation = "UPLOAD"
	given.Parameters = map[string]any{"fileName": read.FileName, "format": read.Format, "mapping": read.Mapping}
	return given
}

// The most of what a dataset may be called, in bytes.
const mostNameBytes = 300

func checkNamed(d *storage.NewDataset) error {
	if d.Name == "" || d.Name != storage.Plain(d.Name, mostNameBytes) {
		return storage.BadInput("name", "a dataset needs a name of at most %d bytes on one line", mostNameBytes)
	}
	if err := storage.CheckText("description", d.Description, storage.MaxNoteBytes); err != nil {
		return err
	}
	for _, tag := range d.Tags {
		if tag == "" || tag != storage.Plain(tag, storage.MaxFileTagBytes) {
			return storage.BadInput("tags", "a tag has 1 to %d bytes on one line", storage.MaxFileTagBytes)
		}
	}
	if len(d.Tags) > storage.MaxFileTags {
		return storage.BadInput("tags", "a dataset has at most %d tags, not %d", storage.MaxFileTags, len(d.Tags))
	}
	d.Tags = slices.Compact(slices.Sorted(slices.Values(d.Tags)))
	d.CreatedAt = d.At
	return nil
}
