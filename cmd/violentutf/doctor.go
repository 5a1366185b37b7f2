package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
	"github.com/violentutf/violentutf/uploads"
)

func (c *command) doctor(ctx context.Context, args []string) error {
	set := c.flags("doctor", "")
	masterKeyFlags(set)
	verify := set.String("checkpoint", "", "`file` that --write-checkpoint made: tell whether rows of the audit log are missing since")
	write := set.String("write-checkpoint", "", "`file` to write, which says where the audit log ends now; keep it away from this machine")
	remove := set.Bool("remove-unused-contents", false, "remove contents of files that no row names: a crash, or a move to another workspace, left them")
	logLevel := set.String("log-level", "error", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return usageError("doctor takes no arguments")
	}
	dir := text(set, "data")
	if _, err := os.Stat(dir); err != nil {
		return usageError(fmt.Sprintf("--data: there is no folder %s", dir))
	}
	log, err := c.logger("text", *logLevel)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "data folder %s, program version %s\n", dir, version())
	c.backups(dir)
	h, err := house.Open(ctx, house.Options{Dir: dir, Salt: c.getenv("PYRIT_DB_SALT"), MasterKey: c.masterKey(set), Log: log})
	if errors.Is(err, datadir.ErrLocked) {
		fmt.Fprintf(c.stdout, "the folder is in use (%v): its stores were not checked; stop the server to check them\n", err)
		if _, err := os.Stat(datadir.ControlSocket(dir)); err != nil && *verify == "" && *write == "" {
			fmt.Fprintln(c.stdout, "its audit log was not checked: a command is at work there that cannot be asked")
			return nil
		}
		return c.checkAudit(ctx, server.AuditThrough{Dir: dir}, *verify, *write)
	}
	if err != nil {
		return err
	}
	err = errors.Join(c.checkAudit(ctx, h.App, *verify, *write), c.checkStores(ctx, h, *remove))
	return errors.Join(err, h.Close(context.WithoutCancel(ctx)))
}

// backups tells where copies lie and how to read the encrypted ones.
func (c *command) backups(dir string) {
	files, err := os.ReadDir(filepath.Join(dir, datadir.BackupFolder))
	if err != nil || len(files) == 0 {
		fmt.Fprintln(c.stdout, "no backup copies")
		return
	}
	for _, file := range files {
		path := filepath.Join(dir, datadir.BackupFolder, file.Name())
		if strings.HasSuffix(path, ".age") {
			fmt.Fprintf(c.stdout, "encrypted backup of a file of the original: %s (it holds credentials; violentutf key decrypt --out FILE reads it)\n", path)
			continue
		}
		fmt.Fprintf(c.stdout, "backup: %s\n", path)
	}
}

// checkStores opens every store and looks for broken numbering, and for files that lack
// their content, or contents that lack their file.
func (c *command) checkStores(ctx context.Context, h *house.House, remove bool) error {
	workspaces, err := h.App.AllWorkspaces(ctx)
	if err != nil {
		return err
	}
	bad := 0
	for _, workspace := range workspaces {
		if _, err := os.Stat(filepath.Join(h.Dir, filepath.FromSlash(workspace.File))); errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(c.stdout, "workspace %s of %s: empty\n", workspace.Name, workspace.Owner)
			continue
		}
		problems, err := h.Check(ctx, &workspace.Workspace)
		if err != nil {
			problems = append(problems, err.Error())
		}
		fmt.Fprintf(c.stdout, "workspace %s of %s: %s, %d bytes, %d rows\n", workspace.Name, workspace.Owner, workspace.File, workspace.Bytes, workspace.Rows)
		if err == nil {
			problems = append(problems, c.checkFiles(ctx, h, &workspace.Workspace, remove)...)
		}
		for _, problem := range problems {
			bad++
			fmt.Fprintf(c.stdout, "  PROBLEM: %s\n", problem)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d problems found in the workspaces", bad)
	}
	fmt.Fprintln(c.stdout, "no problems found in the workspaces")
	return nil
}

// checkFiles tells what is wrong with the files of a workspace. A content that no row
// names takes room and does no harm.
func (c *command) checkFiles(ctx context.Context, h *house.House, workspace *storage.Workspace, remove bool) []string {
	store, err := h.OpenWorkspace(ctx, workspace)
	if err != nil {
		return []string{err.Error()}
	}
	swept, err := (&uploads.Shelf{Files: h.Files}).Sweep(ctx, store, remove)
	if err = errors.Join(err, store.Close()); err != nil {
		return []string{err.Error()}
	}
	switch {
	case swept.Unnamed > 0 && remove:
		fmt.Fprintf(c.stdout, "  removed %d contents that no row names\n", swept.Unnamed)
	case swept.Unnamed > 0:
		fmt.Fprintf(c.stdout, "  %d contents that no row names: doctor --remove-unused-contents removes them\n", swept.Unnamed)
	}
	if swept.Missing > 0 {
		return []string{fmt.Sprintf("%d files whose content is not in the data folder", swept.Missing)}
	}
	return nil
}
