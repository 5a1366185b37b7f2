// Package configured keeps what a user sets up by name: generators, converters and
// scorers. It checks parameters against their types, and seals credentials, which stand
// in the parameters that a user gives, before anything is stored.
package configured

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// Things keeps configured things of every workspace. Safe for concurrent use.
type Things struct {
	Keeper *secret.Keeper
	// Types are the types that there are, by kind.
	Types map[storage.ConfiguredKind][]*storage.ConfiguredType
	// Calls are the bounds of calls to generators.
	Calls target.Options
	// Count counts a call that the user of ctx is about to make, for a test or a preview;
	// CodeRateLimited when it may not be made. nil counts nothing.
	Count func(ctx context.Context) error
}

// New is a thing to make.
type New struct {
	Name, Type string
	Parameters storage.JSON // with credentials
}

// Change is what is to change; nil leaves a field. Parameters replace all of them, and a
// credential whose place in them reads as the server shows it stays what it is, unless the
// address that it is sent to changes: that is CodeBadInput.
type Change struct {
	Name       *string
	Parameters *storage.JSON
}

const mostName = 128 // characters

// Create makes a thing in a workspace and returns its key. CodeBadInput names what does
// not fit, CodeNotFound what they name and is not there, CodeConflict a name that is taken.
func (t *Things) Create(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, wanted New) (string, error) {
	name, err := CheckName(wanted.Name)
	if err != nil {
		return "", err
	}
	of, err := t.typeOf(kind, wanted.Type)
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("create: %w", err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	thing := &storage.Configured{
		Key: id.String(), Source: storage.SourceNative, SourceID: id.String(), Name: name, Type: of.Name,
		Status: storage.StatusReady, CreatedAt: now, UpdatedAt: now,
	}
	session := t.Keeper.Begin()
	defer session.End()
	var credential *storage.NewCredential
	if thing.Parameters, credential, err = t.seal(session, store, place(store, kind, thing.Key), of, wanted.Parameters, known{}); err != nil {
		return "", err
	}
	if err := t.checkReferences(ctx, store, kind, thing); err != nil {
		return "", err
	}
	return thing.Key, store.AddConfigured(ctx, kind, thing, credential)
}

// Update changes a thing. Errors are Create's, and CodeNotFound.
func (t *Things) Update(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, key string, wanted Change) error {
	var change storage.ConfiguredChange
	if wanted.Name != nil {
		name, err := CheckName(*wanted.Name)
		if err != nil {
			return err
		}
		change.Name = &name
	}
	if wanted.Parameters == nil {
		return store.ChangeConfigured(ctx, kind, key, change)
	}
	thing, err := Read(ctx, store, kind, key)
	if err != nil {
		return err
	}
	of, err := t.typeWith(kind, thing, *wanted.Parameters)
	if err != nil {
		return err
	}
	session := t.Keeper.Begin()
	defer session.End()
	was := known{of: thing}
	if was.credentials, err = t.open(ctx, store, kind, thing); err != nil {
		return err
	}
	_ = json.Unmarshal([]byte(thing.Parameters), &was.parameters) // what is no JSON has no leaf
	parameters, credential, err := t.seal(session, store, place(store, kind, key), of, *wanted.Parameters, was)
	if err != nil {
		return err
	}
	thing.Parameters = parameters
	used, err := t.used(ctx, store, kind, thing)
	if err != nil {
		return err
	}
	if err := t.checkReferences(ctx, store, kind, used); err != nil {
		return err
	}
	if credential == nil {
		credential = &storage.NewCredential{}
	}
	change.Parameters, change.Credential = &parameters, credential
	return store.ChangeConfigured(ctx, kind, key, change)
}

// Clone makes a thing like another one of the workspace, with its credential, and
// returns its key.
func (t *Things) Clone(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, key, name string) (string, error) {
	thing, err := t.Usable(ctx, store, kind, key)
	if err != nil {
		return "", err
	}
	credentials, err := t.credentialsOf(ctx, store, kind, key)
	if err != nil {
		return "", err
	}
	whole, err := restored(thing.Parameters, credentials)
	if err != nil {
		return "", err
	}
	return t.Create(ctx, store, kind, New{Name: name, Type: thing.Type, Parameters: whole})
}

// Read reads a thing, CodeNotFound for none.
func Read(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, key string) (*storage.Configured, error) {
	found, err := store.Reading(nil).ConfiguredByKey(ctx, kind, []string{key})
	if err == nil && found[key] == nil {
		err = storage.Errorf(storage.CodeNotFound, "%s %q does not exist: pass an id of one", one(kind), storage.Plain(key, 80))
	}
	return found[key], err
}

// one is what a thing of the kind is called.
func one(kind storage.ConfiguredKind) string { return strings.TrimSuffix(string(kind), "s") }

func (t *Things) typeOf(kind storage.ConfiguredKind, name string) (*storage.ConfiguredType, error) {
	if kind == storage.KindGenerators {
		name = target.TypeName(name)
	}
	names := make([]string, 0, len(t.Types[kind]))
	for _, of := range t.Types[kind] {
		if of.Name == name {
			return of, nil
		}
		names = append(names, of.Name)
	}
	return nil, storage.BadInput("type", "%q is no type of %s here: use one of %s", storage.Plain(name, 80), kind, strings.Join(names, ", "))
}

// CheckName is a name as it is stored: what people can read and tell apart.
func CheckName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", storage.BadInput("name", "give it a name")
	case utf8.RuneCountInString(name) > mostName:
		return "", storage.BadInput("name", "a name may have %d characters", mostName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "", storage.BadInput("name", "a name may have letters, digits, signs and spaces: leave out what cannot be seen")
	}
	return name, nil
}

