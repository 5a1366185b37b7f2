package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage/datadir"
)

// token prints a token: made in this process when the data folder is free, in the one that
// owns it otherwise, because the audit log has it either way.
func (c *command) token(ctx context.Context, args []string) error {
	set := c.flags("token", "")
	masterKeyFlags(set)
	user := set.String("user", "", "`name` of the user (required)")
	role := set.String("role", "user", "user, admin or auditor")
	ttl := set.Duration("ttl", time.Hour, "how long the token is valid")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if *user == "" || set.NArg() > 0 {
		return usageError("--user NAME is required, and nothing else stands without a flag")
	}
	if err := auth.ValidUsername(*user); err != nil {
		return usageError("--user: " + err.Error())
	}
	if *ttl <= 0 {
		return usageError("--ttl must be more than nothing, as 1h")
	}
	as := auth.Role(strings.ToUpper(*role))
	switch as {
	case auth.RoleUser, auth.RoleAdmin, auth.RoleAuditor:
	default:
		return usageError("--role must be user, admin or auditor")
	}
	token, err := c.issue(ctx, set, *user, as, *ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, token)
	return err
}

func (c *command) issue(ctx context.Context, set *flag.FlagSet, user string, role auth.Role, life time.Duration) (token string, err error) {
	dir := text(set, "data")
	log, err := c.logger("text", "error")
	if err != nil {
		return "", err
	}
	h, err := house.Open(ctx, house.Options{Dir: dir, Salt: c.getenv("PYRIT_DB_SALT"), MasterKey: c.masterKey(set), Log: log})
	if errors.Is(err, datadir.ErrLocked) {
		return server.IssueTokenThrough(ctx, dir, user, role, life)
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, h.Close(context.WithoutCancel(ctx))) }()
	return h.IssueToken(ctx, user, role, life)
}
