package garak

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// maxKnown bounds the components remembered as staged; staging one again is
// harmless.
const maxKnown = 10_000

// component stages a component once and gives its hash. identifier is only what a
// report states of every run, so that runs of different months and versions compare;
// the defaults that plugin_cache lists are kept with that line.
func (im *importer) component(ctx context.Context, part storage.ComponentKind, identifier map[string]any, known storage.Component) (string, error) {
	made, err := storage.NewComponent(part, identifier, known)
	if err != nil {
		return "", err
	}
	if im.known[made.Hash] {
		return made.Hash, nil
	}
	if len(im.known) >= maxKnown {
		clear(im.known)
	}
	im.known[made.Hash] = true
	return made.Hash, im.stage.AddComponent(ctx, made)
}

// target stages the generator under test, as the setup names it: target_type and
// target_name, until 0.13 model_type and model_name, with its options where the
// setup has them.
func (im *importer) target(ctx context.Context) (*string, error) {
	r := im.run
	if r.targetKnown {
		return r.targetHash, nil
	}
	r.targetKnown = true
	class := firstText(r.setup, "plugins.target_type", "plugins.model_type")
	name := firstText(r.setup, "plugins.target_name", "plugins.model_name")
	if class == "" && name == "" {
		return nil, nil
	}
	identifier := map[string]any{"target_type": class, "target_name": name}
	known := storage.Component{ClassName: class, Model: optional(name), Name: strings.TrimSpace(class + " " + name)}
	for _, options := range []string{"plugins.generators", "plugins.generator_options"} {
		if empty(r.setup[options]) {
			continue
		}
		clean, err := im.clean(r.setup[options])
		if err != nil {
			return nil, err
		}
		identifier["options"] = json.RawMessage(clean)
		if kind(json.RawMessage(clean)) == '{' {
			known.Parameters = clean
		}
		break
	}
	hash, err := im.component(ctx, storage.ComponentTarget, identifier, known)
	r.targetHash = &hash
	return r.targetHash, err
}

func (im *importer) probe(ctx context.Context, class string) (*string, error) {
	if class == "" {
		return nil, nil
	}
	hash, err := im.component(ctx, storage.ComponentAttacker,
		map[string]any{"probe": class}, storage.Component{ClassName: class})
	return &hash, err
}

func (im *importer) detector(ctx context.Context, class string) (string, error) {
	return im.component(ctx, storage.ComponentScorer,
		map[string]any{"detector": class}, storage.Component{ClassName: class})
}
