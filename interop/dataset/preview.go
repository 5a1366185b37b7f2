package dataset

import (
	"context"
	"errors"
	"io"

	"github.com/violentutf/violentutf/storage"
)

// maxPreview bounds a preview's rows, in number and in bytes.
const (
	maxPreview      = 100
	maxPreviewBytes = 4 << 20
)

// Preview is what a file would become.
type Preview struct {
	Columns []string          // of the file, in order
	Mapping Mapping           // Open's, or what is proposed; without text where no column is known as it
	Prompts []*storage.Prompt // the first, as they would be
	Rejects []Reject          // those among them
	Whole   bool              // the file has no more rows than these
}

// Preview reads up to n prompts, at most 100 or 4 MiB of them. The reader has then
// passed over them: for the import the file is opened again, with the mapping that
// the preview led to. Errors are Next's, except that a mapping without text is none.
func (r *Reader) Preview(ctx context.Context, n int) (*Preview, error) {
	preview := &Preview{Columns: r.Columns(), Mapping: r.Mapping(), Prompts: []*storage.Prompt{}, Rejects: []Reject{}}
	if _, ok := r.mapping[FieldText]; !ok {
		return preview, nil
	}
	bytes := 0
	for len(preview.Prompts) < min(n, maxPreview) && bytes < maxPreviewBytes {
		prompt, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			preview.Whole = true
			break
		}
		if err != nil {
			return nil, err
		}
		bytes += len(prompt.Text)
		preview.Prompts = append(preview.Prompts, prompt)
	}
	preview.Rejects = append(preview.Rejects, r.Rejects()...)
	return preview, nil
}
