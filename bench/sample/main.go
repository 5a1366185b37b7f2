// Command sample writes the sample data that comes with the project: a PyRIT memory
// and a garak report, small, harmless and the same each time. A person who tries the
// project has something to look at before the first run of their own.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../../app_data/sample

// The files, in the folder that is the only argument.
const (
	memoryName = "sample-memory.sqlite"
	reportName = "sample.report.jsonl"
)

func main() {
	dir := filepath.Join("app_data", "sample")
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
}

// run writes both files anew.
func run(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{memoryName, reportName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := writeMemory(ctx, filepath.Join(dir, memoryName)); err != nil {
		return err
	}
	return writeReport(filepath.Join(dir, reportName))
}
