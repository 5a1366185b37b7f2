package duckdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/violentutf/violentutf/storage"
)

// The main header of a DuckDB file, after an 8-byte checksum: magic, storage
// version, four words of flags, the version of the library that made the file.
const (
	headerBytes   = 8 + 4 + 8 + 4*8 + 32
	newestStorage = 68 // of DuckDB 1.5
	encryptedFlag = 1  // in the first word of flags
)

// checkHeader tells what is wrong with a file that DuckDB will not open. name is
// what the messages call it. The file must not be attached: closing it here would
// drop DuckDB's lock.
func checkHeader(path, name string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return storage.BadInput("file", "%s is not a regular file", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer file.Close()
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(file, header); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return storage.BadInput("file", "%s is too short (%d bytes) for a DuckDB file: it was not written to the end or is another format; restore it from a backup",
			name, info.Size())
	} else if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if string(header[8:12]) != "DUCK" {
		return storage.BadInput("file", "%s is not a DuckDB file", name)
	}
	if version := binary.LittleEndian.Uint64(header[12:20]); version > newestStorage {
		return storage.BadInput("file", "%s has DuckDB's storage version %d (made by %q), newer than %d, which this program reads; update the program, or export the file with an older STORAGE_VERSION",
			name, version, bytes.TrimRight(header[52:84], "\x00"), newestStorage)
	}
	if binary.LittleEndian.Uint64(header[20:28])&encryptedFlag != 0 {
		return storage.BadInput("file", "%s is encrypted; copy it into a file without encryption with DuckDB (COPY FROM DATABASE) and use that", name)
	}
	return nil
}
