package house

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// copied at once: some thousand messages in memory, whatever is copied in all.
const attacksAtOnce = 200

// Copy copies what is selected into another workspace, all or nothing: attacks with
// their conversations, messages, scores, labels, media, components, runs and the
// datasets that their prompts are of; datasets; configured things without their
// credentials. Identity is (source, source id), as it is for files, so copying again
// adds what is new, and the copy stands among the target's imports. Whether the caller
// may is decided before; a dry run counts.
//
// A configured thing that the target has already is left as it is, for its credential
// was set there. What belongs to no attack stays behind: most judges' chats, and records
// of a run for which the model has no table.
func (h *House) Copy(ctx context.Context, from, to *storage.Workspace, what storage.Selection, dryRun bool) (*storage.Import, error) {
	imp, _, err := h.copy(ctx, from, to, what, dryRun)
	return imp, err
}

// Move copies what is selected and then deletes it where it was. A crash between the
// two leaves both, and moving again ends it. Errors of a deletion that cannot be come
// after the copy: CodeConflict for a dataset that attacks came from, and for a workspace
// that was written to while it was copied.
func (h *House) Move(ctx context.Context, from, to *storage.Workspace, what storage.Selection, dryRun bool) (*storage.Import, error) {
	source, err := h.OpenWorkspace(ctx, from)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	revision, err := source.Revision(ctx)
	if err != nil {
		return nil, err
	}
	imp, copied, err := h.copy(ctx, from, to, what, dryRun)
	if err != nil || dryRun {
		return imp, err
	}
	if err := source.Delete(ctx, copied, revision); err != nil {
		return nil, err
	}
	return imp, h.noteChange(ctx, from, source)
}

func (h *House) copy(ctx context.Context, from, to *storage.Workspace, what storage.Selection, dryRun bool) (_ *storage.Import, copied storage.Selection, err error) {
	switch {
	case from.Key == to.Key:
		return nil, copied, storage.BadInput("to", "this is the workspace that the things are in: name another one")
	case what.Empty():
		return nil, copied, storage.BadInput("attacks", "nothing is selected: name attacks, datasets, generators, converters or scorers, or pass a filter")
	}
	source, err := h.OpenWorkspace(ctx, from)
	if err != nil {
		return nil, copied, err
	}
	defer source.Close()
	target, err := h.OpenWorkspace(ctx, to)
	if err != nil {
		return nil, copied, err
	}
	defer target.Close()
	stage, err := target.NewStage(ctx, cleanAlready{})
	if err != nil {
		return nil, copied, err
	}
	defer stage.Close()
	c := &copying{
		source: source, target: target, stage: stage, to: to.Key, files: h.Files, dryRun: dryRun,
		components: map[string]bool{}, executions: map[string]string{}, datasets: map[string]bool{},
	}
	if err := c.all(ctx, what); err != nil {
		return nil, copied, fmt.Errorf("copy between workspaces: %w", err)
	}
	imp := &storage.Import{
		Tool: storage.SourceNative, Format: "copy", FileName: "workspace " + from.Name, DryRun: dryRun,
		StartedAt: time.Now().UTC().Truncate(time.Microsecond), Notes: c.notes,
	}
	if err := stage.Commit(ctx, imp, nil); err != nil {
		return nil, copied, err
	}
	if imp.Key != "" && !dryRun {
		err = h.noteChange(ctx, to, target)
	}
	return imp, c.done, err
}

// cleanAlready is the guard of rows that passed one when they were imported.
type cleanAlready struct{}

func (cleanAlready) Add(string) {}

func (cleanAlready) Clean(text string) (string, bool) { return text, false }

func (cleanAlready) Seal(string, string, string) (string, error) {
	return "", errors.New("a copy has no credential to seal")
}

// copying is one copy under way.
type copying struct {
	source, target storage.UserStore
	stage          storage.Stage
	to             string // key of the target
	files          contents
	dryRun         bool

	components map[string]bool   // staged, by hash
	executions map[string]string // source id of staged ones, by key
	datasets   map[string]bool   // staged, by key
	notes      []string
	done       storage.Selection // what was staged, by keys alone
}

// contents keeps the media of workspaces.
type contents interface {
	Copy(ctx context.Context, file *storage.File, to string) error
}

