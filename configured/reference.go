package configured

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// References lists the things of the workspace that a configured thing is made of, as far
// as its parameters can be read.
func (t *Things) References(kind storage.ConfiguredKind, thing *storage.Configured) []storage.Named {
	of, err := t.typeOf(kind, thing.Type)
	if err != nil {
		return nil
	}
	tables := map[storage.ParameterKind]storage.ConfiguredKind{
		storage.ParameterGenerator: storage.KindGenerators, storage.ParameterConverter: storage.KindConverters, storage.ParameterScorers: storage.KindScorers,
	}
	tree := map[string]any{}
	_ = json.Unmarshal([]byte(thing.Parameters), &tree) // what is no object names nothing
	var names []storage.Named
	for _, parameter := range of.Parameters {
		table, refers := tables[parameter.Kind]
		if !refers {
			continue
		}
		values, several := tree[parameter.Name].([]any)
		if !several {
			values = []any{tree[parameter.Name]}
		}
		for _, value := range values {
			if key, ok := value.(string); ok && key != "" {
				names = append(names, storage.Named{Table: table, Key: key, Argument: "parameters." + parameter.Name})
			}
		}
	}
	return names
}

// checkReferences refuses parameters that name what is not in the workspace.
func (t *Things) checkReferences(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, thing *storage.Configured) error {
	for _, named := range t.References(kind, thing) {
		_, err := Read(ctx, store, named.Table, named.Key)
		if storage.CodeOf(err) == storage.CodeNotFound {
			refusal := missing(named.Table, named.Key, strings.TrimPrefix(named.Argument, "parameters."))
			refusal.Field = named.Argument
			return refusal
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// missing is CodeNotFound of what a parameter names.
func missing(kind storage.ConfiguredKind, key, parameter string) *storage.Error {
	return storage.Errorf(storage.CodeNotFound, "%s %q that parameter %s names does not exist: pass an id of one", one(kind), storage.Plain(key, 80), parameter)
}

// TargetAs opens a generator of the workspace with other parameters than it has now, as a
// run recorded them: its credentials are those of now. They are sent to the address for
// which they were given only: CodeConflict when it was another one then. The caller closes
// the target.
func (t *Things) TargetAs(ctx context.Context, store storage.UserStore, key, typeName string, parameters storage.JSON, options target.Options) (*target.Target, error) {
	credentials, err := t.credentialsOf(ctx, store, storage.KindGenerators, key)
	if err != nil {
		return nil, err
	}
	if len(credentials) > 0 {
		thing, err := t.Usable(ctx, store, storage.KindGenerators, key)
		if err != nil {
			return nil, err
		}
		if err := t.sameAddress(thing, typeName, parameters); err != nil {
			return nil, err
		}
	}
	plain, err := withoutMarkers(parameters, credentials)
	if err != nil {
		return nil, err
	}
	return target.New(typeName, plain, credentials, options)
}
