package storage

import (
	"encoding/json"
	"errors"
	"io"
)

// Upload is a file that comes with a request. Its bytes are read from the request when
// they are first asked for, after the checks of who may do what: one that nobody asks
// for is never read.
type Upload struct{ Part UploadPart }

// UploadPart is where an upload's bytes come from.
type UploadPart interface {
	// Content reads the upload to its end, once; later calls answer the same. Errors are
	// BAD_USER_INPUT for what is too large or did not come whole.
	Content() (*UploadContent, error)
}

// UploadContent is an upload that was read to its end.
type UploadContent struct {
	Name      string // as the client calls it, made fit for a row
	Hash      string // SHA-256, hex
	MediaType string // told by the content, never by the name
	Bytes     int64
	Spool     string // what storage/files calls it until the request ends
	// Open begins to read it; the caller closes it.
	Open func() (UploadFile, error)
}

// UploadFile is an upload's content, or that of a file.
type UploadFile interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Content reads the upload to its end.
func (u Upload) Content() (*UploadContent, error) {
	if u.Part == nil {
		return nil, errors.New("an upload without a request")
	}
	return u.Part.Content()
}

// MarshalJSON tells what was uploaded, so that a mutation that is sent again under its
// name can be told from another one. It reads the upload.
func (u Upload) MarshalJSON() ([]byte, error) {
	content, err := u.Content()
	if err != nil {
		return nil, err
	}
	return json.Marshal([]any{content.Name, content.Hash})
}
