package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// imported is the result of one file, as --json prints it.
type imported struct {
	File   string          `json:"file"`
	Import *storage.Import `json:"import,omitempty"`
	Error  string          `json:"error,omitempty"`
	Code   storage.Code    `json:"code,omitempty"`
}

func (c *command) importFiles(ctx context.Context, args []string) error {
	set := c.flags("import", "FILE...")
	user := set.String("user", "", "`name` of the user whose workspace takes the files (required)")
	workspace := set.String("workspace", "", "`name` of the workspace that takes the files; the user must be an OWNER or EDITOR of it (default: the personal one)")
	format := set.String("format", "", "violentutf, pyrit or garak: refuse a file that is another (default: what the file is)")
	salt := set.String("salt", "", "salt of user stores' names (default: PYRIT_DB_SALT)")
	scorer := set.String("objective-scorer", "", "`class` of the scorer whose verdict decides where a file states no outcome")
	media := set.String("media-root", "", "`folder` below which the images and recordings are that a PyRIT memory names (default: the folder of the file)")
	dryRun := set.Bool("dry-run", false, "read and compare everything, store nothing")
	asJSON := set.Bool("json", false, "print the results as JSON")
	masterKeyFlags(set)
	memory := set.String("duckdb-memory", "256MB", "memory `limit` of the database engine; the process needs some 150 MB more")
	logFormat := set.String("log-format", "text", "text or json")
	logLevel := set.String("log-level", "warn", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if *user == "" || set.NArg() == 0 {
		return usageError("--user NAME and at least one FILE are required")
	}
	switch interop.Format(*format) {
	case "", interop.FormatViolentUTF, interop.FormatPyRIT, interop.FormatGarak:
	default:
		return usageError("--format must be violentutf, pyrit or garak")
	}
	log, err := c.logger(*logFormat, *logLevel)
	if err != nil {
		return err
	}
	if *salt == "" {
		*salt = c.getenv("PYRIT_DB_SALT")
	}
	take, done, err := c.importer(ctx, house.Options{Dir: text(set, "data"), Salt: *salt, MemoryLimit: *memory, Thrifty: true, MasterKey: c.masterKey(set), Log: log}, *user, *workspace)
	if err != nil {
		return err
	}
	failed := 0
	var results []imported
	for _, file := range set.Args() {
		bar := newBar(c.stderr, filepath.Base(file))
		opts := interop.Options{Format: interop.Format(*format), ObjectiveScorer: *scorer, DryRun: *dryRun, Progress: bar.show}
		var imp *storage.Import
		if opts.MediaRoot, err = mediaRoot(*media, file); err == nil {
			imp, err = take(file, opts)
		}
		bar.end()
		result := imported{File: file, Import: imp}
		if err != nil {
			failed++
			result.Error, result.Code = failure(err), storage.CodeOf(err)
			fmt.Fprintf(c.stderr, "violentutf import: %s\n", result.Error)
		}
		results = append(results, result)
		if !*asJSON && imp != nil {
			printImport(c.stdout, imp)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if *asJSON {
		encoder := json.NewEncoder(c.stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(results); err != nil {
			return err
		}
	}
	err = done()
	if failed > 0 {
		err = errors.Join(fmt.Errorf("%d of %d files were not imported; nothing of these is stored", failed, set.NArg()), err)
	}
	return err
}

// mediaRoot is where the media of a file are looked for, as the owner of the data
// folder, which has another working folder, can find it.
func mediaRoot(given, file string) (string, error) {
	if given == "" {
		given = filepath.Dir(file)
	}
	return filepath.Abs(given)
}

// importer is how a file gets in: by this process when the data folder is free, by
// the one that owns it otherwise.
func (c *command) importer(ctx context.Context, options house.Options, user, workspace string) (take func(string, interop.Options) (*storage.Import, error), done func() error, err error) {
	h, err := house.Open(ctx, options)
	switch {
	case err == nil:
		return func(file string, opts interop.Options) (*storage.Import, error) {
			return h.ImportByCommand(ctx, user, workspace, file, opts)
		}, func() error { return h.Close(context.WithoutCancel(ctx)) }, nil
	case errors.Is(err, datadir.ErrLocked):
		return func(file string, opts interop.Options) (*storage.Import, error) {
			path, err := filepath.Abs(file)
			if err != nil {
				return nil, err
			}
			return server.ImportThrough(ctx, options.Dir, user, workspace, path, opts)
		}, func() error { return nil }, nil
	}
	return nil, nil, err
}

// printImport prints a table of what became of the rows, and what was doubtful.
func printImport(w io.Writer, imp *storage.Import) {
	tool := string(imp.Tool)
	if imp.ToolVersion != nil {
		tool += " " + *imp.ToolVersion
	}
	what := "imported"
	if imp.DryRun {
		what = "would be imported (dry run)"
	} else if imp.Key == "" {
		what = "changed nothing"
	}
	fmt.Fprintf(w, "%s (%s, %s) %s\n", imp.FileName, imp.Format, tool, what)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "rows of\tread\tinserted\tupdated\tunchanged\tskipped\t\n")
	for _, t := range imp.Tables {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t\n", t.Table, t.Read, t.Inserted, t.Updated, t.Unchanged, t.Skipped)
	}
	_ = table.Flush()
	for _, note := range imp.Notes {
		fmt.Fprintf(w, "  note: %s\n", note)
	}
}

// isTerminal tells whether a bar can be drawn.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
