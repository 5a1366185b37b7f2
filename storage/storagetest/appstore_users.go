package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var userTests = map[string]func(t *testing.T, store storage.AppStore){
	"FirstSignInBindsTheUser":                 firstSignInBindsTheUser,
	"RenamedUserKeepsTheData":                 renamedUserKeepsTheData,
	"NameOfACommandIsBoundOnlyWhenAllowed":    nameOfACommandIsBoundOnlyWhenAllowed,
	"BoundNameRefusesAnotherSubject":          boundNameRefusesAnotherSubject,
	"AnotherSpellingIsBoundWhenAllowed":       anotherSpellingIsBoundWhenAllowed,
	"DevelopmentBindingIsReplaceable":         developmentBindingIsReplaceable,
	"DevelopmentDoesNotReleaseACommandsName":  developmentDoesNotReleaseACommandsName,
	"RacingFirstSignInsMakeOneUser":           racingFirstSignInsMakeOneUser,
	"NamesThatLookAlikeCannotBothExist":       namesThatLookAlikeCannotBothExist,
	"KnownIdentityCostsOneStatement":          knownIdentityCostsOneStatement,
	"DisabledUserIsReturnedAsSuch":            disabledUserIsReturnedAsSuch,
	"UsersAreReadInOneStatement":              usersAreReadInOneStatement,
	"UserIsFoundByIdentity":                   userIsFoundByIdentity,
	"IdentityWithoutItsPartsIsRefused":        identityWithoutItsPartsIsRefused,
	"RefusedSignInStoresNothing":              refusedSignInStoresNothing,
	"OlderTokenDoesNotSetRolesBack":           olderTokenDoesNotSetRolesBack,
	"TokenBetweenTwoOthersChangesNothing":     tokenBetweenTwoOthersChangesNothing,
	"AnotherIssuerBeginsItsOwnTime":           anotherIssuerBeginsItsOwnTime,
	"SubjectsOfTwoIssuersAreDifferentPersons": subjectsOfTwoIssuersAreDifferentPersons,
}

func identityOf(subject, username string) storage.Identity {
	return storage.Identity{
		Issuer: "https://id.example", Subject: subject, Username: username,
		Email: username + "@example.org", Roles: []string{"USER"},
	}
}

func signIn(t *testing.T, store storage.AppStore, identity storage.Identity) (*storage.User, *storage.Workspace) {
	t.Helper()
	user, workspace, err := store.SignIn(t.Context(), identity, fileOf(identity.Username))
	if err != nil {
		t.Fatal(err)
	}
	return user, workspace
}

func refuseSignIn(t *testing.T, store storage.AppStore, identity storage.Identity, what string) {
	t.Helper()
	user, workspace, err := store.SignIn(t.Context(), identity, fileOf(identity.Username))
	if storage.CodeOf(err) != storage.CodeForbidden || user != nil || workspace != nil {
		t.Errorf("%s: %+v, %+v, %v", what, user, workspace, err)
	}
}

func firstSignInBindsTheUser(t *testing.T, store storage.AppStore) {
	identity := identityOf("s1", "alice")
	user, workspace := signIn(t, store, identity)
	if *user.Issuer != identity.Issuer || *user.Subject != "s1" || user.Username != "alice" || *user.Email != identity.Email ||
		user.DisplayName != nil || !slices.Equal(user.Roles, identity.Roles) || user.DevBinding || user.BindingAllowed {
		t.Errorf("user %+v", user)
	}
	if workspace.Kind != storage.WorkspacePersonal || workspace.Name != "alice" || workspace.File != fileOf("alice") || workspace.Role != storage.MemberOwner {
		t.Errorf("workspace %+v", workspace)
	}
	again, sameWorkspace := signIn(t, store, identity)
	if again.Key != user.Key || *sameWorkspace != *workspace {
		t.Errorf("second sign-in: %+v, %+v", again, sameWorkspace)
	}
}

