package configured

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// The original ViolentUTF names some types and parameters otherwise than they are named
// here. Its rows stay as they are, so that they can be exported as they were; what they
// mean is read from them anew whenever they are used.

// reading reads the parameters of a type of the original: it changes p to those of the
// type here, whose name it returns. A parameter that means nothing here stays, and is
// refused by the type. Errors are storage.BadInput with the remedy.
type reading func(p tree) (string, error)

var readings = map[storage.ConfiguredKind]map[string]reading{
	storage.KindGenerators: originalGenerators,
	storage.KindConverters: originalConverters,
	storage.KindScorers:    originalScorers,
}

// Usable is Read, with the type and parameters that a thing of the original has here, and
// keys in place of names. CodeNotFound for none; CodeBadInput names what of it cannot be
// used, and what to do.
func (t *Things) Usable(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, key string) (*storage.Configured, error) {
	thing, err := Read(ctx, store, kind, key)
	if err != nil {
		return nil, err
	}
	return t.used(ctx, store, kind, thing)
}

func (t *Things) used(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, thing *storage.Configured) (*storage.Configured, error) {
	read, err := t.usable(kind, thing)
	if err != nil || thing.Source != storage.SourceViolentUTF {
		return read, err
	}
	read.Parameters, err = t.keyed(ctx, store, kind, read)
	return read, err
}

// usable is a thing as it is used.
func (t *Things) usable(kind storage.ConfiguredKind, thing *storage.Configured) (*storage.Configured, error) {
	if thing.Source != storage.SourceViolentUTF {
		return thing, nil
	}
	read := *thing
	p, err := treeOf(thing.Parameters)
	if err != nil {
		return nil, err
	}
	if read.Type, err = t.reread(kind, thing.Type, p); err != nil {
		return nil, err
	}
	read.Parameters, err = storage.CanonicalJSON(map[string]any(p))
	return &read, err
}

// typeWith is the type that a thing has here with other parameters.
func (t *Things) typeWith(kind storage.ConfiguredKind, thing *storage.Configured, parameters storage.JSON) (*storage.ConfiguredType, error) {
	changed := *thing
	changed.Parameters = parameters
	used, err := t.usable(kind, &changed)
	if err != nil {
		return nil, err
	}
	return t.typeOf(kind, used.Type)
}

// reread changes parameters as the original has them to those of the type that it returns.
func (t *Things) reread(kind storage.ConfiguredKind, typeName string, p tree) (string, error) {
	for name, value := range p { // an empty field of the original's forms is none
		if value == nil || value == "" {
			delete(p, name)
		}
	}
	if read := readings[kind][typeName]; read != nil {
		return read(p)
	}
	if _, err := t.typeOf(kind, typeName); err != nil {
		return "", storage.BadInput("type", "nothing here does what the type %q of the original does: make another of these in its place with a type of viewer.%sTypes", storage.Plain(typeName, 80), one(kind))
	}
	return typeName, nil
}

// credentialsOf are the credentials of a thing where they stand in the parameters that
// Usable gives.
func (t *Things) credentialsOf(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, key string) (map[string]string, error) {
	thing, err := Read(ctx, store, kind, key)
	if err != nil {
		return nil, err
	}
	credentials, err := t.open(ctx, store, kind, thing)
	if err != nil || len(credentials) == 0 || thing.Source != storage.SourceViolentUTF {
		return credentials, err
	}
	whole, err := restored(thing.Parameters, credentials)
	if err != nil {
		return nil, err
	}
	p, err := treeOf(whole)
	if err != nil {
		return nil, err
	}
	if _, err := t.reread(kind, thing.Type, p); err != nil {
		return nil, err
	}
	_, found := secret.Extract(p)
	moved := make(map[string]string, len(found))
	for _, c := range found {
		moved[c.Path] = c.Value
	}
	return moved, nil
}

