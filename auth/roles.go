package auth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwt"
)

// DefaultRoleMap is what the roles of the realm in deploy/keycloak mean.
func DefaultRoleMap() map[string]Role {
	return map[string]Role{"ai-api-access": RoleUser, "admin": RoleAdmin, "auditor": RoleAuditor}
}

// ParseRoleMap reads the provider's roles and what they mean, as the environment gives
// them: "ai-api-access=USER,admin=ADMIN". Names count to the letter. Nothing gives
// DefaultRoleMap.
func ParseRoleMap(text string) (map[string]Role, error) {
	if strings.TrimSpace(text) == "" {
		return DefaultRoleMap(), nil
	}
	names := make(map[string]Role)
	for pair := range strings.SplitSeq(text, ",") {
		name, role, ok := strings.Cut(strings.TrimSpace(pair), "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("role map: %q is not name=ROLE", pair)
		}
		if _, twice := names[name]; twice {
			return nil, fmt.Errorf("role map: %s is given twice", name)
		}
		parsed, err := ParseRole(strings.TrimSpace(role))
		if err != nil {
			return nil, fmt.Errorf("role map: %s: %w", name, err)
		}
		names[name] = parsed
	}
	return names, nil
}

// roleMap turns the roles of a token, in Keycloak's form, into ours: those of the
// realm, and those of the clients that count.
type roleMap struct {
	names   map[string]Role
	clients []string
}

// of gives each role once, always in the same order. What a role means that is not in
// the map nobody here knows, so it is passed over; a list that is none is refused.
func (m roleMap) of(claims jwt.Token) ([]Role, error) {
	found := make(map[Role]bool)
	var realm any
	if claims.Has("realm_access") && claims.Get("realm_access", &realm) == nil {
		if err := m.add(found, realm); err != nil {
			return nil, err
		}
	}
	var resources map[string]any
	if claims.Has("resource_access") && claims.Get("resource_access", &resources) != nil {
		return nil, errRoles
	}
	for _, client := range m.clients {
		if access, ok := resources[client]; ok {
			if err := m.add(found, access); err != nil {
				return nil, err
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

var errRoles = invalid("its roles are not lists of names")

func (m roleMap) add(found map[Role]bool, access any) error {
	members, ok := access.(map[string]any)
	if !ok {
		return errRoles
	}
	listed, stated := members["roles"]
	if !stated {
		return nil
	}
	names, ok := listed.([]any)
	if !ok {
		return errRoles
	}
	for _, one := range names {
		name, ok := one.(string)
		if !ok {
			return errRoles
		}
		if role, known := m.names[name]; known {
			found[role] = true
		}
	}
	return nil
}