func renamedUserKeepsTheData(t *testing.T, store storage.AppStore) {
	user, workspace := signIn(t, store, identityOf("s1", "alice"))
	renamed := identityOf("s1", "alice.smith")
	renamed.Roles = []string{"USER", "ADMIN"}
	for range 2 {
		again, same, err := store.SignIn(t.Context(), renamed, fileOf("alice.smith"))
		if err != nil || again.Key != user.Key || *same != *workspace {
			t.Fatalf("after the renaming: %+v, %+v, %v", again, same, err)
		}
		if again.Username != "alice" || *again.DisplayName != "alice.smith" || *again.Email != renamed.Email || len(again.Roles) != 2 {
			t.Errorf("after the renaming: %+v", again)
		}
	}
	refuseSignIn(t, store, identityOf("s2", "alice"), "somebody else took the freed name")
}

// identityAt is alice's as a token of some time says.
func identityAt(issued time.Time, roles ...string) storage.Identity {
	identity := identityOf("s1", "alice")
	identity.IssuedAt, identity.Roles = issued, roles
	return identity
}

func olderTokenDoesNotSetRolesBack(t *testing.T, store storage.AppStore) {
	first := time.Unix(1_700_000_000, 0).UTC()
	second := first.Add(time.Second)
	signIn(t, store, identityAt(first, "USER", "ADMIN"))
	if user, _ := signIn(t, store, identityAt(second, "USER")); !slices.Equal(user.Roles, []string{"USER"}) || !user.RolesAt.Equal(second) {
		t.Errorf("a newer token leaves %v of %v", user.Roles, user.RolesAt)
	}
	older := identityAt(first, "USER", "ADMIN")
	older.Email = "old@example.org"
	for _, late := range []storage.Identity{older, identityAt(time.Time{}, "USER", "ADMIN")} {
		signIn(t, store, late)
		user, _ := signIn(t, store, late)
		if !slices.Equal(user.Roles, []string{"USER"}) || !user.RolesAt.Equal(second) || *user.Email == "old@example.org" {
			t.Errorf("a token of %v makes it %v of %v, %s", late.IssuedAt, user.Roles, user.RolesAt, *user.Email)
		}
	}
	if user, _ := signIn(t, store, identityAt(second, "AUDITOR")); !slices.Equal(user.Roles, []string{"AUDITOR"}) {
		t.Errorf("a token of the same second leaves %v", user.Roles)
	}
}

func tokenBetweenTwoOthersChangesNothing(t *testing.T, store storage.AppStore) {
	first := time.Unix(1_700_000_000, 0)
	signIn(t, store, identityAt(first, "USER"))
	signIn(t, store, identityAt(first.Add(2*time.Second), "USER"))
	if user, _ := signIn(t, store, identityAt(first.Add(time.Second), "USER", "ADMIN")); !slices.Equal(user.Roles, []string{"USER"}) {
		t.Errorf("it makes it %v", user.Roles)
	}
}

func anotherIssuerBeginsItsOwnTime(t *testing.T, store storage.AppStore) {
	issued := time.Unix(1_700_000_000, 0)
	dev := identityAt(issued.Add(time.Hour), "ADMIN")
	dev.Issuer, dev.Subject, dev.Dev = "violentutf-dev", "dev", true
	signIn(t, store, dev)
	if user, _ := signIn(t, store, identityAt(issued, "USER")); !slices.Equal(user.Roles, []string{"USER"}) || !user.RolesAt.Equal(issued) {
		t.Errorf("the real identity has %v of %v", user.Roles, user.RolesAt)
	}
}

func nameOfACommandIsBoundOnlyWhenAllowed(t *testing.T, store storage.AppStore) {
	made, workspace := ensure(t, store, "alice")
	refuseSignIn(t, store, identityOf("s1", "alice"), "before it was allowed")
	if _, err := store.AllowBinding(t.Context(), "nobody"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("unknown user: %v", err)
	}
	if allowed, err := store.AllowBinding(t.Context(), "alice"); err != nil || !allowed.BindingAllowed {
		t.Fatalf("%+v, %v", allowed, err)
	}
	user, same := signIn(t, store, identityOf("s1", "alice"))
	if user.Key != made.Key || *same != *workspace || user.BindingAllowed {
		t.Errorf("bound: %+v, %+v", user, same)
	}
	if _, err := store.AllowBinding(t.Context(), "alice"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a bound user: %v", err)
	}
	refuseSignIn(t, store, identityOf("s2", "alice"), "a second one after the first was allowed")
}

