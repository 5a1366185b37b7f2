// Command violentutf serves AI red-teaming data over GraphQL, imports other tools'
// files and keeps a data folder in order. Each subcommand has a file of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/violentutf/violentutf/storage"
)

func main() {
	syscall.Umask(0o077) // nothing that is stored is for others; DuckDB makes its logs itself
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// command is one run of the program: its arguments and where it writes.
type command struct {
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// subcommand is one of the program's verbs.
type subcommand struct {
	name  string
	about string
	run   func(c *command, ctx context.Context, args []string) error
}

var subcommands = []subcommand{
	{"serve", "serve GraphQL and GraphiQL over a data folder", (*command).serve},
	{"import", "import files of PyRIT, garak or the original ViolentUTF", (*command).importFiles},
	{"run", "run attacks, show their progress, and fail when too many succeed", (*command).runAttacks},
	{"token", "print a token of the development issuer", (*command).token},
	{"doctor", "check a data folder and tell what is in it", (*command).doctor},
	{"user", "list users, allow one to be bound to an identity, lock one out or let one in", (*command).user},
	{"key", "tell of the keys that seal credentials, rotate them, decrypt a backup", (*command).key},
	{"bench", "generate a large memory for measurements", (*command).bench},
	{"version", "print the version", (*command).version},
}

// usageError is a wrong use of the command line; empty when the text was printed.
type usageError string

func (e usageError) Error() string { return string(e) }

// Run runs one subcommand and returns the exit status: 0 done, 1 failed, 2 wrong
// usage. Results go to stdout, everything else to stderr.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	c := &command{getenv: getenv, stdout: stdout, stderr: stderr}
	if len(args) == 0 {
		c.usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		c.usage(stdout)
		return exitDone
	}
	for _, sub := range subcommands {
		if sub.name != args[0] {
			continue
		}
		err := sub.run(c, ctx, args[1:])
		usage, isUsage := errors.AsType[usageError](err)
		switch {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return exitDone
		case isUsage:
			if usage != "" {
				fmt.Fprintf(stderr, "violentutf %s: %s\n", sub.name, usage)
			}
			return exitUsage
		default:
			fmt.Fprintf(stderr, "violentutf %s: %s\n", sub.name, failure(err))
			return exitFailed
		}
	}
	fmt.Fprintf(stderr, "violentutf: there is no subcommand %q\n\n", args[0])
	c.usage(stderr)
	return exitUsage
}

// failure is an error's text with its cause, which a person at the machine may see.
func failure(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Err != nil && !strings.Contains(text, e.Err.Error()) {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

func (c *command) usage(w io.Writer) {
	fmt.Fprintf(w, "Usage: violentutf SUBCOMMAND [FLAGS]\n\n")
	for _, sub := range subcommands {
		fmt.Fprintf(w, "  %-8s %s\n", sub.name, sub.about)
	}
	fmt.Fprintf(w, "\nviolentutf SUBCOMMAND --help tells the flags. Each flag can be set by the environment\nas VIOLENTUTF_<FLAG> (--data is VIOLENTUTF_DATA) or in the JSON file of --config.\n")
}

// Version is set by the linker.
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "development"
}

func (c *command) version(_ context.Context, args []string) error {
	if err := c.parse(c.flags("version", ""), args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.stdout, version())
	return err
}
