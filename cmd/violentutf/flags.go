package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/violentutf/violentutf/secret"
)

// flags makes the flag set of a subcommand with the flags that all of them have.
// arguments names what follows the flags.
func (c *command) flags(name, arguments string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard) // parse prints, to the right place
	set.String("data", "app_data", "data `folder`")
	set.String("config", "", "JSON `file` with values for flags, by their names")
	set.Usage = func() {
		out := c.stderr
		fmt.Fprintf(out, "Usage: violentutf %s [FLAGS] %s\n\n", name, arguments)
		set.SetOutput(out)
		set.PrintDefaults()
		set.SetOutput(io.Discard)
	}
	return set
}

// parse sets the flags: from the command line, else the environment
// (VIOLENTUTF_<FLAG>), else the file of --config. Flags may stand after arguments.
func (c *command) parse(set *flag.FlagSet, args []string) error {
	var rest []string
	for {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return usageError(err.Error() + "; see --help")
		}
		if set.NArg() == 0 {
			break
		}
		rest = append(rest, set.Arg(0))
		args = set.Args()[1:]
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	values, err := c.configured(set, given)
	if err != nil {
		return err
	}
	var failed error
	set.VisitAll(func(f *flag.Flag) {
		value, where := c.getenv("VIOLENTUTF_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))), "the environment"
		if value == "" {
			value, where = values[f.Name], "the file of --config"
		}
		if given[f.Name] || value == "" {
			return
		}
		if err := set.Set(f.Name, value); err != nil && failed == nil {
			failed = usageError(fmt.Sprintf("%s sets %s to %q: %v", where, f.Name, value, err))
		}
	})
	if failed != nil {
		return failed
	}
	return set.Parse(append([]string{"--"}, rest...))
}

// configured reads the file of --config: one object, flag names to values.
func (c *command) configured(set *flag.FlagSet, given map[string]bool) (map[string]string, error) {
	file := set.Lookup("config").Value.String()
	if !given["config"] {
		if fromEnv := c.getenv("VIOLENTUTF_CONFIG"); fromEnv != "" {
			file = fromEnv
		}
	}
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError(fmt.Sprintf("--config: %v", err))
	}
	var read map[string]any
	if err := json.Unmarshal(raw, &read); err != nil {
		return nil, usageError(fmt.Sprintf("--config %s: not a JSON object of flag names and values: %v", file, err))
	}
	values := map[string]string{}
	for name, value := range read {
		// A file may hold the flags of several subcommands.
		if set.Lookup(name) != nil {
			values[name] = fmt.Sprint(value)
		}
	}
	return values, nil
}

// masterKeyFlags adds the flags that say where the master key is. The key itself is no
// flag: a command line can be read by others.
func masterKeyFlags(set *flag.FlagSet) {
	set.String("master-key-file", "", "`file` with the master key, made on first use (default: config/master.key in the data folder, unless VIOLENTUTF_MASTER_KEY holds the key)")
	set.String("master-key-command", "", "`command` that prints the master key within 10 seconds; no shell reads it")
}

// masterKey is where the flags and the environment say that the master key is.
func (c *command) masterKey(set *flag.FlagSet) secret.MasterKey {
	return secret.MasterKey{
		Text: c.getenv("VIOLENTUTF_MASTER_KEY"), File: text(set, "master-key-file"), Command: text(set, "master-key-command"),
	}
}

func text(set *flag.FlagSet, name string) string { return set.Lookup(name).Value.String() }

// logger writes the log of a command to stderr, as text or JSON.
func (c *command) logger(format, level string) (*slog.Logger, error) {
	var threshold slog.Level
	if err := threshold.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError("--log-level must be debug, info, warn or error")
	}
	options := &slog.HandlerOptions{Level: threshold}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(c.stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.stderr, options)), nil
	}
	return nil, usageError("--log-format must be text or json")
}
