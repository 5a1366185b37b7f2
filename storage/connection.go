package storage

// The pages of each noun's list, by the names that the schema binds.
type (
	AttackConnection       = Connection[Attack]
	ConversationConnection = Connection[Conversation]
	MessageConnection      = Connection[Message]
	ComponentConnection    = Connection[Component]
	GeneratorConnection    = Connection[Generator]
	ConverterConnection    = Connection[Converter]
	ScorerConnection       = Connection[Scorer]
	DatasetConnection      = Connection[Dataset]
	PromptConnection       = Connection[Prompt]
	ExecutionConnection    = Connection[Execution]
	ImportConnection       = Connection[Import]
	FindingConnection      = Connection[Finding]
	OrchestratorConnection = Connection[Orchestrator]
	PriceConnection        = Connection[Price]
	ScoreConnection        = Connection[Score]

	WorkspaceUseConnection = Connection[WorkspaceUse]
	UserConnection         = Connection[User]
	APIKeyConnection       = Connection[APIKey]
	SessionConnection      = Connection[Session]
	AuditEventConnection   = Connection[AuditEvent]
	HealthCheckConnection  = Connection[HealthCheck]
	ErrorLogConnection     = Connection[ErrorLog]
	RateLimitConnection    = Connection[RateLimit]
)

// The rows of those pages with their places.
type (
	AttackRow       = Edge[Attack]
	ConversationRow = Edge[Conversation]
	MessageRow      = Edge[Message]
	ComponentRow    = Edge[Component]
	GeneratorRow    = Edge[Generator]
	ConverterRow    = Edge[Converter]
	ScorerRow       = Edge[Scorer]
	DatasetRow      = Edge[Dataset]
	PromptRow       = Edge[Prompt]
	ExecutionRow    = Edge[Execution]
	ImportRow       = Edge[Import]
	FindingRow      = Edge[Finding]
	OrchestratorRow = Edge[Orchestrator]
	PriceRow        = Edge[Price]
	ScoreRow        = Edge[Score]

	WorkspaceUseRow = Edge[WorkspaceUse]
	UserRow         = Edge[User]
	APIKeyRow       = Edge[APIKey]
	SessionRow      = Edge[Session]
	AuditEventRow   = Edge[AuditEvent]
	HealthCheckRow  = Edge[HealthCheck]
	ErrorLogRow     = Edge[ErrorLog]
	RateLimitRow    = Edge[RateLimit]
)
