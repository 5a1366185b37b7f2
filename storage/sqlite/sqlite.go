// Package sqlite wraps the SQLite engine: it keeps the app store and reads the
// SQLite files of other programs.
package sqlite

import (
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// magic begins every SQLite file that is not encrypted
// (https://www.sqlite.org/fileformat2.html, 1.3).
const magic = "SQLite format 3\x00"

// IsSQLite tells by the first bytes whether a file is a SQLite database. An
// encrypted one is not recognised. The file must not be a database that this
// process has open for writing: closing a file ends the process's POSIX locks on it.
func IsSQLite(path string) (bool, error) {
	header, err := readHeader(path)
	return string(header[:len(magic)]) == magic, err
}

// headerSize is as much of a file's header as is looked at: the magic, the page
// size, and the versions of the format that are needed for writing and for reading.
const headerSize = 20

// readHeader returns the begin of a file; what a shorter file lacks is zero.
func readHeader(path string) ([headerSize]byte, error) {
	var header [headerSize]byte
	file, err := os.Open(path)
	if err != nil {
		return header, err
	}
	defer file.Close()
	_, err = io.ReadFull(file, header[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return header, err
}

// dsn is the URI of a database file with SQLite's and the driver's parameters. A
// path may hold any character, so it is escaped.
func dsn(path string, parameters map[string]string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query := url.Values{}
	for name, value := range parameters {
		query.Set(name, value)
	}
	uri := url.URL{Path: filepath.ToSlash(absolute)}
	return "file:" + uri.EscapedPath() + "?" + query.Encode(), nil
}