// keyed puts keys where the original names things by their names.
func (t *Things) keyed(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, thing *storage.Configured) (storage.JSON, error) {
	p, err := treeOf(thing.Parameters)
	if err != nil {
		return "", err
	}
	for _, named := range t.References(kind, thing) {
		_, err := Read(ctx, store, named.Table, named.Key)
		if storage.CodeOf(err) != storage.CodeNotFound {
			if err != nil {
				return "", err
			}
			continue
		}
		key, err := keyOfName(ctx, store, named.Table, named.Key)
		if err != nil {
			return "", err
		}
		if key != "" {
			p.replace(strings.TrimPrefix(named.Argument, "parameters."), named.Key, key)
		}
	}
	return storage.CanonicalJSON(map[string]any(p))
}

// keyOfName finds a generator or scorer by its name; "" for none.
func keyOfName(ctx context.Context, store storage.UserStore, table storage.ConfiguredKind, name string) (string, error) {
	exactly := true
	filter := &storage.ConfiguredFilter{Name: &storage.TextMatch{Equals: &name, CaseSensitive: &exactly}}
	order, page := storage.NameOrder{Field: storage.NameOrderCreatedAt}, storage.Page{Limit: 1}
	switch table {
	case storage.KindGenerators:
		found, err := store.Generators(ctx, filter, order, page)
		if err != nil || len(found.Nodes()) == 0 {
			return "", err
		}
		return found.Nodes()[0].Key, nil
	case storage.KindScorers:
		found, err := store.Scorers(ctx, filter, order, page)
		if err != nil || len(found.Nodes()) == 0 {
			return "", err
		}
		return found.Nodes()[0].Key, nil
	}
	return "", nil
}

// tree are parameters.
type tree map[string]any

// treeOf reads parameters with their numbers as they are written.
func treeOf(text storage.JSON) (tree, error) {
	p := tree{}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if strings.TrimSpace(string(text)) != "" && decoder.Decode(&p) != nil {
		return nil, storage.BadInput("parameters", "parameters must be a JSON object: write them anew")
	}
	if p == nil { // null
		p = tree{}
	}
	return p, nil
}

// text is a text among them, "" for none.
func (p tree) text(name string) string {
	text, _ := p[name].(string)
	return text
}

// rename gives a parameter another name, unless that is taken.
func (p tree) rename(from, to string) {
	if value, there := p[from]; there {
		if _, taken := p[to]; !taken {
			p[to] = value
		}
		delete(p, from)
	}
}

// take takes a parameter away.
func (p tree) take(name string) any {
	value := p[name]
	delete(p, name)
	return value
}

// preset sets a parameter that is not there.
func (p tree) preset(name string, value any) {
	if _, there := p[name]; !there {
		p[name] = value
	}
}

// replace puts a key where a name stands, by itself or in a list.
func (p tree) replace(parameter, name, key string) {
	switch value := p[parameter].(type) {
	case string:
		p[parameter] = key
	case []any:
		for i := range value {
			if value[i] == name {
				value[i] = key
			}
		}
	}
}

// renamed is a type that differs by its name and those of some parameters.
func renamed(to string, parameters ...string) reading {
	return func(p tree) (string, error) {
		for i := 0; i+1 < len(parameters); i += 2 {
			p.rename(parameters[i], parameters[i+1])
		}
		return to, nil
	}
}

// warnings are what a generator of the original lets guess.
func warnings(thing *storage.Configured) []*storage.Problem {
	if thing.Source != storage.SourceViolentUTF {
		return nil
	}
	p, err := treeOf(thing.Parameters)
	if err != nil {
		return nil
	}
	var found []*storage.Problem
	warn := func(parameter, message, remedy string) {
		found = append(found, &storage.Problem{Severity: storage.ProblemWarning, Field: []string{"parameters", parameter}, Message: message, Remedy: remedy})
	}
	switch _, raw := p["http_request"]; {
	case target.TypeName(thing.Type) == target.TypeGateway:
		if provider := p.text("provider"); provider == "anthropic" || provider == "ollama" {
			warn("provider", "requests and replies are taken to be as OpenAI writes them, which a route to "+provider+" need not do", "test the generator; if the route speaks otherwise, make one of the type ANTHROPIC or HTTP_REST")
		}
	case target.TypeName(thing.Type) == target.TypeHTTPREST && !raw && p.text("body") == "":
		warn("body", `the original kept no body of requests: the prompt is sent as {"prompt": "..."}, and the whole answer is the reply`, "set body and reply_pointer as the endpoint needs them")
	}
	return found
}
