package pyrit

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// An identifier is PyRIT's own description of a component: {"class_name",
// "class_module", "hash", parameters..., "children": {...}} since 0.11,
// {"__type__", "__module__", ...} before.

// component stages the component of an identifier's JSON text; the zero one for no
// identifier.
func (im *importer) component(ctx context.Context, kind storage.ComponentKind, text string) (described, error) {
	if text == "" || text == "null" || text == "{}" {
		return described{}, nil
	}
	key := string(kind) + "\n" + text
	if made, found := im.known.components.get(key); found {
		return made, nil
	}
	identifier := decode(text)
	if identifier == nil {
		identifier = map[string]any{"class_name": text}
	}
	hash, err := im.componentOf(ctx, kind, identifier)
	if err != nil {
		return described{}, err
	}
	made := described{hash: hash, class: orElse(class(identifier), "Unknown")}
	im.known.components.put(key, made)
	return made, nil
}

// described is a staged component.
type described struct{ hash, class string }

func (im *importer) componentOf(ctx context.Context, kind storage.ComponentKind, identifier map[string]any) (string, error) {
	identifier = im.extract(identifier)
	known := storage.Component{
		ClassName: class(identifier),
		Module:    first(identifier, "class_module", "__module__"),
		Model:     first(identifier, "model_name", "underlying_model_name"),
		Endpoint:  first(identifier, "endpoint"),
	}
	if known.ClassName == "" {
		known.ClassName = "Unknown"
	}
	parameters := map[string]any{}
	for name, value := range identifier {
		switch name {
		case "class_name", "__type__", "class_module", "__module__", "model_name", "endpoint",
			"hash", "eval_hash", "pyrit_version", "children":
			// The first have columns; the others describe this description, and
			// all stay in Component.Identifier.
		default:
			parameters[name] = value
		}
	}
	var err error
	if known.Parameters, err = storage.CanonicalJSON(parameters); err != nil {
		return "", err
	}
	component, err := storage.NewComponent(kind, identifier, known)
	if err != nil {
		return "", err
	}
	return component.Hash, im.stage.AddComponent(ctx, component)
}

// chain is a list of converters, in the order of their use.
type chain struct {
	text   string // class names joined by " > "
	hashes []string
}

// converters stages the converters of a JSON list of identifiers.
func (im *importer) converters(ctx context.Context, text string) (chain, error) {
	if text == "" || text == "[]" || text == "null" {
		return chain{hashes: []string{}}, nil
	}
	if made, found := im.known.chains.get(text); found {
		return made, nil
	}
	var items []any
	if decodeInto(text, &items) != nil {
		items = []any{map[string]any{"class_name": text}}
	}
	made, err := im.chainOf(ctx, items)
	if err != nil {
		return chain{}, err
	}
	im.known.chains.put(text, made)
	return made, nil
}

func (im *importer) chainOf(ctx context.Context, items []any) (chain, error) {
	made := chain{hashes: []string{}}
	names := make([]string, 0, len(items))
	for _, item := range items {
		identifier, isObject := item.(map[string]any)
		if !isObject {
			identifier = map[string]any{"class_name": item}
		}
		hash, err := im.componentOf(ctx, storage.ComponentConverter, identifier)
		if err != nil {
			return chain{}, err
		}
		made.hashes = append(made.hashes, hash)
		name := class(identifier)
		if name == "" {
			name = "Unknown"
		}
		names = append(names, name)
	}
	made.text = strings.Join(names, " > ")
	return made, nil
}

// strategy is what an attack's identifiers tell of it.
type strategy struct {
	class      string
	technique  string // hash
	attacker   string // component
	target     string // component
	converters chain
	seeds      []string // SHA-256 of the seeds' values
	ofRun      bool     // the identifier names a run, not only what ran
}

// strategyOf reads the identifier of an attack itself, or of the atomic attack
// around it, in whose attack technique the attack is.
func (im *importer) strategyOf(ctx context.Context, text string) (*strategy, error) {
	if text == "" || text == "null" || text == "{}" {
		return &strategy{converters: chain{hashes: []string{}}}, nil
	}
	if made, found := im.known.attacks.get(text); found {
		return made, nil
	}
	made := &strategy{converters: chain{hashes: []string{}}}
	identifier := decode(text)
	if seeds, isList := child(identifier, "seed_identifiers").([]any); isList {
		for _, seed := range seeds {
			if sha := first(members(seed), "value_sha256"); sha != nil {
				made.seeds = append(made.seeds, *sha)
			}
		}
	}
	if technique := members(child(identifier, "attack_technique")); technique != nil {
		if hash := first(technique, "hash"); hash != nil {
			made.technique = *hash
		}
		identifier = members(child(technique, "attack"))
	} else if attack := members(child(identifier, "attack")); attack != nil {
		identifier = attack
	}
	if identifier != nil {
		if err := im.describe(ctx, made, identifier); err != nil {
			return nil, err
		}
	}
	im.known.attacks.put(text, made)
	return made, nil
}

