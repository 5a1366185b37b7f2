// Command page writes the page of all operations, from the folder of their examples, to
// the file that it is given; go generate keeps docs/operations.md by it.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/violentutf/violentutf/schema/operations"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: page FOLDER FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(folder, file string) error {
	examples, err := operations.Read(os.DirFS(folder))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := operations.Write(&text, examples); err != nil {
		return err
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the page of operations: %w", err)
	}
	return nil
}
