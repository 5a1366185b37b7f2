package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/kept"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) createParameterFile(ctx context.Context, input schema.CreateParameterFileInput) (*schema.ParameterFilePayload, error) {
	fields := given(map[string]bool{"name": true, "format": true, "text": true, "description": input.Description != nil, "tags": input.Tags != nil})
	return r.changeParameterFile(ctx, r.inWorkspace(parameterFiles, change{
		field: "createParameterFile", id: input.ClientMutationID, input: input, action: "parameter_file.create", fields: fields,
	}, input.Workspace, func(ctx context.Context, set *loaders.Set) (string, error) {
		part, err := newKept(ctx, input.Name, input.Description, input.Tags)
		if err != nil {
			return "", err
		}
		file := &storage.ParameterFile{Kept: part, Format: input.Format, Text: input.Text}
		if err := checkParameterFile(file); err != nil {
			return "", err
		}
		return file.Key, set.Store.AddParameterFile(ctx, file)
	}))
}

// checkParameterFile reads the text of a file anew.
func checkParameterFile(file *storage.ParameterFile) error {
	err := file.Check()
	if err == nil {
		file.Parameters, err = kept.Parameters(file.Format, file.Text)
	}
	return err
}

func (r *Resolver) updateParameterFile(ctx context.Context, input schema.UpdateParameterFileInput) (*schema.ParameterFilePayload, error) {
	fields := given(map[string]bool{
		"name": input.Name != nil, "format": input.Format != nil, "text": input.Text != nil, "description": input.Description != nil, "tags": input.Tags != nil,
	})
	return r.changeParameterFile(ctx, r.inStore(parameterFiles, change{
		field: "updateParameterFile", id: input.ClientMutationID, input: input, action: "parameter_file.update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		file, err := current(ctx, set.Store, storage.UserStore.ParameterFilesByKey, key)
		if err != nil {
			return "", err
		}
		if input.Format != nil && *input.Format != file.Format && input.Text == nil {
			return "", storage.BadInput("text", "with another format the text must be given too")
		}
		changeKept(&file.Kept, input.Revision, input.Name, input.Description, input.Tags)
		file.Format, file.Text = orDefault(input.Format, file.Format), orDefault(input.Text, file.Text)
		if err := checkParameterFile(file); err != nil {
			return "", err
		}
		return key, set.Store.ReplaceParameterFile(ctx, file)
	}))
}

func (r *Resolver) cloneParameterFile(ctx context.Context, input schema.CloneConfiguredInput) (*schema.ParameterFilePayload, error) {
	return r.changeParameterFile(ctx, r.inStore(parameterFiles, change{
		field: "cloneParameterFile", id: input.ClientMutationID, input: input, action: "parameter_file.clone", fields: []string{"name"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		file, err := current(ctx, set.Store, storage.UserStore.ParameterFilesByKey, key)
		if err == nil {
			file.Kept, err = cloned(ctx, file.Kept, input.Name)
		}
		if err != nil {
			return "", err
		}
		return file.Key, set.Store.AddParameterFile(ctx, file)
	}))
}

// changeParameterFile makes a change and reads the parameter file.
func (r *Resolver) changeParameterFile(ctx context.Context, c change) (*schema.ParameterFilePayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.ParameterFilePayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.ParameterFile, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.ParameterFile] { return set.ParameterFile })
	}
	return answer, err
}
