// Command snapshot writes the whole schema to the file that it is given; go
// generate keeps schema.graphql by it.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/violentutf/violentutf/schema"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: snapshot FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(path string) error {
	var text bytes.Buffer
	if err := schema.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}