func place(store storage.UserStore, kind storage.ConfiguredKind, key string) secret.Place {
	return secret.Place{Workspace: store.Owner(), Table: string(kind), Row: key, Field: "credential"}
}

// known is a thing with the parameters and credentials that it has; none for a new one.
type known struct {
	of          *storage.Configured
	parameters  any
	credentials map[string]string
}

// seal takes the credentials out of parameters, checks the rest, and seals the
// credentials together with the known ones that are to stay. A nil credential is none.
func (t *Things) seal(session *secret.Session, store storage.UserStore, at secret.Place, of *storage.ConfiguredType, given storage.JSON, was known) (storage.JSON, *storage.NewCredential, error) {
	clean, credentials, err := split(store, of, given)
	if err != nil {
		return "", nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(was.credentials)) {
		shown := leaf(was.parameters, path)
		if _, changed := credentials[path]; changed || shown == "" || leaf(clean, path) != shown {
			continue
		}
		if err := stays(of, was.parameters, clean, path); err != nil {
			return "", nil, err
		}
		credentials[path] = was.credentials[path]
	}
	parameters, err := storage.CanonicalJSON(clean)
	if err != nil {
		return "", nil, fmt.Errorf("write parameters: %w", err)
	}
	read := parameters
	if was.of != nil {
		changed := *was.of
		changed.Parameters = parameters
		used, err := t.usable(storage.ConfiguredKind(at.Table), &changed)
		if err != nil {
			return "", nil, err
		}
		read = used.Parameters
	}
	if _, err := of.Read(read); err != nil {
		return "", nil, err
	}
	if len(credentials) == 0 {
		return parameters, nil, nil
	}
	plain, err := json.Marshal(credentials)
	if err != nil {
		return "", nil, fmt.Errorf("seal credentials: %w", err)
	}
	sealed, err := session.Seal(string(plain), at)
	if err != nil {
		return "", nil, err
	}
	credential := &storage.NewCredential{Sealed: sealed}
	if len(credentials) == 1 {
		credential.LastFour = secret.LastFour(slices.Collect(maps.Values(credentials))[0])
	}
	return parameters, credential, nil
}

// split takes the credentials, by their pointers, out of parameters, and puts keys where
// these name things of the store by id.
func split(store storage.UserStore, of *storage.ConfiguredType, given storage.JSON) (map[string]any, map[string]string, error) {
	tree, err := object(given)
	if err != nil {
		return nil, nil, err
	}
	withKeys(of, tree, store)
	clean, found := secret.Extract(tree)
	if clean == nil {
		clean = map[string]any{}
	}
	credentials := map[string]string{}
	for _, c := range found {
		credentials[c.Path] = c.Value
	}
	return clean, credentials, nil
}

// object reads parameters, an object or nothing.
func object(given storage.JSON) (map[string]any, error) {
	tree := map[string]any{}
	if text := strings.TrimSpace(string(given)); text != "" && text != "null" {
		if err := json.Unmarshal([]byte(text), &tree); err != nil {
			return nil, storage.BadInput("parameters", "parameters must be a JSON object")
		}
	}
	return tree, nil
}

// withKeys puts keys where parameters name things of the store by id.
func withKeys(of *storage.ConfiguredType, tree map[string]any, store storage.UserStore) {
	kinds := map[storage.ParameterKind]storage.Kind{
		storage.ParameterGenerator: storage.KindGenerator, storage.ParameterConverter: storage.KindConverter, storage.ParameterScorers: storage.KindScorer,
	}
	for _, parameter := range of.Parameters {
		kind, names := kinds[parameter.Kind]
		if !names {
			continue
		}
		key := func(value any) any {
			text, _ := value.(string)
			if id, ok := storage.ParseID(text); ok && id.Kind == kind && id.Store == store.Key() {
				return id.Key
			}
			return value
		}
		switch value := tree[parameter.Name].(type) {
		case string:
			tree[parameter.Name] = key(value)
		case []any:
			for i := range value {
				value[i] = key(value[i])
			}
		}
	}
}

// open opens a thing's credentials, by their pointers; nil for none.
func (t *Things) open(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, thing *storage.Configured) (map[string]string, error) {
	if thing.Credential == nil || !thing.Credential.IsSet {
		return nil, nil
	}
	sealed, err := store.SealedCredential(ctx, kind, thing.Key)
	if err != nil {
		return nil, err
	}
	plain, err := t.Keeper.Open(sealed, place(store, kind, thing.Key))
	if err != nil {
		return nil, fmt.Errorf("open the credential of %s %s: %w", kind, thing.Key, err)
	}
	var credentials map[string]string
	if err := json.Unmarshal([]byte(plain), &credentials); err != nil {
		// The error could quote it.
		return nil, fmt.Errorf("the credential of %s %s is no JSON object of texts", kind, thing.Key)
	}
	return credentials, nil
}

func restored(parameters storage.JSON, credentials map[string]string) (storage.JSON, error) {
	tree := map[string]any{}
	if err := json.Unmarshal([]byte(parameters), &tree); err != nil {
		return "", storage.Errorf(storage.CodeConflict, "its parameters are no JSON object: it cannot be cloned")
	}
	list := make([]secret.Credential, 0, len(credentials))
	for path, value := range credentials {
		list = append(list, secret.Credential{Path: path, Value: value})
	}
	whole, err := json.Marshal(secret.Restore(tree, list))
	return storage.JSON(whole), err
}

// leaf is the text at a JSON pointer (RFC 6901), "" for none.
func leaf(tree any, pointer string) string {
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = unescaped(part)
		switch node := tree.(type) {
		case map[string]any:
			tree = node[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(node) {
				return ""
			}
			tree = node[i]
		default:
			return ""
		}
	}
	text, _ := tree.(string)
	return text
}
