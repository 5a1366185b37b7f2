package pyrit

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// cacheEntries and cacheText bound every cache: an entry of a longer key is not
// kept, and a full cache starts anew.
const (
	cacheEntries = 4096
	cacheText    = 16 << 10
)

// cache remembers what was made of texts that come again and again.
type cache[V any] struct {
	made map[string]V
	size int
}

func newCache[V any]() *cache[V] { return &cache[V]{made: map[string]V{}} }

func (c *cache[V]) get(key string) (V, bool) {
	v, found := c.made[key]
	return v, found
}

func (c *cache[V]) put(key string, value V) {
	if len(key) > cacheText {
		return
	}
	if c.size += len(key); len(c.made) >= cacheEntries || c.size > cacheEntries*1024 {
		clear(c.made)
		c.size = len(key)
	}
	c.made[key] = value
}

// caches of one import.
type caches struct {
	attributes  *cache[*storage.JSON]
	cleaned     *cache[string]
	components  *cache[described] // by kind and identifier
	lists       *cache[[]string]
	pairs       *cache[map[string]string]
	chains      *cache[chain]
	metadata    *cache[metadata]
	attacks     *cache[*strategy]
	facts       *cache[struct{}] // what raw_facts already has
	identifiers *cache[string]   // hash -> identifier JSON, of the identifier tables
	atomics     *cache[struct{}] // atomic identifiers kept as raw records
	media       *cache[medium]   // by path
}

func newCaches() caches {
	return caches{
		attributes:  newCache[*storage.JSON](),
		cleaned:     newCache[string](),
		components:  newCache[described](),
		lists:       newCache[[]string](),
		pairs:       newCache[map[string]string](),
		chains:      newCache[chain](),
		metadata:    newCache[metadata](),
		attacks:     newCache[*strategy](),
		facts:       newCache[struct{}](),
		identifiers: newCache[string](),
		atomics:     newCache[struct{}](),
		media:       newCache[medium](),
	}
}

// timeLayouts are tried in order: SQLAlchemy's own, then what a hand or another
// tool may have written. Fractions are optional in all of them.
var timeLayouts = []string{
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02",
}

// ParseTime reads a time; without a zone it is UTC, as PyRIT writes it.
func ParseTime(text string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// time reads a row's time. A time that cannot be read is never fatal: the row takes
// the time of the row before it and keeps the text as an attribute.
func (im *importer) time(r *row, column string) (time.Time, []extra) {
	value := r.get(column)
	if t, ok := ParseTime(value.String); ok {
		im.clock = t
		return t, nil
	}
	im.note(r.t.name + ": rows without a readable " + column + " took the time of the row before")
	if !value.Valid {
		return im.clock, nil
	}
	return im.clock, []extra{{column, quote(value.String)}}
}

// dashed gives a UUID its dashes: EmbeddingData.id has none, other ids have.
func dashed(id string) string {
	if len(id) != 32 || strings.Trim(id, "0123456789abcdefABCDEF") != "" {
		return id
	}
	id = strings.ToLower(id)
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func (r *row) id(column string) string { return dashed(r.text(column)) }

func (r *row) integer(column string) *int64 {
	return parseInteger(r.text(column))
}

func parseInteger(text string) *int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &n
	}
	// SQLite keeps whatever was written: 3.0 is a whole number too.
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		n := int64(f)
		return &n
	}
	return nil
}

func (r *row) optional(column string) *string {
	if v := r.get(column); v.Valid {
		return &v.String
	}
	return nil
}

// list is the package's list, remembered.
func (im *importer) list(text string) []string {
	made, found := im.known.lists.get(text)
	if !found {
		made = list(text)
		im.known.lists.put(text, made)
	}
	return made
}

// labels is pairs, remembered.
func (im *importer) labels(text string) map[string]string {
	made, found := im.known.pairs.get(text)
	if !found {
		made = pairs(text)
		im.known.pairs.put(text, made)
	}
	return made
}

// list reads a JSON list of texts, or one text as it was before lists.
func list(text string) []string {
	texts := []string{}
	if text == "" || text == "null" {
		return texts
	}
	var items []any
	if json.Unmarshal([]byte(text), &items) != nil {
		var one string
		if json.Unmarshal([]byte(text), &one) == nil {
			text = one
		}
		if text == "" {
			return texts
		}
		return append(texts, text)
	}
	for _, item := range items {
		switch v := item.(type) {
		case string:
			texts = append(texts, v)
		case nil:
		default:
			raw, _ := json.Marshal(v) // it was JSON a moment ago
			texts = append(texts, string(raw))
		}
	}
	return texts
}

// document is a JSON column for the model: NULL and null are nothing, and a text
// that is no JSON becomes a JSON string.
func document(text string) *storage.JSON {
	if text == "" || text == "null" {
		return nil
	}
	if !json.Valid([]byte(text)) {
		text = quote(text)
	}
	doc := storage.JSON(text)
	return &doc
}

// pairs reads the labels of a row, in no order.
func pairs(text string) map[string]string {
	if text == "" || text == "null" || text == "{}" {
		return nil
	}
	var values map[string]any
	if json.Unmarshal([]byte(text), &values) != nil {
		return nil
	}
	labels := make(map[string]string, len(values))
	for key, value := range values {
		if s, isText := value.(string); isText {
			labels[key] = s
			continue
		}
		raw, _ := json.Marshal(value) // it was JSON a moment ago
		labels[key] = string(raw)
	}
	return labels
}

// null is a value for a temporary table: nil for the empty text.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func pointer(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
