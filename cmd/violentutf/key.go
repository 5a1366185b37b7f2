package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage/datadir"
)

// key tells of the keys that seal credentials, or changes them: in this process when
// the data folder is free, in the one that owns it otherwise.
func (c *command) key(ctx context.Context, args []string) (err error) {
	set := c.flags("key", "status | rotate | decrypt FILE")
	masterKeyFlags(set)
	asJSON := set.Bool("json", false, "print the result as JSON")
	out := set.String("out", "", "`file` that decrypt writes; it must not be there yet")
	logLevel := set.String("log-level", "error", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	verb, wanted := set.Arg(0), 1
	if verb == "decrypt" {
		wanted = 2
	}
	if set.NArg() != wanted || (verb != "status" && verb != "rotate" && verb != "decrypt") {
		return usageError("say status, rotate, or decrypt with the FILE of an encrypted backup; see --help")
	}
	dir := text(set, "data")
	if _, err := os.Stat(dir); err != nil {
		return usageError(fmt.Sprintf("--data: there is no folder %s", dir))
	}
	if verb == "decrypt" {
		return c.decrypt(ctx, set, set.Arg(1), *out)
	}
	log, err := c.logger("text", *logLevel)
	if err != nil {
		return err
	}
	h, err := house.Open(ctx, house.Options{Dir: dir, Salt: c.getenv("PYRIT_DB_SALT"), MasterKey: c.masterKey(set), Log: log})
	free := err == nil
	switch {
	case free:
		defer func() { err = errors.Join(err, h.Close(context.WithoutCancel(ctx))) }()
	case !errors.Is(err, datadir.ErrLocked):
		return err
	}
	if verb == "status" {
		ask := func() (*house.KeyStatus, error) { return server.KeyStatusThrough(ctx, dir) }
		if free {
			ask = func() (*house.KeyStatus, error) { return h.KeyStatus(ctx) }
		}
		status, err := ask()
		if err != nil {
			return err
		}
		return c.printKeys(status, *asJSON)
	}
	rotate := func() (secret.Rotation, error) { return server.RotateKeysThrough(ctx, dir) }
	if free {
		rotate = func() (secret.Rotation, error) { return h.RotateKeys(ctx) }
	}
	done, err := rotate()
	if err != nil {
		return err
	}
	return c.printRotation(done, *asJSON)
}

// decrypt writes the plain text of an encrypted backup: it holds credentials, so for
// its owner alone.
func (c *command) decrypt(ctx context.Context, set *flag.FlagSet, file, out string) (err error) {
	if out == "" {
		return usageError("decrypt: --out FILE is required")
	}
	keeper, err := secret.OpenKeeperWith(ctx, filepath.Join(text(set, "data"), "config"), c.masterKey(set))
	if err != nil {
		return err
	}
	to, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("decrypt: %w", err)
	}
	if err := errors.Join(keeper.DecryptFile(ctx, file, to), to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(out))
	}
	_, err = fmt.Fprintf(c.stdout, "%s holds credentials in plain text: remove it when it is not needed any more\n", out)
	return err
}

func (c *command) printKeys(status *house.KeyStatus, asJSON bool) error {
	if asJSON {
		return c.printJSON(status)
	}
	fmt.Fprintf(c.stdout, "master key from %s, id %s\n", status.MasterKey, status.MasterKeyID)
	table := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "key\tstate\tcredentials\t\n")
	counts := map[uint32]int64{}
	for _, sealed := range status.Sealed {
		counts[sealed.Key] = sealed.Count
	}
	fmt.Fprintf(table, "%d\tseals\t%d\t\n", status.Primary, counts[status.Primary])
	for _, old := range status.Old {
		fmt.Fprintf(table, "%d\tonly opens\t%d\t\n", old, counts[old])
	}
	for _, sealed := range status.Sealed {
		if !sealed.Known {
			fmt.Fprintf(table, "%d\tmissing\t%d\t\n", sealed.Key, sealed.Count)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(status.Old) > 0 {
		fmt.Fprintln(c.stdout, "a rotation has not ended: violentutf key rotate goes on with it")
	}
	return nil
}

func (c *command) printRotation(done secret.Rotation, asJSON bool) error {
	if asJSON {
		return c.printJSON(done)
	}
	how := "a new key"
	if done.Resumed {
		how = "the key of a rotation that had not ended"
	}
	_, err := fmt.Fprintf(c.stdout, "%d credentials are sealed anew with key %d, %s; %d old keys are removed\n", done.Resealed, done.Key, how, done.Removed)
	return err
}

func (c *command) printJSON(value any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
