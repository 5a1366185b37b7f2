package house

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// attacksAtOnce and messagesAtOnce bound what a copy has in memory, whatever is copied.
const (
	attacksAtOnce  = 200
	messagesAtOnce = 1000
	ranksAtOnce    = 10_000
)

// Copy copies what is selected into another workspace, all or nothing: attacks with
// their conversations, messages, scores, labels, media, components, runs and the
// datasets that their prompts are of, with what people said of them, and with the attacks
// that they branch from or repeat; findings with the attacks that show them; datasets;
// configured things without their credentials. All is read as it was
// at one moment. Identity is (source, source id), as it is for files, so copying again
// adds what is new, and the copy stands among the target's imports. A dry run counts.
// CodeConflict while another copy or move of the same user is under way.
//
// A configured thing that the target has already is left as it is, for its credential
// was set there. What belongs to no attack stays behind: most judges' chats, and records
// of a run for which the model has no table.
func (h *House) Copy(ctx context.Context, t storage.Transfer) (*storage.Import, error) {
	imp, _, err := h.transfer(ctx, t, false)
	return imp, err
}

// Move copies what is selected and then deletes it where it was. A crash between the
// two leaves both, and moving again ends it. What the selected attacks branch from or
// repeat is copied and stays; so do configured things whose credential is set, because
// it is not copied, and those that the target had already.
//
// CodeConflict without anything done when what would stay refers to what would go; and
// with an Import when the copy was made, but the deletion was refused because the
// workspace was written to meanwhile or the right to it ended.
func (h *House) Move(ctx context.Context, t storage.Transfer) (*storage.Import, error) {
	imp, done, err := h.transfer(ctx, t, true)
	if err != nil || t.DryRun {
		return imp, err
	}
	source, err := h.OpenWorkspace(ctx, t.From)
	if err != nil {
		return imp, err
	}
	defer source.Close()
	if err := source.Delete(ctx, done.moved, done.revision, t.Allowed); err != nil {
		return imp, err
	}
	return imp, h.noteChange(ctx, t.From, source)
}

// transferred is what a copy leaves for the deletion of a move.
type transferred struct {
	moved    storage.Selection // by keys alone
	revision int64             // of the source, as it was read
}

func (h *House) transfer(ctx context.Context, t storage.Transfer, move bool) (_ *storage.Import, _ *transferred, err error) {
	switch {
	case t.From.Key == t.To.Key:
		return nil, nil, storage.BadInput("to", "this is the workspace that the things are in: name another one")
	case t.What.Empty():
		return nil, nil, storage.BadInput("attacks", "nothing is selected: name attacks, datasets, generators, converters or scorers, or pass a filter")
	}
	if _, busy := h.transfers.LoadOrStore(t.Actor, true); busy {
		return nil, nil, storage.Errorf(storage.CodeConflict, "another copy or move of yours is under way: wait for its end")
	}
	defer h.transfers.Delete(t.Actor)
	live, err := h.OpenWorkspace(ctx, t.From)
	if err != nil {
		return nil, nil, err
	}
	defer live.Close()
	source, err := live.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer source.Close()
	revision, err := source.Revision(ctx)
	if err != nil {
		return nil, nil, err
	}
	target, err := h.OpenWorkspace(ctx, t.To)
	if err != nil {
		return nil, nil, err
	}
	defer target.Close()
	stage, err := target.NewStage(ctx, cleanAlready{})
	if err != nil {
		return nil, nil, err
	}
	defer stage.Close()
	held := h.Files.Hold()
	defer held.Release()
	c := &copying{
		source: source, target: target, stage: stage, to: t.To.Key, files: h.Files, held: held, dryRun: t.DryRun, move: move,
		components: map[string]bool{}, executions: map[string]string{}, datasets: map[string]bool{},
	}
	if err := c.all(ctx, t.What); err != nil {
		return nil, nil, fmt.Errorf("copy between workspaces: %w", err)
	}
	imp := &storage.Import{
		Tool: storage.SourceNative, Format: "copy", FileName: "workspace " + t.From.Name, DryRun: t.DryRun,
		StartedAt: time.Now().UTC().Truncate(time.Microsecond), Notes: c.notes,
	}
	stage.KeepConfigured()
	stage.Require(t.Allowed)
	if err := stage.Commit(ctx, imp, nil); err != nil {
		return nil, nil, err
	}
	if imp.Key != "" && !t.DryRun {
		err = h.noteChange(ctx, t.To, target)
	}
	return imp, &transferred{c.moved, revision}, err
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
	source, target storage.UserStore // the source as it was at one moment
	stage          storage.Stage
	to             string // key of the target
	files          contents
	held           *files.Holding // media that rows of the target will name
	dryRun, move   bool

	components map[string]bool   // staged, by hash
	executions map[string]string // source id of staged ones, by key
	datasets   map[string]bool   // staged, by key
	findings   []string          // staged, by key
	notes      []string
	moved      storage.Selection // what a move deletes, by keys alone
}

// contents keeps the media of workspaces.
type contents interface {
	Copy(ctx context.Context, file *storage.File, to string, held *files.Holding) error
}

