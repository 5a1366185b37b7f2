package server_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/server"
)

// TestCallsOfTestsAreLimited tests generators more often than a level allows: those beyond
// it are not called, and the answer says so.
func TestCallsOfTestsAreLimited(t *testing.T) {
	endpoint := mocktarget.New(mocktarget.Options{})
	provider := httptest.NewServer(endpoint)
	t.Cleanup(provider.Close)
	s := newSiteWith(t, func(o *server.Options) {
		o.Outbound = outbound.Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	s.set(t, "rate.call.per_minute.user", "3")
	server.RefreshRates(t, s.server)
	alice := s.token("alice", auth.RoleUser)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		s.mustAsk(alice, `mutation($in:CreateGeneratorInput!){createGenerator(input:$in){userErrors{message}}}`, map[string]any{"in": map[string]any{
			"name": name, "type": "OPENAI_COMPATIBLE", "parameters": map[string]any{"endpoint": provider.URL + "/v1", "model": "m", "api_key": "k"},
		}})
	}
	a := s.mustAsk(alice, `mutation{testGenerators(input:{filter:{}}){results{called problem generator{name status}} userErrors{message}}}`, nil)
	called := strings.Count(a.body, `"called":true`)
	if called != 3 || strings.Count(a.body, `"problem":"too many calls of generators`) != 2 {
		t.Errorf("%s", a.body)
	}
	again := s.ask(alice, `mutation{testGenerators(input:{filter:{name:{equals:"a"}}}){results{called}}}`, nil)
	if len(again.Errors) != 1 || again.Errors[0].Extensions["code"] != "RATE_LIMITED" {
		t.Errorf("%s", again.body)
	}
}
