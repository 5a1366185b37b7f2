// Command lists has the generated code of a folder marshal lists by marshalList
// (graph/list.go says why). It fails when it finds none: then gqlgen has changed.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

var (
	generated = []byte("graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, ")
	ours      = []byte("marshalList(ctx, sel, len(v), ")
)

func main() {
	if err := rewrite(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "lists:", err)
		os.Exit(1)
	}
}

func rewrite(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.generated.go"))
	if err != nil {
		return err
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		n := bytes.Count(text, generated)
		if n == 0 {
			continue
		}
		found += n
		if err := os.WriteFile(file, bytes.ReplaceAll(text, generated, ours), 0o644); err != nil {
			return err
		}
	}
	if found == 0 {
		return fmt.Errorf("no generated list in %s: has gqlgen changed its template?", folder)
	}
	return nil
}
