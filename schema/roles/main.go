// Command roles writes who may ask for which field to the file that it is given; go
// generate keeps docs/roles.md by it.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/violentutf/violentutf/schema"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: roles FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(path string) error {
	var text bytes.Buffer
	if err := schema.WriteRoles(&text); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the roles: %w", err)
	}
	return nil
}
