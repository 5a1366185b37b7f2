package auth

import (
	"reflect"
	"testing"
)

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		set      map[string]string
		provider ProviderOptions
		signIn   SignInOptions
	}{
		"nothing": {},
		"an issuer alone": {
			map[string]string{"OIDC_ISSUER": "https://idp.example"},
			ProviderOptions{Issuer: "https://idp.example", Audience: "violentutf", AuthorizedParties: []string{"violentutf"}, RoleMap: DefaultRoleMap(), RoleClients: []string{"violentutf"}},
			SignInOptions{ClientID: "violentutf"},
		},
		"everything": {
			map[string]string{
				"OIDC_ISSUER": "https://idp.example", "OIDC_AUDIENCE": "api", "OIDC_CLIENT_ID": "web", "OIDC_CLIENT_SECRET": "s",
				"OIDC_AUTHORIZED_PARTIES": "web, apisix", "OIDC_ROLE_MAP": "red=USER", "PUBLIC_URL": "https://red.example.org",
				"OIDC_SCOPES": "offline_access",
			},
			ProviderOptions{Issuer: "https://idp.example", Audience: "api", AuthorizedParties: []string{"web", "apisix"}, RoleMap: map[string]Role{"red": RoleUser}, RoleClients: []string{"api", "web"}},
			SignInOptions{ClientID: "web", ClientSecret: "s", PublicURL: "https://red.example.org", Scopes: []string{"offline_access"}},
		},
	} {
		provider, signIn, err := OptionsFromEnvironment(func(name string) string { return test.set[name[len("VIOLENTUTF_"):]] })
		if err != nil || !reflect.DeepEqual(provider, test.provider) || !reflect.DeepEqual(signIn, test.signIn) {
			t.Errorf("%s: %+v, %+v, %v", name, provider, signIn, err)
		}
	}
	for name, set := range map[string]map[string]string{
		"a client without an issuer":       {"OIDC_CLIENT_ID": "web"},
		"a role that is none":              {"OIDC_ISSUER": "https://idp.example", "OIDC_ROLE_MAP": "red=ROOT"},
		"a client that is no party itself": {"OIDC_ISSUER": "https://idp.example", "OIDC_AUTHORIZED_PARTIES": "apisix"},
	} {
		if provider, _, err := OptionsFromEnvironment(func(name string) string { return set[name[len("VIOLENTUTF_"):]] }); err == nil {
			t.Errorf("%s: %+v", name, provider)
		}
	}
}