func (c *copying) all(ctx context.Context, what storage.Selection) error {
	if err := c.configured(ctx, what); err != nil {
		return err
	}
	c.done.Datasets = what.Datasets
	if err := c.addDatasets(ctx, what.Datasets); err != nil {
		return err
	}
	for start := 0; start < len(what.Attacks); start += attacksAtOnce {
		numbers := what.Attacks[start:min(start+attacksAtOnce, len(what.Attacks))]
		found, err := c.source.AttacksByNumber(ctx, numbers)
		if err != nil {
			return err
		}
		attacks := make([]*storage.Attack, 0, len(found))
		for _, number := range numbers {
			if attack := found[number]; attack != nil {
				attacks = append(attacks, attack)
			}
		}
		if err := c.addAttacks(ctx, attacks); err != nil {
			return err
		}
	}
	if what.Filter == nil {
		return nil
	}
	byNumber := storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}
	for page := (storage.Page{Limit: attacksAtOnce}); ; {
		list, err := c.source.Attacks(ctx, what.Filter, byNumber, page)
		if err != nil {
			return err
		}
		if err := c.addAttacks(ctx, list.Nodes()); err != nil {
			return err
		}
		if !list.PageInfo.HasNextPage {
			return nil
		}
		page.After = *list.PageInfo.EndCursor
	}
}

// configured stages generators, converters and scorers without credentials.
func (c *copying) configured(ctx context.Context, what storage.Selection) error {
	generators, err := c.source.GeneratorsByKey(ctx, what.Generators)
	if err != nil {
		return err
	}
	there, err := c.target.GeneratorsByKey(ctx, what.Generators)
	if err != nil {
		return err
	}
	for key, generator := range generators {
		if err := c.addConfigured(ctx, storage.KindGenerators, &generator.Configured, there[key] != nil); err != nil {
			return err
		}
		c.done.Generators = append(c.done.Generators, key)
	}
	converters, err := c.source.ConvertersByKey(ctx, what.Converters)
	if err != nil {
		return err
	}
	convertersThere, err := c.target.ConvertersByKey(ctx, what.Converters)
	if err != nil {
		return err
	}
	for key, converter := range converters {
		if err := c.addConfigured(ctx, storage.KindConverters, &converter.Configured, convertersThere[key] != nil); err != nil {
			return err
		}
		c.done.Converters = append(c.done.Converters, key)
	}
	scorers, err := c.source.ScorersByKey(ctx, what.Scorers)
	if err != nil {
		return err
	}
	scorersThere, err := c.target.ScorersByKey(ctx, what.Scorers)
	if err != nil {
		return err
	}
	for key, scorer := range scorers {
		if err := c.addConfigured(ctx, storage.KindScorers, &scorer.Configured, scorersThere[key] != nil); err != nil {
			return err
		}
		c.done.Scorers = append(c.done.Scorers, key)
	}
	return nil
}

// statusWithoutCredential is what a copy of a thing with a credential says of itself.
const statusWithoutCredential = "credential_missing"

func (c *copying) addConfigured(ctx context.Context, kind storage.ConfiguredKind, row *storage.Configured, there bool) error {
	if there {
		c.notes = append(c.notes, fmt.Sprintf("%s %q is there already and was left as it is", kind, row.Name))
		return nil
	}
	staged := &storage.StagedConfigured{Configured: *row, Kind: kind}
	if row.Credential != nil && row.Credential.IsSet {
		staged.Status = statusWithoutCredential
		c.notes = append(c.notes, fmt.Sprintf("%s %q was copied without its credential: set one", kind, row.Name))
	}
	return c.stage.AddConfigured(ctx, staged)
}

// addDatasets stages datasets with their prompts, each once.
func (c *copying) addDatasets(ctx context.Context, keys []string) error {
	var fresh []string
	for _, key := range keys {
		if !c.datasets[key] {
			c.datasets[key] = true
			fresh = append(fresh, key)
		}
	}
	found, err := c.source.DatasetsByKey(ctx, fresh)
	if err != nil {
		return err
	}
	for _, key := range fresh {
		dataset := found[key]
		if dataset == nil {
			continue
		}
		if err := c.stage.AddDataset(ctx, &storage.StagedDataset{Dataset: *dataset}); err != nil {
			return err
		}
		if err := c.addPrompts(ctx, dataset); err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) addPrompts(ctx context.Context, dataset *storage.Dataset) error {
	for page := (storage.Page{Limit: storage.MaxPageSize}); ; {
		lists, err := c.source.PromptsByDataset(ctx, []string{dataset.Key}, nil, page)
		if err != nil {
			return err
		}
		list := lists[dataset.Key]
		for _, prompt := range list.Nodes() {
			if err := c.stage.AddPrompt(ctx, &storage.StagedPrompt{Prompt: *prompt, Dataset: dataset.SourceID, DatasetSource: dataset.Source}); err != nil {
				return err
			}
		}
		if !list.PageInfo.HasNextPage {
			return nil
		}
		page.After = *list.PageInfo.EndCursor
	}
}
