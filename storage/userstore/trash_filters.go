package userstore

import "github.com/violentutf/violentutf/storage"

// chosenBy is a filter by which rows of a table are chosen for the trash.
type chosenBy struct {
	argument    string
	from, alias string // what where speaks of
	// where is the condition; empty where the filter is not given.
	where func(q *query, f *storage.DeletionFilters) string
}

// filters are the filters of lists, by table.
var filters = map[string]chosenBy{
	"attacks": {"attackFilter", "attacks a", "a", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.AttackFilter, deep(attackFilter))
	}},
	"conversations": {"conversationFilter", "conversations c", "c", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.ConversationFilter, deep(conversationFilter))
	}},
	"execution_plans": {"executionFilter", "execution_plans e", "e", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.ExecutionFilter, executionFilter)
	}},
	"datasets": {"datasetFilter", "datasets d", "d", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.DatasetFilter, deep(datasetFilter))
	}},
	"generators": {"generatorFilter", "generators g", "g", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.GeneratorFilter, configuredFilter)
	}},
	"converters": {"converterFilter", "converters g", "g", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.ConverterFilter, configuredFilter)
	}},
	"scorers": {"scorerFilter", "scorers g", "g", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.ScorerFilter, configuredFilter)
	}},
	"orchestrators": {"orchestratorFilter", "orchestrators o", "o", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.OrchestratorFilter, orchestratorFilter)
	}},
	"findings": {"findingFilter", "findings f", "f", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.FindingFilter, findingFilter)
	}},
	"files": {"fileFilter", describedFiles, "f", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.FileFilter, fileFilter)
	}},
	"saved_queries": {"savedQueryFilter", "saved_queries k", "k", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.SavedQueryFilter, savedQueryFilter)
	}},
	"parameter_files": {"parameterFileFilter", "parameter_files k", "k", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.ParameterFileFilter, parameterFileFilter)
	}},
	"templates": {"templateFilter", "templates k", "k", func(q *query, f *storage.DeletionFilters) string {
		return ifGiven(q, f.TemplateFilter, templateFilter)
	}},
}

func ifGiven[F any](q *query, f *F, where func(*query, *F) string) string {
	if f == nil {
		return ""
	}
	return where(q, f)
}

// deep is a filter that may hold others.
func deep[F any](where func(*query, *F, int) string) func(*query, *F) string {
	return func(q *query, f *F) string { return where(q, f, 1) }
}
