//go:build unix

package duckdb

import (
	"os"
	"syscall"
)

// writerOf returns the process that has the file open for writing in DuckDB, 0 when
// none has. Locks of this process do not count.
func writerOf(file *os.File) (int, error) {
	lock := syscall.Flock_t{Type: syscall.F_RDLCK}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, err
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}
