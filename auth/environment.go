package auth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// OptionsFromEnvironment reads the variables that docs/keycloak.md lists: those of the
// identity provider, and those of the sign-in through a browser. Without
// VIOLENTUTF_OIDC_ISSUER there is no provider, and the Issuer of the options is empty;
// one of the others alone is then an error, because somebody meant to have one.
func OptionsFromEnvironment(getenv func(string) string) (ProviderOptions, SignInOptions, error) {
	issuer := getenv("VIOLENTUTF_OIDC_ISSUER")
	if issuer == "" {
		for _, name := range []string{"AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "AUTHORIZED_PARTIES", "ROLE_MAP", "SCOPES"} {
			if getenv("VIOLENTUTF_OIDC_"+name) != "" {
				return ProviderOptions{}, SignInOptions{}, fmt.Errorf("VIOLENTUTF_OIDC_%s is set, but VIOLENTUTF_OIDC_ISSUER is not", name)
			}
		}
		return ProviderOptions{}, SignInOptions{}, nil
	}
	roles, err := ParseRoleMap(getenv("VIOLENTUTF_OIDC_ROLE_MAP"))
	if err != nil {
		return ProviderOptions{}, SignInOptions{}, fmt.Errorf("VIOLENTUTF_OIDC_ROLE_MAP: %w", err)
	}
	signIn := SignInOptions{
		ClientID:     cmp.Or(getenv("VIOLENTUTF_OIDC_CLIENT_ID"), "violentutf"),
		ClientSecret: getenv("VIOLENTUTF_OIDC_CLIENT_SECRET"),
		PublicURL:    getenv("VIOLENTUTF_PUBLIC_URL"),
		Scopes:       words(getenv("VIOLENTUTF_OIDC_SCOPES")),
	}
	audience := cmp.Or(getenv("VIOLENTUTF_OIDC_AUDIENCE"), Audience)
	provider := ProviderOptions{
		Issuer: issuer, Audience: audience, RoleMap: roles,
		AuthorizedParties: words(cmp.Or(getenv("VIOLENTUTF_OIDC_AUTHORIZED_PARTIES"), signIn.ClientID)),
		RoleClients:       slices.Compact([]string{audience, signIn.ClientID}),
	}
	if !slices.Contains(provider.AuthorizedParties, signIn.ClientID) {
		return ProviderOptions{}, SignInOptions{}, fmt.Errorf("VIOLENTUTF_OIDC_AUTHORIZED_PARTIES must name %s too, which signs people in here", signIn.ClientID)
	}
	return provider, signIn, nil
}

// words are separated by commas or spaces.
func words(text string) []string {
	if text == "" {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
