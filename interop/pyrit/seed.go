package pyrit

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// idSpace is the UUID namespace of rows that have no UUID of their own.
var idSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("violentutf:pyrit"))

// Key is the UUID of a row that PyRIT knows by a name: the same in every import.
func Key(kind, sourceID string) string {
	return uuid.NewSHA1(idSpace, []byte(kind+"\n"+sourceID)).String()
}

// noDataset is the dataset of seeds that belong to none.
const noDataset = "(no dataset)"

// readSeeds reads SeedPromptEntries, a dataset per dataset_name. Datasets are few:
// their names and lengths stay in memory.
func (im *importer) readSeeds(ctx context.Context, t *table) error {
	t.place("id", "value", "value_sha256", "data_type", "name", "dataset_name", "harm_categories",
		"date_added", "prompt_metadata", "parameters", "prompt_group_id", "sequence", "role", "seed_type")
	lengths := map[string]int64{}
	return im.scan(ctx, t, func(r *row) (string, error) {
		if r.text("id") == "" {
			return "rows without an id", nil
		}
		dataset := orElse(r.text("dataset_name"), noDataset)
		p := storage.StagedPrompt{Dataset: dataset, DatasetSource: storage.SourcePyRIT}
		p.Source, p.SourceID = storage.SourcePyRIT, r.id("id")
		var extras []extra
		p.CreatedAt, extras = im.time(r, "date_added")
		length, known := lengths[dataset]
		if !known {
			d := storage.StagedDataset{Dataset: storage.Dataset{
				Key: Key("dataset", dataset), Source: storage.SourcePyRIT, SourceID: dataset, Name: dataset,
				SourceType: "seeds", Format: "pyrit", Configuration: "{}", Tags: []string{}, Status: "ready",
				CreatedAt: p.CreatedAt, UpdatedAt: p.CreatedAt,
			}}
			if err := im.stage.AddDataset(ctx, &d); err != nil {
				return "", err
			}
		}
		p.Index = length
		lengths[dataset] = length + 1
		p.SeedType = seedType(r)
		if role := r.text("role"); role != "" {
			p.Role = pointer(strings.ToUpper(role))
		}
		p.Name = r.optional("name")
		p.Text, p.DataType = r.text("value"), orElse(r.text("data_type"), "text")
		if p.Hash = r.text("value_sha256"); p.Hash == "" {
			p.Hash = storage.TextHash(p.Text)
		}
		p.HarmCategories = im.list(r.text("harm_categories"))
		p.Parameters, p.Metadata = document(r.text("parameters")), document(r.text("prompt_metadata"))
		p.GroupID = pointer(r.id("prompt_group_id"))
		if p.Sequence = r.integer("sequence"); p.Sequence == nil && r.text("sequence") != "" {
			extras = append(extras, extra{"sequence", quote(r.text("sequence"))})
		}
		p.Attributes = im.attributes(r, extras...)
		return "", im.stage.AddPrompt(ctx, &p)
	})
}

// seedType is what a seed is for. 0.10 told objectives from prompts by a flag alone,
// which 0.11 to 0.14 write beside the type.
func seedType(r *row) string {
	if objective := r.text("is_objective"); objective == "1" || strings.EqualFold(objective, "true") {
		return orElse(r.text("seed_type"), "objective")
	}
	return orElse(r.text("seed_type"), "prompt")
}

// readEmbeddings reads EmbeddingData, whose ids are those of messages.
func (im *importer) readEmbeddings(ctx context.Context, t *table) error {
	t.place("id", "embedding", "embedding_type_name")
	return im.scan(ctx, t, func(r *row) (string, error) {
		e := storage.StagedEmbedding{
			Source: storage.SourcePyRIT, Message: r.id("id"), Model: orElse(r.text("embedding_type_name"), "unknown"),
		}
		if e.Message == "" {
			return "rows without an id", nil
		}
		if json.Unmarshal([]byte(r.text("embedding")), &e.Vector) != nil || len(e.Vector) == 0 {
			return "rows whose embedding is no list of numbers", nil
		}
		if im.attributes(r) != nil { // an embedding has none: columns of a later version
			if err := im.addRaw(ctx, r, rawKey(r)); err != nil {
				return "", err
			}
		}
		return "", im.stage.AddEmbedding(ctx, &e)
	})
}

// readScenarios reads ScenarioResultEntries: runs, and, until 0.14, which
// conversations belong to them. The whole row stays a raw record too.
func (im *importer) readScenarios(ctx context.Context, t *table) error {
	return im.scan(ctx, t, func(r *row) (string, error) {
		if err := im.addRaw(ctx, r, rawKey(r)); err != nil || r.text("id") == "" {
			return "", err
		}
		e := storage.Execution{
			Key: Key("execution", r.id("id")), Origin: storage.OriginImported,
			Source: storage.SourcePyRIT, SourceID: r.id("id"),
			Name: orElse(r.text("scenario_name"), "Scenario"), Error: r.optional("error_message"),
		}
		e.Orchestrator = pointer(r.text("scenario_name"))
		switch strings.ToUpper(r.text("scenario_run_state")) {
		case "FAILED":
			e.Status = storage.ExecutionFailed
		case "CANCELLED", "CANCELED":
			e.Status = storage.ExecutionCancelled
		case "", "COMPLETED", "SUCCEEDED":
			e.Status = storage.ExecutionSucceeded
		default: // CREATED, IN_PROGRESS: whoever ran it is gone
			e.Status, e.Partial = storage.ExecutionCancelled, true
		}
		if finished, ok := ParseTime(r.text("completion_time")); ok {
			e.FinishedAt = &finished
		}
		e.Configuration = document(im.clean(orElse(r.json("scenario_init_data"), r.json("scenario_identifier"))))
		var results map[string][]string
		if json.Unmarshal([]byte(r.text("attack_results_json")), &results) == nil {
			for _, conversations := range results {
				for _, conversation := range conversations {
					if err := im.stage.Append(ctx, "raw_scenarios", e.SourceID, conversation); err != nil {
						return "", err
					}
				}
			}
		}
		return "", im.stage.AddExecution(ctx, &e)
	})
}
