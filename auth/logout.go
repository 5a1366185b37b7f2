package auth

import (
	"context"
)

// LoggedOut says which sessions a provider has ended: that with the SessionID, or, if it
// names none, all of the person.
type LoggedOut struct {
	Issuer    string
	Subject   string
	SessionID string // sid, as SignedIn has it
}

// LogoutToken verifies what a provider sends by itself when somebody signs out there
// (OpenID Connect Back-Channel Logout 1.0, section 2.6): signed, issued and timed as an
// access token, for the client that signs people in, with the event of a logout and no
// nonce. The standard allows it to name a session alone; here it must name the person
// too, as Keycloak does. Sent again it says nothing new.
func (s *SignIn) LogoutToken(ctx context.Context, text string) (LoggedOut, error) {
	logout := s.provider.rules
	logout.audience, logout.parties = s.party.OAuthConfig().ClientID, nil
	logout.kinds, logout.purpose = []string{"logout+jwt", "jwt"}, isLogoutToken
	token, err := logout.check(ctx, text)
	if err != nil {
		return LoggedOut{}, err
	}
	out := LoggedOut{Issuer: logout.issuer}
	out.Subject, _ = token.Subject()
	if token.Has("sid") && (token.Get("sid", &out.SessionID) != nil || out.SessionID == "") {
		return LoggedOut{}, invalid("its session is wrong")
	}
	return out, nil
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func isLogoutToken(_, claims map[string]any) error {
	events, _ := claims["events"].(map[string]any)
	_, logout := events[logoutEvent].(map[string]any)
	if _, nonce := claims["nonce"]; !logout || nonce {
		return invalid("it is not a logout token")
	}
	return nil
}
