package server_test

import (
	"testing"

	"github.com/violentutf/violentutf/auth"
)

func TestAMalformedScalarIsTheClientsToMend(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	for query, variable := range map[string]any{
		`query($v: DateTime) { viewer { workspace { attacks(filter: {startedAt: {from: $v}}) { totalCount } } } }`: "yesterday",
		`query($v: Long) { viewer { workspace { attacks(filter: {turns: {min: $v}}) { totalCount } } } }`:          "many",
		`query($v: [Long!]) { viewer { workspace { attacks(filter: {turns: {in: $v}}) { totalCount } } } }`:        []any{1.5},
	} {
		a := s.ask(token, query, map[string]any{"v": variable})
		if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" {
			t.Errorf("%v for %s: %s", variable, query, a.body)
		}
	}
}
