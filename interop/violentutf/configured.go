package violentutf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/interop/pyrit"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// configured reads generators, converters and scorers, which look alike. Their row
// ids are kept: parameters and sessions name them.
func (im *importer) configured(kind storage.ConfiguredKind) func(context.Context, *row) (string, error) {
	return func(ctx context.Context, r *row) (string, error) {
		id := r.take("id").String
		if id == "" {
			return "rows without an id", nil
		}
		c := storage.StagedConfigured{Kind: kind}
		c.Key, c.SourceID, c.Source = id, id, storage.SourceViolentUTF
		c.Name, c.Type = r.take("name").String, r.take("type").String
		c.Status = r.take("status").String
		parameters, credentials, err := im.parameters(r)
		if err != nil {
			return "", err
		}
		c.Parameters = parameters
		if len(credentials) > 0 {
			plain, err := json.Marshal(credentials)
			if err != nil {
				return "", fmt.Errorf("seal credentials of %s: %w", r.table, err)
			}
			if c.Sealed, err = im.stage.Seal(kind, id, string(plain)); err != nil {
				return "", err
			}
			c.LastFour = lastFour(credentials)
		}
		if test := r.take("test_results"); test.Valid {
			c.LastTest = im.testResults(test.String)
		}
		c.CreatedAt, c.UpdatedAt = im.time(r, "created_at"), im.time(r, "updated_at")
		c.Attributes = im.rest(r)
		return "", im.stage.AddConfigured(ctx, &c)
	}
}

// parameters takes the credentials out of a row's parameters: pointer -> value.
func (im *importer) parameters(r *row) (storage.JSON, map[string]string, error) {
	text := r.take("parameters").String
	if strings.TrimSpace(text) == "" || text == "null" {
		return "{}", nil, nil
	}
	tree, isObject := decode(text).(map[string]any)
	if !isObject {
		im.notes[r.table+": rows whose parameters are no JSON object keep them as a text"]++
		return *im.testResults(text), nil, nil
	}
	clean, found := secret.Extract(tree)
	credentials := make(map[string]string, len(found))
	for _, c := range found {
		im.stage.Scrub(c.Value)
		credentials[c.Path] = c.Value
	}
	made, err := storage.CanonicalJSON(clean)
	return made, credentials, err
}

// lastFour helps a person to tell keys apart where there is just one.
func lastFour(credentials map[string]string) string {
	if len(credentials) != 1 {
		return ""
	}
	for _, value := range credentials {
		return secret.LastFour(value)
	}
	return ""
}

// dataset reads datasets; the metadata stays an attribute.
func (im *importer) dataset(ctx context.Context, r *row) (string, error) {
	id := r.take("id").String
	if id == "" {
		return "rows without an id", nil
	}
	d := storage.StagedDataset{Dataset: storage.Dataset{
		Key: id, Source: storage.SourceViolentUTF, SourceID: id,
		Name: r.take("name").String, SourceType: r.take("source_type").String, Format: "violentutf",
		Configuration: "{}", Tags: []string{}, Status: r.take("status").String,
	}}
	if configuration := im.document(r.take("configuration").String); configuration != nil {
		d.Configuration = *configuration
	}
	d.CreatedAt, d.UpdatedAt = im.time(r, "created_at"), im.time(r, "updated_at")
	d.Attributes = im.rest(r)
	return "", im.stage.AddDataset(ctx, &d)
}

// prompt reads dataset_prompts.
func (im *importer) prompt(ctx context.Context, r *row) (string, error) {
	id, dataset := r.take("id").String, r.take("dataset_id").String
	switch {
	case id == "":
		return "rows without an id", nil
	case dataset == "":
		return "rows without a dataset", nil
	}
	p := storage.StagedPrompt{Dataset: dataset, DatasetSource: storage.SourceViolentUTF}
	p.Source, p.SourceID = storage.SourceViolentUTF, id
	p.Text = r.take("prompt_text").String
	p.Hash, p.SeedType, p.DataType = storage.TextHash(p.Text), "prompt", "text"
	p.HarmCategories = []string{}
	p.Index = r.number - 1
	if index, err := json.Number(r.take("prompt_index").String).Int64(); err == nil {
		p.Index = index
	} else {
		delete(r.taken, "prompt_index")
	}
	p.Metadata = im.document(r.take("metadata").String)
	p.CreatedAt = im.time(r, "created_at")
	p.Attributes = im.rest(r)
	return "", im.stage.AddPrompt(ctx, &p)
}

// session reads saved UI state.
func (im *importer) session(ctx context.Context, r *row) (string, error) {
	id := r.take("id").String
	if id == "" {
		return "rows without an id", nil
	}
	s := storage.StagedSession{
		Source: storage.SourceViolentUTF, SourceID: id, SessionKey: r.take("session_key").String, Body: "{}",
	}
	if body := im.document(r.take("session_data").String); body != nil {
		s.Body = *body
	}
	s.CreatedAt, s.UpdatedAt = im.time(r, "created_at"), im.time(r, "updated_at")
	if expires, ok := pyrit.ParseTime(r.take("expires_at").String); ok {
		s.ExpiresAt = &expires
	} else {
		delete(r.taken, "expires_at")
	}
	s.Attributes = im.rest(r)
	return "", im.stage.AddSession(ctx, &s)
}

// document is a JSON column without credentials; nothing for null, and a JSON string
// for a text that is no JSON.
func (im *importer) document(text string) *storage.JSON {
	if strings.TrimSpace(text) == "" || text == "null" {
		return nil
	}
	made, err := storage.CanonicalJSON(im.tree(text))
	if err != nil {
		return nil // texts and decoded JSON always encode
	}
	return &made
}

// tree decodes a JSON object or list without its credentials. Any other text stays
// one.
func (im *importer) tree(text string) any {
	decoded := decode(text)
	switch decoded.(type) {
	case map[string]any, []any:
		clean, found := secret.Extract(map[string]any{"": decoded})
		for _, c := range found {
			im.stage.Scrub(c.Value)
		}
		return clean[""]
	}
	return text
}

// testResults may quote a credential in an error message, where nothing names it.
func (im *importer) testResults(text string) *storage.JSON {
	if strings.TrimSpace(text) == "" || text == "null" {
		return nil
	}
	made, err := storage.CanonicalJSON(im.patterns(im.tree(text)))
	if err != nil {
		return nil // texts and decoded JSON always encode
	}
	return &made
}

// patterns cleans the texts inside a tree of what looks like a credential.
func (im *importer) patterns(value any) any {
	switch v := value.(type) {
	case string:
		clean, found := secret.CleanPatterns(v)
		for _, credential := range found {
			im.stage.Scrub(credential)
		}
		return clean
	case []any:
		for i := range v {
			v[i] = im.patterns(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = im.patterns(v[name])
		}
	}
	return value
}

// decode reads a JSON document with its numbers as they are written; nil if the text
// is none.
func decode(text string) any {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil || decoder.More() {
		return nil
	}
	return tree
}
