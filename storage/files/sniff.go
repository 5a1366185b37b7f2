package files

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
)

// sniff tells a media type by the beginning of a content, as browsers do (WHATWG
// MIME Sniffing), and goes back to it.
func sniff(content io.ReadSeeker) (string, error) {
	start := make([]byte, 512)
	n, err := io.ReadFull(content, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return mediaType(start[:n]), nil
}

func mediaType(start []byte) string {
	switch {
	case bytes.HasPrefix(start, []byte("fLaC")):
		return "audio/flac"
	case bytes.HasPrefix(start, []byte("OggS")):
		return "audio/ogg"
	// An MPEG audio frame without an ID3 tag before it: sync, then layer III.
	case len(start) > 2 && start[0] == 0xff && start[1]&0xe6 == 0xe2:
		return "audio/mpeg"
	}
	return http.DetectContentType(start)
}

// inline are the types that a browser shows or plays and never runs.
var inline = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp",
	"audio/mpeg", "audio/wave", "audio/ogg", "audio/flac", "audio/aiff", "audio/basic", "audio/midi",
	"video/mp4", "video/webm", "video/avi",
}

// Inline says whether a content of this type may be shown in a page. Documents and
// SVG may not: they can hold scripts.
func Inline(mediaType string) bool { return slices.Contains(inline, mediaType) }
