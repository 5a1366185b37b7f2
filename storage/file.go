package storage

import (
	"context"
	"strings"
	"time"
)

// File is a medium that messages name by a path, or what a user handed over; a content
// is one file of a workspace, however often it comes. It lies in storage/files under the
// owner's key and the hash.
type File struct {
	Owner     string // key of the workspace
	Hash      string // SHA-256 of the content, hex
	Name      string // that a user gave, or the last part of the path by which it was first named
	MediaType string // told by the content, never by the name
	Bytes     int64
	CreatedAt time.Time // when it was first kept

	// The rest is read by Files and FilesByHash alone.
	ID          string
	Description *string
	Tags        []string   // sorted
	Author      *string    // username of who handed it over; nil of a medium that an import brought
	UpdatedAt   *time.Time // when a user last said something of it
}

// Files are a workspace's files.
type Files interface {
	// AddFile adds a file that a user hands over, whose content is kept already. Where
	// the content is a file, that takes the change on; known tells so.
	AddFile(ctx context.Context, file *File, change FileChange) (known bool, err error)
	// ChangeFile changes what is said of a file. CodeNotFound for none.
	ChangeFile(ctx context.Context, hash, author string, change FileChange, now time.Time) error
	Files(ctx context.Context, filter *FileFilter, order FileOrder, page Page) (*Connection[File], error)
	FilesByHash(ctx context.Context, hashes []string) (map[string]*File, error)
	// FileTypes counts the files of each media type, the most frequent first.
	FileTypes(ctx context.Context, filter *FileFilter, limit int) ([]*FacetValue, error)
	// FileUses finds what refers to files; the first most messages and datasets of each.
	FileUses(ctx context.Context, hashes []string, most int) (map[string]*FileUse, error)
	// LinkDatasetFile notes from which file a version of a dataset was read.
	LinkDatasetFile(ctx context.Context, dataset string, version int64, hash string) error
}

// FileChange is what is said of a file; nil stays, an empty description takes it away.
type FileChange struct {
	Name        *string
	Description *string
	Tags        []string // instead of those that there are; nil stays
}

// The most of what may be said of a file, in bytes and in number.
const (
	MaxFileNameBytes = 255
	MaxFileTags      = 50
	MaxFileTagBytes  = 100
)

// Check is BAD_USER_INPUT for what cannot be said of a file.
func (c *FileChange) Check() error {
	if c.Name != nil && (blank(c.Name) || *c.Name != Plain(*c.Name, MaxFileNameBytes) || strings.ContainsAny(*c.Name, `/\`)) {
		return BadInput("name", "a file needs a name of at most %d bytes on one line, without / and \\", MaxFileNameBytes)
	}
	if err := CheckText("description", c.Description, MaxNoteBytes); err != nil {
		return err
	}
	if len(c.Tags) > MaxFileTags {
		return BadInput("tags", "a file has at most %d tags, not %d", MaxFileTags, len(c.Tags))
	}
	for _, tag := range c.Tags {
		if strings.TrimSpace(tag) == "" || tag != Plain(tag, MaxFileTagBytes) {
			return BadInput("tags", "a tag has 1 to %d bytes on one line", MaxFileTagBytes)
		}
	}
	return nil
}

// FileUse is what refers to a file.
type FileUse struct {
	MessageCount int64
	Messages     []MessageKey // the first, in their order
	DatasetCount int64
	Datasets     []string // keys of the first, by name
}

// FileFilter narrows a list of files.
type FileFilter struct {
	Name      *TextMatch
	MediaType *TextIn
	Tag       *TextIn
	Author    *TextIn
	Bytes     *LongRange
	CreatedAt *TimeRange
	InUse     *bool // a message or dataset refers to it
}

// FileOrderField is what a list of files can be ordered by.
type FileOrderField string

// The orders of files; equal values are ordered by hash.
const (
	FileOrderCreatedAt FileOrderField = "CREATED_AT"
	FileOrderName      FileOrderField = "NAME"
	FileOrderBytes     FileOrderField = "BYTES"
)

// FileOrder orders a list of files.
type FileOrder struct {
	Field     FileOrderField
	Direction Direction
}

// MessagePart is which of a message's two values a file belongs to.
type MessagePart string

// The parts of a message.
const (
	PartOriginal  MessagePart = "ORIGINAL"
	PartConverted MessagePart = "CONVERTED"
)

// MessageFiles are the files of one message, nil where there is none.
type MessageFiles struct {
	Original  *File
	Converted *File
}

// NamesFile says whether values of a data type are paths (PyRIT 1.1,
// models/data_type_serializer.py).
func NamesFile(dataType string) bool {
	switch dataType {
	case "image_path", "audio_path", "video_path", "binary_path":
		return true
	}
	return false
}
