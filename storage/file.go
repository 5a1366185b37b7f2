package storage

import "time"

// File is a medium that messages name by a path: an image, a recording. Its content
// lies in storage/files under the owner's key and the hash.
type File struct {
	Owner     string // key of the workspace
	Hash      string // SHA-256 of the content, hex
	Name      string // the last part of the path by which it was first named
	MediaType string // told by the content, never by the name
	Bytes     int64
	CreatedAt time.Time // when it was first kept
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