func boundNameRefusesAnotherSubject(t *testing.T, store storage.AppStore) {
	signIn(t, store, identityOf("s1", "alice"))
	refuseSignIn(t, store, identityOf("s2", "alice"), "another subject")
	dev := identityOf("s3", "alice")
	dev.Dev = true
	refuseSignIn(t, store, dev, "the development mode")
}

func anotherSpellingIsBoundWhenAllowed(t *testing.T, store storage.AppStore) {
	made, workspace := ensure(t, store, "Dave")
	identity := storage.Identity{Issuer: "https://idp", Subject: "s", Username: "dave", Roles: []string{"USER"}}
	if _, _, err := store.SignIn(t.Context(), identity, "dave.db"); storage.CodeOf(err) != storage.CodeForbidden {
		t.Errorf("before it is allowed: %v", err)
	}
	if _, err := store.AllowBinding(t.Context(), "Dave"); err != nil {
		t.Fatal(err)
	}
	user, same, err := store.SignIn(t.Context(), identity, "dave.db")
	if err != nil || user.Key != made.Key || user.Username != "Dave" || same.File != workspace.File {
		t.Errorf("%+v, %+v, %v", user, same, err)
	}
	identity.Subject, identity.Username = "other", "DAVE"
	if _, _, err := store.SignIn(t.Context(), identity, "dave.db"); storage.CodeOf(err) != storage.CodeForbidden {
		t.Errorf("another identity: %v", err)
	}
}

func developmentBindingIsReplaceable(t *testing.T, store storage.AppStore) {
	dev := identityOf("dev", "alice")
	dev.Issuer, dev.Dev = "violentutf-dev", true
	made, _ := signIn(t, store, dev)
	if !made.DevBinding {
		t.Errorf("not marked: %+v", made)
	}
	dev.Subject = "dev after the key was made anew"
	if again, _ := signIn(t, store, dev); again.Key != made.Key || !again.DevBinding {
		t.Errorf("another development identity: %+v", again)
	}
	user, _ := signIn(t, store, identityOf("s1", "alice"))
	if user.Key != made.Key || user.DevBinding || *user.Subject != "s1" {
		t.Errorf("the real identity: %+v", user)
	}
	refuseSignIn(t, store, dev, "back to the development mode")
}

func developmentDoesNotReleaseACommandsName(t *testing.T, store storage.AppStore) {
	ensure(t, store, "alice")
	dev := identityOf("dev", "alice")
	dev.Dev = true
	signIn(t, store, dev)
	refuseSignIn(t, store, identityOf("s1", "alice"), "a real identity after a development one")
	if _, err := store.AllowBinding(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	signIn(t, store, identityOf("s1", "alice"))
}

func racingFirstSignInsMakeOneUser(t *testing.T, store storage.AppStore) {
	const callers = 16
	keys := make([]string, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			user, _, err := store.SignIn(t.Context(), identityOf("s1", "alice"), fileOf("alice"))
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = user.Key
		})
	}
	wait.Wait()
	if len(slices.Compact(keys)) != 1 {
		t.Errorf("users %v", keys)
	}
	if all, err := store.AllWorkspaces(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d workspaces, %v", len(all), err)
	}
}

func namesThatLookAlikeCannotBothExist(t *testing.T, store storage.AppStore) {
	signIn(t, store, identityOf("s1", "alice"))
	signIn(t, store, identityOf("s2", "straße"))
	for i, name := range []string{"Alice", "ALICE", "ａｌｉｃｅ", "aliⅽe", "STRASSE"} {
		refuseSignIn(t, store, identityOf(fmt.Sprintf("t%d", i), name), name)
		if _, _, err := store.EnsureUser(t.Context(), name, fileOf(name)); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("%s by a command: %v", name, err)
		}
	}
	if users, err := store.Users(t.Context()); err != nil || len(users) != 2 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

