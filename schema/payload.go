package schema

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/storage"
)

// Payload is what every mutation answers beside the thing that it changed. With user
// errors nothing was changed.
type Payload struct {
	ClientMutationID *string
	UserErrors       []*UserError // never null
}

// UserError is something that the caller can mend: BAD_USER_INPUT, NOT_FOUND or
// CONFLICT.
type UserError struct {
	Code    storage.Code
	Message string
	Field   []string // from the field's argument on, empty where there is none
}

// WorkspacePayload is the answer of a mutation of a workspace.
type WorkspacePayload struct {
	Payload
	Workspace *storage.Workspace
}

// ChangedWorkspace lets @userScoped hand the workspace on to what is selected below.
func (p *WorkspacePayload) ChangedWorkspace() *storage.Workspace { return p.Workspace }

// TransferInput is the input of copyToWorkspace and moveToWorkspace: ids as clients
// have them.
type TransferInput struct {
	From, To         string
	Attacks          []string
	AttackFilter     *storage.AttackFilter
	Datasets         []string
	Generators       []string
	Converters       []string
	Scorers          []string
	Findings         []string
	DryRun           bool
	ClientMutationID *string
}

// TransferPayload is the answer of both.
type TransferPayload struct {
	WorkspacePayload
	Tables []*storage.ImportCount
	Notes  []string
}

// CreateConfiguredInput is what a generator, converter or scorer is to be.
type CreateConfiguredInput struct {
	Workspace        *string
	Name, Type       string
	Parameters       *storage.JSON
	ClientMutationID *string
}

// UpdateConfiguredInput is what one is to become.
type UpdateConfiguredInput struct {
	ID               string
	Name             *string
	Parameters       *storage.JSON
	ClientMutationID *string
}

// CloneConfiguredInput is what one is to be made of.
type CloneConfiguredInput struct {
	ID, Name         string
	ClientMutationID *string
}

// DeleteConfiguredInput is which one is to be deleted; Cascade is for generators.
type DeleteConfiguredInput struct {
	ID               string
	Cascade          bool
	ClientMutationID *string
}

// GeneratorPayload is the answer of a mutation of a generator.
type GeneratorPayload struct {
	WorkspacePayload
	Generator *storage.Generator
}

// ConverterPayload is the answer of a mutation of a converter.
type ConverterPayload struct {
	WorkspacePayload
	Converter *storage.Converter
}

// ScorerPayload is the answer of a mutation of a scorer.
type ScorerPayload struct {
	WorkspacePayload
	Scorer *storage.Scorer
}

// ModelsPayload is the answer of listGeneratorModels.
type ModelsPayload struct {
	Payload
	Models []string
}

// PartInput names a converter or scorer: one of the two is set.
type PartInput struct {
	ID     *string
	Inline *InlinePartInput
}

// InlinePartInput is a converter or scorer that is not stored.
type InlinePartInput struct {
	Type       string
	Parameters *storage.JSON
}

// StepsPayload is the answer of previewConverters.
type StepsPayload struct {
	Payload
	Steps []*ConverterStep
}

// ConverterStep is what one converter made.
type ConverterStep struct{ Type, Output string }

// VerdictPayload is the answer of previewScorer.
type VerdictPayload struct {
	Payload
	Verdict *Verdict
}

// Verdict is what a scorer says of a reply.
type Verdict struct {
	Type       storage.ScoreType
	IsTrue     *bool
	Scale      *float64
	Categories []string // never null
	Rationale  string
	RawValue   string
	Status     storage.ScoreStatus
}

// DeletePayload is the answer of a deletion.
type DeletePayload struct {
	Payload
	DeletedID *string
}

// AnnotateInput is what is to be annotated, ids as clients have them, and what is said.
type AnnotateInput struct {
	Workspace                        *string
	Attacks, Conversations, Messages []string
	AttackFilter                     *storage.AttackFilter
	Verdict                          *storage.AnnotationVerdict
	Note, Reason                     *string
	ClientMutationID                 *string
}

// AnnotatePayload is the answer of annotate.
type AnnotatePayload struct {
	WorkspacePayload
	Annotations []*storage.Annotation
	Count       int64
}

// RetractAnnotationInput is which annotation is to be retracted; Batch takes all of the
// same mutation along.
type RetractAnnotationInput struct {
	ID               string
	Batch            bool
	Reason           *string
	ClientMutationID *string
}

// RetractAnnotationPayload is the answer of retractAnnotation.
type RetractAnnotationPayload struct {
	WorkspacePayload
	Annotation *storage.Annotation
	Count      int64
}

