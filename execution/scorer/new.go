package scorer

import (
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// MaxDepth is how many levels of scorers may lie inside each other, and maxScorers how
// many scorers one may be made of in all: eight levels of two each are 255 already.
const (
	MaxDepth   = 8
	maxScorers = 64
)

// kind is a type with how a scorer of it is made.
type kind struct {
	*storage.ConfiguredType
	make func(b *builder, values storage.Values) (*built, error)
}

// kinds are all types, in the order of the list that people see.
func kinds() []kind {
	return slices.Concat(textKinds(), patternKinds(), refusalKinds(), judgeKinds(), compositeKinds())
}

// Types are the types of scorers, with the parameters that each takes.
func Types() []*storage.ConfiguredType {
	var types []*storage.ConfiguredType
	for _, k := range kinds() {
		types = append(types, k.ConfiguredType)
	}
	return types
}

// New makes the scorer of a type. A *storage.Error of BAD_USER_INPUT names the argument
// at fault: type, parameters or parameters.NAME; an error of parts is handed on.
func New(typeName string, parameters storage.JSON, parts Parts) (Scorer, error) {
	left := maxScorers
	made, err := (&builder{parts: parts, left: &left}).build(Configured{typeName, parameters})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// builder makes one scorer and the scorers inside it.
type builder struct {
	parts Parts
	path  []string // keys of the scorers around this one
	left  *int     // scorers that may still be made
}

func (b *builder) build(configured Configured) (*built, error) {
	if *b.left--; *b.left < 0 {
		return nil, storage.BadInput("parameters.scorers", "scorers: more than %d scorers in one, take fewer", maxScorers)
	}
	for _, k := range kinds() {
		if k.Name != configured.TypeName {
			continue
		}
		values, err := k.Read(configured.Parameters)
		if err != nil {
			return nil, err
		}
		made, err := k.make(b, values)
		if err != nil {
			return nil, err
		}
		return made, made.describe(k.ConfiguredType, values)
	}
	var names []string
	for _, k := range kinds() {
		names = append(names, k.Name)
	}
	return nil, storage.BadInput("type", "there is no scorer type %q: take one of %s", configured.TypeName, strings.Join(names, ", "))
}

// inside makes the scorers with the given keys, for the parameter of one around them.
func (b *builder) inside(parameter string, keys []string) ([]*built, error) {
	bad := func(format string, arguments ...any) error {
		return storage.BadInput("parameters."+parameter, parameter+": "+format, arguments...)
	}
	if len(keys) == 0 {
		return nil, bad("name at least one scorer")
	}
	var made []*built
	for _, key := range keys {
		if slices.Contains(b.path, key) {
			return nil, bad("scorer %q contains itself", key)
		}
		if len(b.path)+1 >= MaxDepth {
			return nil, bad("scorers lie more than %d levels deep", MaxDepth)
		}
		if b.parts == nil {
			return nil, bad("there is no scorer %q", key)
		}
		configured, err := b.parts.Scorer(key)
		if err != nil {
			return nil, err
		}
		child := &builder{parts: b.parts, path: append(slices.Clone(b.path), key), left: b.left}
		scorer, err := child.build(configured)
		if err != nil {
			return nil, err
		}
		made = append(made, scorer)
	}
	return made, nil
}

// model finds the generator that judges.
func (b *builder) model(values storage.Values) (Model, error) {
	key := values.Text("chat_target")
	if b.parts == nil {
		return nil, storage.BadInput("parameters.chat_target", "chat_target: there is no generator %q", key)
	}
	return b.parts.Model(key)
}
