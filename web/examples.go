package web

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed src/examples/*.graphql
var exampleFiles embed.FS

// Example is one of the queries that GraphiQL opens in a tab at a first visit.
type Example struct {
	Name  string // the file's name, such as "1-who-am-i.graphql"
	About string // what it shows: the comment in its first line, without the "#"
	Query string // the whole file; one named operation that needs no variables
}

// Examples lists the examples in the order of their tabs. A test runs each against the server.
func Examples() ([]Example, error) {
	files, err := fs.Glob(exampleFiles, "src/examples/*.graphql")
	if err != nil {
		return nil, fmt.Errorf("list the examples: %w", err)
	}
	examples := make([]Example, 0, len(files))
	for _, file := range files {
		query, err := exampleFiles.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read an example: %w", err)
		}
		first, _, _ := strings.Cut(string(query), "\n")
		examples = append(examples, Example{
			Name:  path.Base(file),
			About: strings.TrimSpace(strings.TrimPrefix(first, "#")),
			Query: string(query),
		})
	}
	return examples, nil
}