// LabelInput is the input of setLabels and removeLabels; Value is never nil in the first.
type LabelInput struct {
	Workspace        *string
	Attacks          []string
	AttackFilter     *storage.AttackFilter
	Key              string
	Value            *string
	ClientMutationID *string
}

// LabelPayload is the answer of both.
type LabelPayload struct {
	WorkspacePayload
	Matched, Changed int64
}

// TagInput is the input of addTags and removeTags.
type TagInput struct {
	Workspace        *string
	Attacks          []string
	AttackFilter     *storage.AttackFilter
	Tags             []string
	ClientMutationID *string
}

// TaxonomyPayload is the answer of a mutation of a taxonomy.
type TaxonomyPayload struct {
	WorkspacePayload
	Taxonomy *storage.Taxonomy
}

// CreateFindingInput is what a finding is to be, evidence by ids as clients have them.
type CreateFindingInput struct {
	Workspace                        *string
	Title                            string
	Description, Assignee, TicketURL *string
	Severity                         storage.Severity
	Attacks, Messages                []string
	AttackFilter                     *storage.AttackFilter
	ClientMutationID                 *string
}

// UpdateFindingInput is what a finding is to become. What is left out stays; null, where
// it is told from that, takes away.
type UpdateFindingInput struct {
	ID               string
	Title            *string
	Description      graphql.Omittable[*string] `json:",omitzero"`
	Assignee         graphql.Omittable[*string] `json:",omitzero"`
	TicketURL        graphql.Omittable[*string] `json:",omitzero"`
	Severity         *storage.Severity
	Status           *storage.FindingStatus
	ClientMutationID *string
}

// EvidenceInput is the input of addEvidence and removeEvidence.
type EvidenceInput struct {
	ID                string
	Attacks, Messages []string
	AttackFilter      *storage.AttackFilter
	ClientMutationID  *string
}

// FindingPayload is the answer of a mutation of a finding; Count is of its evidence.
type FindingPayload struct {
	WorkspacePayload
	Finding *storage.Finding
	Count   int64
}

// FilePayload is the answer of a mutation of a file.
type FilePayload struct {
	WorkspacePayload
	File  *storage.File
	Known bool // its content was a file already
}

// FileUse is what refers to a file, which is named for its store.
type FileUse struct {
	FileID string
	storage.FileUse
}

// MemberPayload is the answer of a mutation of a member.
type MemberPayload struct {
	WorkspacePayload
	Member *storage.Member
}

// LeavePayload is the answer of leaveWorkspace.
type LeavePayload struct {
	Payload
	WorkspaceID *string
}

// APIKeyPayload is the answer of a mutation of an API key.
type APIKeyPayload struct {
	Payload
	APIKey *storage.APIKey
	Secret *string // of the answer in which the key is made only
}

// EndSessionPayload is the answer of endSession.
type EndSessionPayload struct {
	Payload
	SessionID *string
}

// EndSessionsPayload is the answer of endOtherSessions.
type EndSessionsPayload struct {
	Payload
	Ended int64
}

// UserPayload is the answer of a mutation of a user.
type UserPayload struct {
	Payload
	User *storage.User
}

// SettingPayload is the answer of setSetting.
type SettingPayload struct {
	Payload
	Setting *storage.SystemSetting
}

// AuditSubject is what a row of the audit log was about: a pointer to a user, a
// workspace or an API key of storage.
type AuditSubject any

// MoveToTrashInput is what is to be deleted: ids as clients have them.
type MoveToTrashInput struct {
	Workspace                                    *string
	Attacks, Conversations, Executions, Datasets []string
	Generators, Converters, Scorers, Findings    []string
	Annotations, Orchestrators, DatasetVersions  []string
	Files, Prices, SavedQueries, ParameterFiles  []string
	Templates, Taxonomies                        []string
	storage.DeletionFilters
	WithAttacks, All, Cascade, DryRun bool
	ClientMutationID                  *string
}

// MoveToTrashPayload is the answer of moveToTrash.
type MoveToTrashPayload struct {
	WorkspacePayload
	TrashEntry *storage.TrashEntry
	Tables     []*storage.TableUse
	InTheWay   []*storage.Obstacle
}

// TrashPayload is the answer of restoreFromTrash and purgeTrash; Entries is of the
// latter.
type TrashPayload struct {
	WorkspacePayload
	Entries int64
	Tables  []*storage.TableUse
}

// DatasetPayload is the answer of a mutation of a dataset.
type DatasetPayload struct {
	WorkspacePayload
	Dataset *storage.Dataset
}

// TransformationPayload is the answer of previewTransformation; nil without one.
type TransformationPayload struct {
	Payload
	Prompts []*storage.Prompt
	Count   *int64
}