func (im *importer) describe(ctx context.Context, made *strategy, attack map[string]any) (err error) {
	made.class = class(attack)
	// Until 0.10 the identifier had the object's id, and a judge's the message that it
	// judged: a component is what ran, whichever time.
	if attack["id"] != nil || attack["scored_prompt_id"] != nil {
		made.ofRun = true
		attack = maps.Clone(attack)
		delete(attack, "id")
		delete(attack, "scored_prompt_id")
	}
	if made.attacker, err = im.componentOf(ctx, storage.ComponentAttacker, attack); err != nil {
		return err
	}
	if target := members(child(attack, "objective_target")); target != nil {
		if made.target, err = im.componentOf(ctx, storage.ComponentTarget, target); err != nil {
			return err
		}
	}
	if scorer := members(child(attack, "objective_scorer")); scorer != nil {
		if _, err = im.componentOf(ctx, storage.ComponentScorer, scorer); err != nil {
			return err
		}
	}
	if items, isList := child(attack, "request_converters").([]any); isList {
		made.converters, err = im.chainOf(ctx, items)
	}
	return err
}

// remember keeps of the identifier tables of 1.x what other rows refer to by hash.
func (im *importer) remember(ctx context.Context, r *row) error {
	switch r.t.name {
	case "SeedIdentifiers":
		if sha := r.text("value_sha256"); sha != "" {
			return im.stage.Append(ctx, "raw_seed_identifiers", r.text("hash"), sha)
		}
	case "AtomicAttackSeedIdentifiers":
		place := int64(0)
		if n := r.integer("position"); n != nil {
			place = *n
		}
		return im.stage.Append(ctx, "raw_atomic_seeds",
			r.text("atomic_attack_identifier_hash"), r.text("seed_identifier_hash"), place)
	}
	if text := r.text("identifier_json"); text != "" {
		im.known.identifiers.put(r.text("hash"), text)
	}
	return nil
}

// identifier reads an identifier's column, or, where only its hash was written,
// looks it up in the identifier tables.
func (im *importer) identifier(r *row, column string) string {
	if text := r.json(column); text != "" {
		return text
	}
	text, _ := im.known.identifiers.get(r.text(column + "_hash"))
	return text
}

// clean takes the credentials out of a JSON text; without any it stays as it is.
func (im *importer) clean(text string) string {
	if len(text) <= 2 {
		return text
	}
	if made, found := im.known.cleaned.get(text); found {
		return made
	}
	made := text
	var tree any
	if decodeInto(text, &tree) == nil {
		clean, credentials := secret.Extract(map[string]any{"": tree})
		for _, c := range credentials {
			im.stage.Scrub(c.Value)
		}
		if len(credentials) > 0 {
			if canonical, err := storage.CanonicalJSON(clean[""]); err == nil {
				made = string(canonical)
			}
		}
	}
	im.known.cleaned.put(text, made)
	return made
}

// extract takes the credentials out of an identifier.
func (im *importer) extract(identifier map[string]any) map[string]any {
	clean, credentials := secret.Extract(identifier)
	for _, c := range credentials {
		im.stage.Scrub(c.Value)
	}
	return clean
}

// decode reads a JSON object; nil if the text is none.
func decode(text string) map[string]any {
	var tree map[string]any
	if decodeInto(text, &tree) != nil {
		return nil
	}
	return tree
}

func decodeInto(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func child(identifier map[string]any, name string) any {
	children, isObject := identifier["children"].(map[string]any)
	if !isObject {
		return nil
	}
	return children[name]
}

func members(value any) map[string]any {
	tree, _ := value.(map[string]any)
	return tree
}

func class(identifier map[string]any) string {
	if name := first(identifier, "class_name", "__type__"); name != nil {
		return *name
	}
	return ""
}

// first is the first of the members that is a text, or a number as a text.
func first(identifier map[string]any, names ...string) *string {
	for _, name := range names {
		switch v := identifier[name].(type) {
		case string:
			if v != "" {
				return &v
			}
		case json.Number:
			text := v.String()
			return &text
		case bool:
			text := strconv.FormatBool(v)
			return &text
		}
	}
	return nil
}
