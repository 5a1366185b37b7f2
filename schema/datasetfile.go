package schema

import "github.com/violentutf/violentutf/storage"

// FileFormat is a format of files that prompts can be read from, in capitals.
type FileFormat string

// PromptField is a field of a prompt that a file can fill.
type PromptField string

// The fields that a file can fill.
const (
	PromptFieldText           PromptField = "TEXT"
	PromptFieldSeedType       PromptField = "SEED_TYPE"
	PromptFieldRole           PromptField = "ROLE"
	PromptFieldName           PromptField = "NAME"
	PromptFieldDataType       PromptField = "DATA_TYPE"
	PromptFieldHarmCategories PromptField = "HARM_CATEGORIES"
	PromptFieldParameters     PromptField = "PARAMETERS"
	PromptFieldMetadata       PromptField = "METADATA"
	PromptFieldGroupID        PromptField = "GROUP_ID"
	PromptFieldSequence       PromptField = "SEQUENCE"
)

// FieldMapping says where a field comes from, both ways.
type FieldMapping struct {
	Field     PromptField
	Column    *string
	Constant  *string
	Separator *string
	Also      []string
}

// FileReject is a row of a file that is no prompt.
type FileReject struct {
	Line, Column int64
	Field        *string
	Reason       string
}

// FilePreview is what a file would become. Its lists are never null.
type FilePreview struct {
	FileName                 string
	Format                   FileFormat
	Columns                  []string
	Mapping                  []*FieldMapping
	Prompts                  []*storage.Prompt
	Rejects                  []*FileReject
	PromptCount, RejectCount int64
}

// PreviewFilePayload is the answer of previewDatasetFile.
type PreviewFilePayload struct {
	WorkspacePayload
	Preview *FilePreview
}

// DatasetFilePayload is the answer of mutations that make a dataset, or a version of one,
// of a file or of a list that comes with the program.
type DatasetFilePayload struct {
	WorkspacePayload
	Dataset                  *storage.Dataset
	PromptCount, RejectCount int64
	Rejects                  []*FileReject
}

// NativeDataset is a list that comes with the program, or a slot. Its lists are never
// null.
type NativeDataset struct {
	Name, Title, Description string
	Available                bool
	Version                  *int64
	License                  string
	HarmCategories           []string
	PromptCount              int
	Source                   *string
	Format                   *FileFormat
	Columns                  []string
	Mapping                  []*FieldMapping
}
