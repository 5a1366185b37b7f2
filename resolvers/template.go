package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/kept"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) createTemplate(ctx context.Context, input schema.CreateTemplateInput) (*schema.TemplatePayload, error) {
	fields := append(templateFields(input.TemplateChange), given(map[string]bool{"native": input.Native != nil, "document": input.Document != nil})...)
	return r.changeTemplate(ctx, r.inWorkspace(templates, change{
		field: "createTemplate", id: input.ClientMutationID, input: input, action: "template.create", fields: sorted(fields),
	}, input.Workspace, func(ctx context.Context, set *loaders.Set) (string, error) {
		template, err := templateOf(input)
		if err != nil {
			return "", err
		}
		if template.Kept, err = newKept(ctx, template.Name, template.Description, template.Tags); err != nil {
			return "", err
		}
		if err := applyTemplate(template, input.TemplateChange); err != nil {
			return "", err
		}
		return template.Key, set.Store.AddTemplate(ctx, template)
	}))
}

// templateOf is what a new template begins with.
func templateOf(input schema.CreateTemplateInput) (*storage.Template, error) {
	switch {
	case (input.Native != nil) == (input.Document != nil) && (input.Native != nil || input.Body == nil),
		input.Body != nil && (input.Native != nil || input.Document != nil):
		return nil, storage.BadInput("body", "a template needs one of native, document and body")
	case input.Native != nil:
		return kept.Native(*input.Native)
	case input.Document != nil:
		return kept.ReadTemplate(input.Document.Format, input.Document.Text)
	}
	return &storage.Template{}, nil
}

// applyTemplate puts what is given in the place of what was, and checks the whole.
func applyTemplate(t *storage.Template, change schema.TemplateChange) error {
	t.Name = orDefault(change.Name, t.Name)
	if change.Description != nil {
		t.Description = change.Description
	}
	if change.Source != nil {
		t.Source = change.Source
	}
	if change.Tags != nil {
		t.Tags = change.Tags
	}
	if change.HarmCategories != nil {
		t.HarmCategories = change.HarmCategories
	}
	if change.Parameters != nil {
		t.Parameters = change.Parameters
	}
	if change.Body != nil {
		t.Body = *change.Body
		if change.Parameters == nil {
			names, err := kept.Places(t.Body)
			if err != nil {
				return err
			}
			kept.FitParameters(t, names)
		}
	}
	return kept.CheckTemplate(t)
}

func templateFields(change schema.TemplateChange) []string {
	return given(map[string]bool{
		"name": change.Name != nil, "description": change.Description != nil, "body": change.Body != nil, "parameters": change.Parameters != nil,
		"source": change.Source != nil, "tags": change.Tags != nil, "harmCategories": change.HarmCategories != nil,
	})
}

func (r *Resolver) updateTemplate(ctx context.Context, input schema.UpdateTemplateInput) (*schema.TemplatePayload, error) {
	return r.changeTemplate(ctx, r.inStore(templates, change{
		field: "updateTemplate", id: input.ClientMutationID, input: input, action: "template.update", fields: templateFields(input.TemplateChange),
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		template, err := current(ctx, set.Store, storage.UserStore.TemplatesByKey, key)
		if err != nil {
			return "", err
		}
		template.Revision, template.UpdatedAt = input.Revision, now()
		if err := applyTemplate(template, input.TemplateChange); err != nil {
			return "", err
		}
		return key, set.Store.ReplaceTemplate(ctx, template)
	}))
}

func (r *Resolver) cloneTemplate(ctx context.Context, input schema.CloneConfiguredInput) (*schema.TemplatePayload, error) {
	return r.changeTemplate(ctx, r.inStore(templates, change{
		field: "cloneTemplate", id: input.ClientMutationID, input: input, action: "template.clone", fields: []string{"name"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		template, err := current(ctx, set.Store, storage.UserStore.TemplatesByKey, key)
		if err == nil {
			template.Kept, err = cloned(ctx, template.Kept, input.Name)
		}
		if err != nil {
			return "", err
		}
		return template.Key, set.Store.AddTemplate(ctx, template)
	}))
}

// changeTemplate makes a change and reads the template.
func (r *Resolver) changeTemplate(ctx context.Context, c change) (*schema.TemplatePayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.TemplatePayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Template, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Template] { return set.Template })
	}
	return answer, err
}

func (r *Resolver) previewTemplate(ctx context.Context, input graph.PreviewTemplateInput) (*schema.RenderingPayload, error) {
	answer := &schema.RenderingPayload{Missing: []string{}, Unused: []string{}}
	var err error
	answer.Payload, err = r.preview(ctx, templates, "previewTemplate", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) error {
		body, parameters, err := toRender(ctx, store, input)
		if err != nil {
			return err
		}
		values := kept.Values{Given: orNothing(input.Values), Prompt: input.Prompt}
		if input.ParameterFile != nil {
			file, err := inputNamed(ctx, store, "parameterFile", storage.KindParameterFile, *input.ParameterFile, storage.UserStore.ParameterFilesByKey)
			if err != nil {
				return err
			}
			values.File = file.Parameters
		}
		rendering, err := kept.Render(body, parameters, values)
		if err != nil {
			return err
		}
		answer.Text, answer.Missing, answer.Unused = &rendering.Text, rendering.Missing, rendering.Unused
		return nil
	})
	return answer, err
}

// toRender is the body that an input means.
func toRender(ctx context.Context, store storage.UserStore, input graph.PreviewTemplateInput) (string, []*storage.TemplateParameter, error) {
	if (input.Template == nil) == (input.Body == nil) {
		return "", nil, storage.BadInput("template", "name a template, or give a body")
	}
	if input.Body != nil {
		return *input.Body, nil, nil
	}
	template, err := inputNamed(ctx, store, "template", storage.KindTemplate, *input.Template, storage.UserStore.TemplatesByKey)
	if err != nil {
		return "", nil, err
	}
	return template.Body, template.Parameters, nil
}

// inputNamed reads what an argument names in a store; NOT_FOUND of the argument for what
// is in another.
func inputNamed[T any](ctx context.Context, store storage.UserStore, argument string, kind storage.Kind, text string,
	read func(store storage.UserStore, ctx context.Context, keys []string) (map[string]*T, error),
) (*T, error) {
	id, ok := storage.ParseID(text)
	if !ok || id.Kind != kind || id.Store != store.Key() || !aKey(id.Key) {
		return nil, directives.Missing(argument)
	}
	found, err := current(ctx, store, read, id.Key)
	if err != nil {
		return nil, refused(argument, err)
	}
	return found, nil
}