func (c *copying) all(ctx context.Context, what storage.Selection) error {
	chosen, err := c.chosen(ctx, what)
	if err != nil {
		return err
	}
	c.moved.Attacks, c.moved.Datasets, c.moved.Findings = chosen, what.Datasets, what.Findings
	if c.move {
		// Before anything is done.
		if err := c.source.CheckDelete(ctx, c.moved); err != nil {
			return err
		}
	}
	for _, of := range []struct {
		kind  storage.ConfiguredKind
		keys  []string
		moved *[]string
	}{
		{storage.KindGenerators, what.Generators, &c.moved.Generators},
		{storage.KindConverters, what.Converters, &c.moved.Converters},
		{storage.KindScorers, what.Scorers, &c.moved.Scorers},
	} {
		if *of.moved, err = c.addConfigured(ctx, of.kind, of.keys); err != nil {
			return err
		}
	}
	if err := c.addDatasets(ctx, what.Datasets); err != nil {
		return err
	}
	shown, err := c.addFindings(ctx, what.Findings)
	if err != nil {
		return err
	}
	along, err := c.along(ctx, chosen, shown)
	if err != nil {
		return err
	}
	for numbers := range slices.Chunk(along, attacksAtOnce) {
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
	if len(c.findings) > 0 {
		if err := c.addEvidence(ctx); err != nil {
			return err
		}
	}
	return c.stageRanks(ctx)
}

// chosen are the numbers of the attacks that are selected and there, each once.
func (c *copying) chosen(ctx context.Context, what storage.Selection) ([]int64, error) {
	chosen := map[int64]bool{}
	for numbers := range slices.Chunk(what.Attacks, storage.MaxPageSize) {
		found, err := c.source.AttacksByNumber(ctx, numbers)
		if err != nil {
			return nil, err
		}
		for number := range found {
			chosen[number] = true
		}
	}
	byNumber := storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}
	numbersOnly := c.source.Reading(storage.Fields{})
	for page := (storage.Page{Limit: storage.MaxPageSize}); what.Filter != nil; {
		list, err := numbersOnly.Attacks(ctx, what.Filter, byNumber, page)
		if err != nil {
			return nil, err
		}
		for _, attack := range list.Nodes() {
			chosen[attack.Number] = true
		}
		if !list.PageInfo.HasNextPage {
			break
		}
		page.After = *list.PageInfo.EndCursor
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// along are the chosen attacks, those that show the chosen findings, and all that they
// refer to, directly or not: without those their branches, repeated messages and objective
// scores would lead nowhere.
func (c *copying) along(ctx context.Context, chosen, shown []int64) ([]int64, error) {
	all := map[int64]bool{}
	for _, number := range chosen {
		all[number] = true
	}
	for _, number := range shown {
		all[number] = true
	}
	if more := len(all) - len(chosen); more > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%d attacks were taken along because they show the selected findings", more))
	}
	selected := slices.Sorted(maps.Keys(all))
	for fresh := selected; len(fresh) > 0; {
		referred, err := c.source.AttacksReferredTo(ctx, fresh)
		if err != nil {
			return nil, err
		}
		fresh = nil
		for _, number := range referred {
			if !all[number] {
				all[number] = true
				fresh = append(fresh, number)
			}
		}
	}
	if more := len(all) - len(selected); more > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%d attacks were taken along because the selected ones branch from them, repeat them or have a score of theirs", more))
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// stageRanks gives the staged rows the ranks that the source remembers, so that a copy
// of less sets nothing fuller back.
func (c *copying) stageRanks(ctx context.Context) error {
	for last := (storage.SourceRank{}); ; {
		ranks, err := c.source.SourceRanks(ctx, last, ranksAtOnce)
		if err != nil {
			return err
		}
		for _, rank := range ranks {
			if err := c.stage.AddRank(ctx, rank); err != nil {
				return err
			}
		}
		if len(ranks) < ranksAtOnce {
			return nil
		}
		last = *ranks[len(ranks)-1]
	}
}

// statusWithoutCredential is what a copy of a thing with a credential says of itself.
const statusWithoutCredential = "credential_missing"

// addConfigured stages generators, converters or scorers without credentials, and tells
// which of them a move may delete: not those whose credential is set, for nobody else
// has it, and not those that the target had already, which may differ.
func (c *copying) addConfigured(ctx context.Context, kind storage.ConfiguredKind, keys []string) (moved []string, err error) {
	noun := strings.TrimSuffix(string(kind), "s")
	rows, err := c.configured(ctx, kind, keys)
	if err != nil {
		return nil, err
	}
	identities := make([]storage.SourceIdentity, len(rows))
	for i, row := range rows {
		identities[i] = storage.SourceIdentity{Source: row.Source, SourceID: row.SourceID}
	}
	there, err := c.target.KnownConfigured(ctx, kind, identities)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		staged := &storage.StagedConfigured{Configured: *row, Kind: kind}
		hasCredential := row.Credential != nil && row.Credential.IsSet
		switch {
		case there[identities[i]]:
			c.notes = append(c.notes, fmt.Sprintf("the %s %q is there already and was left as it is", noun, row.Name))
		case hasCredential:
			staged.Status = statusWithoutCredential
			c.notes = append(c.notes, fmt.Sprintf("the %s %q was copied without its credential: set one in its parameters", noun, row.Name))
		default:
			moved = append(moved, row.Key)
		}
		if c.move && (there[identities[i]] || hasCredential) {
			c.notes = append(c.notes, fmt.Sprintf("the %s %q was not deleted where it was", noun, row.Name))
		}
		if err := c.stage.AddConfigured(ctx, staged); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// configured reads generators, converters or scorers, in the order of the keys.
func (c *copying) configured(ctx context.Context, kind storage.ConfiguredKind, keys []string) ([]*storage.Configured, error) {
	found, err := c.source.ConfiguredByKey(ctx, kind, keys)
	var rows []*storage.Configured
	for _, key := range keys {
		if row := found[key]; row != nil {
			rows = append(rows, row)
			delete(found, key) // named twice is once
		}
	}
	return rows, err
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
