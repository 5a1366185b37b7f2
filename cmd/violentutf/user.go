package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// user lists users or changes one: in this process when the data folder is free, in the
// one that owns it otherwise.
func (c *command) user(ctx context.Context, args []string) (err error) {
	set := c.flags("user", "list | bind NAME | disable NAME | enable NAME")
	masterKeyFlags(set)
	asJSON := set.Bool("json", false, "print the result as JSON")
	logLevel := set.String("log-level", "error", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	verb, wanted := set.Arg(0), 2
	switch house.UserChange(verb) {
	case "list":
		wanted = 1
	case house.UserBind, house.UserDisable, house.UserEnable:
	default:
		wanted = -1
	}
	if set.NArg() != wanted {
		return usageError("say list, or bind, disable or enable with the NAME of a user; see --help")
	}
	dir := text(set, "data")
	if _, err := os.Stat(dir); err != nil {
		return usageError(fmt.Sprintf("--data: there is no folder %s", dir))
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
	if verb == "list" {
		ask := func() ([]*storage.User, error) { return server.UsersThrough(ctx, dir) }
		if free {
			ask = func() ([]*storage.User, error) { return h.App.Users(ctx) }
		}
		users, err := ask()
		if err != nil {
			return err
		}
		return c.printUsers(users, *asJSON)
	}
	change := func() (*storage.User, error) {
		return server.ChangeUserThrough(ctx, dir, house.UserChange(verb), set.Arg(1))
	}
	if free {
		change = func() (*storage.User, error) { return h.ChangeUser(ctx, house.UserChange(verb), set.Arg(1)) }
	}
	changed, err := change()
	if err != nil {
		return err
	}
	return c.printUsers([]*storage.User{changed}, *asJSON)
}

func (c *command) printUsers(users []*storage.User, asJSON bool) error {
	if asJSON {
		return c.printJSON(users)
	}
	table := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "username\tidentity\tstate\troles as last seen\tlast seen")
	for _, user := range users {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", user.Username, identityOf(user), stateOf(user),
			strings.Join(user.Roles, ","), user.LastSeen.UTC().Format("2006-01-02 15:04"))
	}
	return table.Flush()
}

func identityOf(user *storage.User) string {
	switch {
	case user.Issuer == nil || user.Subject == nil:
		return "none yet"
	case user.DevBinding:
		return "development mode"
	}
	return *user.Issuer + " " + *user.Subject
}

func stateOf(user *storage.User) string {
	switch {
	case user.Disabled:
		return "locked"
	case user.BindingAllowed:
		return "may be bound"
	}
	return "active"
}
