package userstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// Rows of a version whose prompts are all new are written as they come: their places and
// numbers count up. Nothing is staged, so that memory does not grow with a file; other
// writers of the store wait meanwhile.

var streamedPrompts = []string{
	"owner_id", "prompt_no", "dataset_id", "version", "source", "source_id", "position", "seed_type", "role", "name", "text", "data_type",
	"harm_categories", "parameters", "metadata", "sha256", "group_id", "sequence", "created_at",
}

var streamedMembers = []string{"owner_id", "dataset_id", "version", "position", "prompt_no", "origin_no"}

// stream writes the version with all prompts that next gives.
func (w *versionWriter) stream(ctx context.Context, next storage.NextPrompt) (_ *storage.DatasetVersion, err error) {
	if w.bulk, err = w.store.engine.Bulk(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.bulk.Close()) }()
	var version *storage.DatasetVersion
	err = w.bulk.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := w.begin(ctx, tx); err != nil {
			return err
		}
		if version, err = w.streamRows(ctx, tx, next); err != nil {
			return err
		}
		if w.allowed != nil { // after what takes long
			if err := w.allowed(ctx); err != nil {
				return err
			}
		}
		return w.store.raiseRevision(ctx, tx)
	})
	return version, err
}

func (w *versionWriter) streamRows(ctx context.Context, tx *sql.Tx, next storage.NextPrompt) (*storage.DatasetVersion, error) {
	version, first, err := w.version(ctx, tx)
	if err != nil {
		return nil, err
	}
	harms := map[string]bool{}
	for {
		p, err := next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && (p.Number != 0 || p.Replaces != 0) {
			err = errors.New("a prompt of the base version among new ones alone")
		}
		if err == nil {
			err = w.streamPrompt(ctx, p, version, first+version.PromptCount, harms)
		}
		if err != nil {
			return nil, err
		}
		version.PromptCount++
	}
	if err := w.bulk.Flush(ctx); err != nil {
		return nil, err
	}
	version.HarmCategories = append([]string{}, slices.Sorted(maps.Keys(harms))...)
	return version, w.finish(ctx, tx, version, version.PromptCount)
}

func (w *versionWriter) streamPrompt(ctx context.Context, p *storage.Prompt, version *storage.DatasetVersion, number int64, harms map[string]bool) error {
	s := w.store
	text := storableText(p.Text)
	sum := sha256.Sum256([]byte(text))
	own := make([]string, len(p.HarmCategories))
	for i, harm := range p.HarmCategories {
		own[i] = storableText(harm)
		harms[own[i]] = true
	}
	// The id of a prompt has to be the only one of all workspaces, for copies.
	id := fmt.Sprintf("%s/%d", w.key, number)
	if err := w.bulk.AppendStored(ctx, "dataset_prompts", streamedPrompts, s.owner, number, w.key, version.Number, string(storage.SourceNative), id,
		version.PromptCount, storableText(orText(p.SeedType, "prompt")), storableOr(p.Role), storableOr(p.Name), text,
		storableText(orText(p.DataType, "text")), own, storableOr((*string)(p.Parameters)), storableOr((*string)(p.Metadata)),
		hex.EncodeToString(sum[:]), storableOr(p.GroupID), known(p.Sequence), version.CreatedAt); err != nil {
		return err
	}
	return w.bulk.AppendStored(ctx, "dataset_members", streamedMembers, s.owner, w.key, version.Number, version.PromptCount, number, number)
}