func knownIdentityCostsOneStatement(t *testing.T, store storage.AppStore) {
	identity := identityOf("s1", "alice")
	signIn(t, store, identity)
	call := func(ctx context.Context) error {
		_, _, err := store.SignIn(ctx, identity, fileOf("alice"))
		return err
	}
	if n := statements(t, call); n != 1 {
		t.Errorf("%d statements", n)
	}
	identity.Roles = nil
	if n := statements(t, call); n != 2 {
		t.Errorf("a role was taken away: %d statements", n)
	}
	if n := statements(t, call); n != 1 {
		t.Errorf("after that: %d statements", n)
	}
}

func disabledUserIsReturnedAsSuch(t *testing.T, store storage.AppStore) {
	user, _ := signIn(t, store, identityOf("s1", "alice"))
	for _, disabled := range []bool{true, false} {
		if set, err := store.SetUserDisabled(t.Context(), user.Key, disabled); err != nil || set.Disabled != disabled {
			t.Errorf("%+v, %v", set, err)
		}
		if seen, _ := signIn(t, store, identityOf("s1", "alice")); seen.Disabled != disabled {
			t.Errorf("signed in: %+v", seen)
		}
	}
	if _, err := store.SetUserDisabled(t.Context(), "nobody", true); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("unknown user: %v", err)
	}
}

func usersAreReadInOneStatement(t *testing.T, store storage.AppStore) {
	keys := []string{"unknown"}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		user, _ := ensure(t, store, name)
		keys = append(keys, user.Key)
	}
	var found map[string]*storage.User
	if n := statements(t, func(ctx context.Context) (err error) {
		found, err = store.UsersByKey(ctx, keys)
		return err
	}); n != 1 || len(found) != 4 || found[keys[4]].Username != "dave" {
		t.Errorf("%d statements, %v", n, found)
	}
	if none, err := store.UsersByKey(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("no keys: %v, %v", none, err)
	}
	if user, err := store.UserByUsername(t.Context(), "bob"); err != nil || user.Key != keys[2] {
		t.Errorf("bob: %+v, %v", user, err)
	}
	if _, err := store.UserByUsername(t.Context(), "Bob"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("Bob: %v", err)
	}
}

func userIsFoundByIdentity(t *testing.T, store storage.AppStore) {
	ensure(t, store, "bob")
	made, _ := signIn(t, store, identityOf("s1", "alice"))
	if n := statements(t, func(ctx context.Context) error {
		user, err := store.UserByIdentity(ctx, *made.Issuer, "s1")
		if err == nil && user.Key != made.Key {
			t.Errorf("found %+v", user)
		}
		return err
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
	for issuer, subject := range map[string]string{*made.Issuer: "s2", "https://other.example": "s1", "": ""} {
		if user, err := store.UserByIdentity(t.Context(), issuer, subject); storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("%s of %s: %+v, %v", subject, issuer, user, err)
		}
	}
}

func identityWithoutItsPartsIsRefused(t *testing.T, store storage.AppStore) {
	for _, identity := range []storage.Identity{
		{Subject: "s", Username: "alice"},
		{Issuer: "i", Username: "alice"},
		{Issuer: "i", Subject: "s"},
	} {
		if _, _, err := store.SignIn(t.Context(), identity, fileOf("alice")); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%+v: %v", identity, err)
		}
	}
}

func refusedSignInStoresNothing(t *testing.T, store storage.AppStore) {
	before, _ := ensure(t, store, "alice")
	refuseSignIn(t, store, identityOf("s1", "alice"), "not allowed")
	after, err := store.UserByUsername(t.Context(), "alice")
	if err != nil || after.Subject != nil || after.Email != nil || !after.LastSeen.Equal(before.LastSeen) {
		t.Errorf("%+v, %v", after, err)
	}
}

func subjectsOfTwoIssuersAreDifferentPersons(t *testing.T, store storage.AppStore) {
	first, _ := signIn(t, store, identityOf("s1", "alice"))
	other := identityOf("s1", "bob")
	other.Issuer = "https://other.example"
	if second, _ := signIn(t, store, other); second.Key == first.Key {
		t.Error("one user for two issuers")
	}
	other.Issuer, other.Username = "https://third.example", "alice"
	refuseSignIn(t, store, other, "the same subject of a third issuer")
}
