package schema

import "github.com/violentutf/violentutf/storage"

// CreateSavedQueryInput is what a saved query is to be.
type CreateSavedQueryInput struct {
	Workspace        *string
	Name             string
	Description      *string
	Document         string
	Variables        *storage.JSON
	Pinned           bool
	Tags             []string
	ClientMutationID *string
}

// UpdateSavedQueryInput is what a saved query is to become; nil stays.
type UpdateSavedQueryInput struct {
	ID               string
	Revision         int64
	Name             *string
	Description      *string
	Document         *string
	Variables        *storage.JSON
	Pinned           *bool
	Tags             []string
	ClientMutationID *string
}

// CreateParameterFileInput is what a parameter file is to be.
type CreateParameterFileInput struct {
	Workspace        *string
	Name             string
	Description      *string
	Format           storage.DocumentFormat
	Text             string
	Tags             []string
	ClientMutationID *string
}

// UpdateParameterFileInput is what a parameter file is to become; nil stays.
type UpdateParameterFileInput struct {
	ID               string
	Revision         int64
	Name             *string
	Description      *string
	Format           *storage.DocumentFormat
	Text             *string
	Tags             []string
	ClientMutationID *string
}

// TemplateChange is what of a template is given; nil stays.
type TemplateChange struct {
	Name           *string
	Description    *string
	Body           *string
	Parameters     []*storage.TemplateParameter
	Source         *string
	Tags           []string
	HarmCategories []string
}

// CreateTemplateInput is what a template is to be: of Native, Document and Body one is
// to be set.
type CreateTemplateInput struct {
	Workspace *string
	Native    *string
	Document  *TemplateDocumentInput
	TemplateChange
	ClientMutationID *string
}

// TemplateDocumentInput is a template as PyRIT writes them.
type TemplateDocumentInput struct {
	Format storage.DocumentFormat
	Text   string
}

// UpdateTemplateInput is what a template is to become.
type UpdateTemplateInput struct {
	ID       string
	Revision int64
	TemplateChange
	ClientMutationID *string
}

// DeleteKeptInput is which saved query, parameter file or template is to be deleted.
type DeleteKeptInput struct {
	ID               string
	ClientMutationID *string
}

// SavedQueryPayload is the answer of a mutation of a saved query.
type SavedQueryPayload struct {
	WorkspacePayload
	SavedQuery *storage.SavedQuery
}

// ParameterFilePayload is the answer of a mutation of a parameter file.
type ParameterFilePayload struct {
	WorkspacePayload
	ParameterFile *storage.ParameterFile
}

// TemplatePayload is the answer of a mutation of a template.
type TemplatePayload struct {
	WorkspacePayload
	Template *storage.Template
}

// RenderingPayload is the answer of previewTemplate.
type RenderingPayload struct {
	Payload
	Text            *string
	Missing, Unused []string // never null
}

// SavedSessionPayload is the answer of a mutation of a saved session.
type SavedSessionPayload struct {
	WorkspacePayload
	SavedSession *storage.SavedSession
	DeletedKey   *string
}

// UserSettingPayload is the answer of a mutation of a setting of the viewer's.
type UserSettingPayload struct {
	Payload
	Setting *storage.UserSetting
}
