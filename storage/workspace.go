package storage

import "time"

// WorkspaceKind says whose a workspace is.
type WorkspaceKind string

// The kinds of workspaces.
const (
	WorkspacePersonal WorkspaceKind = "PERSONAL"
	WorkspaceShared   WorkspaceKind = "SHARED"
)

// MemberRole is what a member may do in a workspace.
type MemberRole string

// The roles of members.
const (
	MemberOwner  MemberRole = "OWNER"
	MemberEditor MemberRole = "EDITOR"
	MemberViewer MemberRole = "VIEWER"
)

// Workspace is whose data a user store holds. Key is the owner_id of its rows.
type Workspace struct {
	Key       string // UUIDv7
	Kind      WorkspaceKind
	Name      string
	File      string // of the user store, below the data folder
	Role      MemberRole
	StoreKey  string // the user store's random key, hex; empty before its first use
	CreatedAt time.Time
}

// Member is a user in a workspace.
type Member struct {
	Username string
	Role     MemberRole
}

// StorageUse is the size of a user store.
type StorageUse struct {
	Bytes  int64
	Tables []*TableUse
}

// TableUse is the number of rows of one table.
type TableUse struct {
	Name string
	Rows int64
}

// FacetValue is a value of a dimension with the number of attacks that have it.
type FacetValue struct {
	Value *string // null: the attacks without a value
	Count int64
}

// Facet is a dimension of attacks that a filter bar can offer.
type Facet string

// The dimensions of facets; each is a filter of AttackFilter.
const (
	FacetOutcome       Facet = "OUTCOME"
	FacetOutcomeSource Facet = "OUTCOME_SOURCE"
	FacetAttackClass   Facet = "ATTACK_CLASS"
	FacetTechnique     Facet = "TECHNIQUE"
	FacetTarget        Facet = "TARGET"
	FacetModel         Facet = "MODEL"
	FacetGenerator     Facet = "GENERATOR"
	FacetDataset       Facet = "DATASET"
	FacetHarmCategory  Facet = "HARM_CATEGORY"
	FacetTag           Facet = "TAG"
	FacetProbe         Facet = "PROBE"
	FacetIntent        Facet = "INTENT"
	FacetConverter     Facet = "CONVERTER"
	FacetChain         Facet = "CONVERTER_CHAIN"
	FacetScorer        Facet = "SCORER"
	FacetLabel         Facet = "LABEL" // key=value
	FacetExecution     Facet = "EXECUTION"
	FacetSource        Facet = "SOURCE"
	FacetErrorType     Facet = "ERROR_TYPE"
	FacetResponseError Facet = "RESPONSE_ERROR"
	FacetRole          Facet = "ROLE"
	FacetTurns         Facet = "TURNS"
)
