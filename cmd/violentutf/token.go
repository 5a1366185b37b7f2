package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/violentutf/violentutf/auth"
)

func (c *command) token(_ context.Context, args []string) error {
	set := c.flags("token", "")
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
	issuer, err := auth.OpenDevIssuer(filepath.Join(text(set, "data"), "config"))
	if err != nil {
		return err
	}
	token, _, err := issuer.Issue(*user, as, *ttl)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, token)
	return err
}
