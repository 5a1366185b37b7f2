package storage

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Workspaces say whose data is whose, and who works together.
//
// Those that change something take the key of the acting user, who is a member, and
// check the role in the same transaction: CodeNotFound when the user is no member, as
// if there were no such workspace, CodeForbidden when the role does not suffice, and
// CodeConflict when the workspace is archived. Members are named by their username. A
// personal workspace is nobody else's: changing one is BAD_USER_INPUT.
type Workspaces interface {
	// WorkspaceByName returns a workspace that the user is a member of; the empty
	// name means the personal one, and where that has the name it is meant.
	// CodeNotFound for every other, CodeConflict where two shared ones have the name:
	// guessing could write one team's data to another.
	WorkspaceByName(ctx context.Context, userKey, name string) (*Workspace, error)
	// WorkspaceByKey returns a workspace by its key, if the user is a member.
	WorkspaceByKey(ctx context.Context, userKey, key string) (*Workspace, error)
	// WorkspaceByStoreKey is WorkspaceByKey by the store's random key for ids.
	WorkspaceByStoreKey(ctx context.Context, userKey, storeKey string) (*Workspace, error)
	// Workspaces are those of the user that are in use, the personal one first.
	Workspaces(ctx context.Context, userKey string) ([]*Workspace, error)
	// ArchivedWorkspaces are those of the user that no other look-up finds.
	ArchivedWorkspaces(ctx context.Context, userKey string) ([]*Workspace, error)
	// WorkspacesByKey names workspaces, archived ones too, to auditors: without the
	// file, the store's key and a role, so that none of them opens a store.
	WorkspacesByKey(ctx context.Context, keys []string) (map[string]*Workspace, error)
	// Members are listed by name, for who may see the workspace: that is decided before.
	Members(ctx context.Context, workspaceKey string) ([]*Member, error)
	MembersOf(ctx context.Context, workspaceKeys []string) (map[string][]*Member, error)
	// AllWorkspaces lists every workspace with its owner's name: for doctor and
	// administrators, who see cached figures and never contents.
	AllWorkspaces(ctx context.Context) ([]*WorkspaceUse, error)
	// ListWorkspaces is AllWorkspaces, page by page.
	ListWorkspaces(ctx context.Context, filter *WorkspaceFilter, order WorkspaceOrder, page Page) (*Connection[WorkspaceUse], error)
	// SetWorkspaceUse caches a store's key and size after it was opened or written.
	// CodeNotFound for an unknown workspace.
	SetWorkspaceUse(ctx context.Context, key, storeKey string, bytes, rows int64) error

	// CreateWorkspace makes a shared workspace that the user owns. file names its
	// store, below the data folder, by its key. CodeConflict when the user has one of
	// that name, BAD_USER_INPUT for a name that WorkspaceName refuses.
	CreateWorkspace(ctx context.Context, actor, name string, file func(workspaceKey string) string) (*Workspace, error)
	// RenameWorkspace is for owners; errors about the name as CreateWorkspace.
	RenameWorkspace(ctx context.Context, actor, workspaceKey, name string) (*Workspace, error)
	// AddMember is for owners. CodeNotFound for an unknown username, CodeConflict for
	// a member.
	AddMember(ctx context.Context, actor, workspaceKey, username string, role MemberRole) (*Member, error)
	// SetMemberRole is for owners. CodeNotFound for who is no member, CodeConflict
	// when no owner would be left.
	SetMemberRole(ctx context.Context, actor, workspaceKey, username string, role MemberRole) (*Member, error)
	// RemoveMember is for owners, and counts at once; errors as SetMemberRole.
	RemoveMember(ctx context.Context, actor, workspaceKey, username string) error
	// LeaveWorkspace is for every member, of an archived workspace too. CodeConflict
	// for the last owner.
	LeaveWorkspace(ctx context.Context, actor, workspaceKey string) error
	// TransferWorkspace makes a member the owner and the acting owner an editor.
	// CodeNotFound for who is no member.
	TransferWorkspace(ctx context.Context, actor, workspaceKey, username string) (*Workspace, error)
	// ArchiveWorkspace is for owners: no look-up finds it until UnarchiveWorkspace.
	ArchiveWorkspace(ctx context.Context, actor, workspaceKey string) (*Workspace, error)
	// UnarchiveWorkspace is for owners. CodeConflict when its name is taken by now.
	UnarchiveWorkspace(ctx context.Context, actor, workspaceKey string) (*Workspace, error)
}

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
	// ArchivedAt is set while the workspace is out of use.
	ArchivedAt *time.Time
}

// WorkspaceUse is a workspace with the figures that an administrator may see.
type WorkspaceUse struct {
	Workspace
	Owner     string
	Bytes     int64
	Rows      int64
	LastWrite *int64 // Unix seconds
}

// Member is a user in a workspace.
type Member struct {
	UserKey  string
	Username string
	Role     MemberRole
	AddedAt  time.Time
}

// Valid tells whether it is one of the roles.
func (r MemberRole) Valid() bool {
	return r == MemberOwner || r == MemberEditor || r == MemberViewer
}

// maxWorkspaceName is in characters.
const maxWorkspaceName = 64

// WorkspaceName trims and normalises (NFC) a name for a shared workspace, so that
// what looks the same is the same. BAD_USER_INPUT for one that is empty, too long or
// holds what cannot be seen.
func WorkspaceName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", BadInput("name", "the name is not valid UTF-8: write it with printable characters")
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	if length := utf8.RuneCountInString(name); length == 0 || length > maxWorkspaceName {
		return "", BadInput("name", "a workspace's name must have 1 to %d characters, not %d", maxWorkspaceName, length)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) { // control and format characters; no space but U+0020
			return "", BadInput("name", "the name holds %U, which cannot be seen: write it with printable characters", r)
		}
	}
	return name, nil
}

// WorkspaceFilter narrows a list of workspaces; nil fields do not.
type WorkspaceFilter struct {
	Kind     *WorkspaceKind
	Archived *bool
}

// WorkspaceOrderField is what a list of workspaces can be ordered by.
type WorkspaceOrderField string

// The orders of workspaces.
const (
	WorkspaceOrderCreatedAt WorkspaceOrderField = "CREATED_AT"
	WorkspaceOrderName      WorkspaceOrderField = "NAME"
	WorkspaceOrderBytes     WorkspaceOrderField = "BYTES"
	WorkspaceOrderRows      WorkspaceOrderField = "ROWS"
	WorkspaceOrderLastWrite WorkspaceOrderField = "LAST_WRITE" // never written: the lowest
)

// WorkspaceOrder orders a list of workspaces.
type WorkspaceOrder struct {
	Field     WorkspaceOrderField
	Direction Direction
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

// FacetValue is a value of a dimension with the number of rows that have it.
type FacetValue struct {
	Value *string // null: the rows without a value
	Count int64
}

// Facet is a dimension that a filter bar can offer.
type Facet string

// The dimensions of facets; each is a field of the filter of its noun.
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

	FacetPurpose      Facet = "PURPOSE"
	FacetDataType     Facet = "DATA_TYPE"
	FacetFinishReason Facet = "FINISH_REASON"
	FacetSeverity     Facet = "SEVERITY"
	FacetStatus       Facet = "STATUS"
	FacetAssignee     Facet = "ASSIGNEE"
	FacetAuthor       Facet = "AUTHOR"
	FacetType         Facet = "TYPE"

	FacetOrigin           Facet = "ORIGIN"
	FacetOrchestratorType Facet = "ORCHESTRATOR_TYPE"
	FacetStartedBy        Facet = "STARTED_BY"
)
