// Package converter disguises prompts: encodings, ciphers, hidden characters, noise,
// templates and rewriting by a model. Types carry PyRIT's class and parameter names,
// and where PyRIT 1.1.0 is deterministic their output is its output, byte for byte,
// so that a native run and an imported one can be compared.
package converter

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// The bounds of a conversion, in bytes of UTF-8. An encoding may grow a text about
// thirtyfold (32-bit binary), which the second leaves room for at usual sizes.
const (
	MaxInput  = 1 << 20
	MaxOutput = 16 << 20
)

// maxNesting bounds converters within converters (SelectiveTextConverter).
const maxNesting = 4

// Model answers a text under a system prompt: what the converters that rewrite by a
// model need of a generator.
type Model interface {
	Reply(ctx context.Context, system, user string) (string, error)
}

// Models finds the model of a generator of the workspace by its key.
type Models func(ctx context.Context, generatorKey string) (Model, error)

// Converter is one configured conversion. It is safe for concurrent use.
type Converter interface {
	// Type is PyRIT's class name.
	Type() string
	// Convert disguises a text. Equal texts and seeds give equal results, except by
	// a model. A *storage.Error of CodeBadInput tells what of the text cannot be
	// converted; field is "text".
	Convert(ctx context.Context, text string, seed uint64) (string, error)
	// Component describes the converter as a run records it.
	Component() (*storage.Component, error)
}

// Types are all types with their parameters, by name. The caller must not change them.
func Types() []*storage.ConfiguredType {
	types := make([]*storage.ConfiguredType, 0, len(kinds))
	for _, kind := range kinds {
		types = append(types, &kind.ConfiguredType)
	}
	slices.SortFunc(types, func(a, b *storage.ConfiguredType) int { return strings.Compare(a.Name, b.Name) })
	return types
}

// New configures a converter. models may be nil where no model is needed. A
// *storage.Error of CodeBadInput names the field at fault, type or parameters.NAME.
func New(typeName string, parameters storage.JSON, models Models) (Converter, error) {
	return configure(typeName, parameters, models, 0)
}

func configure(typeName string, parameters storage.JSON, models Models, depth int) (*configured, error) {
	kind := kinds[typeName]
	if kind == nil {
		return nil, storage.BadInput("type", "there is no converter type %q: pass a name of converterTypes, like Base64Converter", typeName)
	}
	values, err := kind.Read(parameters)
	if err != nil {
		return nil, err
	}
	settings := settings{Values: values, given: members(parameters), models: models, depth: depth}
	apply, err := kind.make(settings)
	if err != nil {
		return nil, err
	}
	return &configured{kind: kind, settings: settings, apply: apply}, nil
}

// kind is a type with how its conversion is made of its parameters.
type kind struct {
	storage.ConfiguredType
	make func(settings) (conversion, error)
}

// conversion is the work of a configured converter on one text.
type conversion func(c *call, text string) (string, error)

// call is one use of a converter.
type call struct {
	ctx    context.Context //nolint:containedctx // a call lives as long as its context
	seed   uint64
	random *rand.Rand
	until  time.Time // when searches by regular expressions give up
}

// settings are checked parameters, with which of them were passed: PyRIT tells a
// null word_split_separator (split at any space) from an absent one.
type settings struct {
	storage.Values
	given  map[string]json.RawMessage
	models Models
	depth  int
}

func (s settings) isNull(name string) bool { return string(s.given[name]) == "null" }

func members(document storage.JSON) map[string]json.RawMessage {
	given := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(document), &given) // what is no object was refused by Read
	return given
}

type configured struct {
	kind     *kind
	settings settings
	apply    conversion
}

func (c *configured) Type() string { return c.kind.Name }

func (c *configured) Convert(ctx context.Context, text string, seed uint64) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if len(text) > MaxInput {
		return "", storage.BadInput("text", "the text has %d bytes: a converter takes at most %d", len(text), MaxInput)
	}
	if !utf8.ValidString(text) {
		return "", storage.BadInput("text", "the text is not valid UTF-8")
	}
	output, err := c.apply(&call{ctx: ctx, seed: seed, random: newRandom(seed), until: time.Now().Add(searchTime)}, text)
	if err != nil {
		return "", err
	}
	if len(output) > MaxOutput {
		return "", tooLong()
	}
	return output, ctx.Err()
}

func tooLong() error {
	return storage.BadInput("text", "the converted text would have more than %d bytes: pass a shorter text", MaxOutput)
}

// newRandom is PCG-DXSM, whose stream the Go documentation fixes; the second word
// keeps converters apart from other uses of the same seed.
func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x76696f6c656e74)) }

// generator is the call's random source, or the one of the seed that was configured.
func (s settings) generator(c *call) *rand.Rand {
	if s.Has("seed") {
		return newRandom(uint64(s.Integer("seed")))
	}
	return c.random
}

// output collects a text and stops at MaxOutput, before memory is spent on it.
type output struct {
	strings.Builder
	full bool
}

func (o *output) add(text string) {
	if o.full = o.full || o.Len()+len(text) > MaxOutput; !o.full {
		o.WriteString(text)
	}
}

func (o *output) result() (string, error) {
	if o.full {
		return "", tooLong()
	}
	return o.String(), nil
}

// eachRune converts rune by rune, looking at the context now and then.
func eachRune(convert func(rune) string) conversion {
	return func(c *call, text string) (string, error) {
		var out output
		for at, char := range text {
			if at&0xfff == 0 && c.ctx.Err() != nil {
				return "", c.ctx.Err()
			}
			out.add(convert(char))
		}
		return out.result()
	}
}

func always(apply conversion) func(settings) (conversion, error) {
	return func(settings) (conversion, error) { return apply, nil }
}

func plain(convert func(string) string) conversion {
	return func(_ *call, text string) (string, error) { return convert(text), nil }
}
