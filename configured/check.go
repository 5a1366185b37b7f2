package configured

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Validate tells what is wrong with a configured thing of the workspace, or with one that
// is to be made, without a call. Nothing is stored. An empty name is not checked.
func (t *Things) Validate(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, part Part, name string) ([]*storage.Problem, error) {
	c := t.check(store)
	defer c.models.close()
	if name != "" {
		if err := c.name(ctx, kind, part.Key, name); err != nil {
			return nil, err
		}
	}
	var err error
	switch {
	case kind == storage.KindGenerators && part.Key != "":
		_, err = c.generator(ctx, part.Key, "", "")
	case kind == storage.KindGenerators:
		err = c.newGenerator(part)
	case kind == storage.KindConverters:
		_, _, err = c.converter(ctx, part, "")
	default:
		_, _, err = c.scorer(ctx, part, "")
	}
	return c.problems, err
}

// check collects the problems of things that are opened and not called.
type check struct {
	things   *Things
	store    storage.UserStore
	models   *models
	problems []*storage.Problem
	// The generators that were looked at, nil for one that is not there.
	known map[string]*storage.Generator
	facts map[string]orchestrator.Generator
}

func (t *Things) check(store storage.UserStore) *check {
	return &check{
		things: t, store: store, models: t.models(store), problems: []*storage.Problem{},
		known: map[string]*storage.Generator{}, facts: map[string]orchestrator.Generator{},
	}
}

func (c *check) add(severity storage.ProblemSeverity, field, message, remedy string) {
	c.problems = append(c.problems, &storage.Problem{Severity: severity, Field: strings.Split(field, "."), Message: message, Remedy: remedy})
}

// refused adds a refusal as a problem of a field, of its own field where that is empty.
// It returns what is no refusal.
func (c *check) refused(err error, field, remedy string) error {
	if err == nil {
		return nil
	}
	problem, err := storage.ProblemOf(err, field, remedy)
	if err == nil {
		c.problems = append(c.problems, problem)
	}
	return err
}

// under is where a field of a thing stands: in the thing itself, or where it is named.
func under(named, field string) string {
	if named != "" {
		return named
	}
	return field
}

// name checks a name, and that no other thing of the kind has it.
func (c *check) name(ctx context.Context, kind storage.ConfiguredKind, key, name string) error {
	name, err := CheckName(name)
	if err != nil {
		return c.refused(err, "name", "choose another name")
	}
	exact := true
	filter := &storage.ConfiguredFilter{Name: &storage.TextMatch{Equals: &name, CaseSensitive: &exact}}
	page := storage.Page{Limit: 1}
	var taken []string
	switch kind {
	case storage.KindGenerators:
		var found *storage.Connection[storage.Generator]
		if found, err = c.store.Generators(ctx, filter, storage.NameOrder{}, page); err == nil {
			for _, one := range found.Nodes() {
				taken = append(taken, one.Key)
			}
		}
	case storage.KindConverters:
		var found *storage.Connection[storage.Converter]
		if found, err = c.store.Converters(ctx, filter, storage.NameOrder{}, page); err == nil {
			for _, one := range found.Nodes() {
				taken = append(taken, one.Key)
			}
		}
	default:
		var found *storage.Connection[storage.Scorer]
		if found, err = c.store.Scorers(ctx, filter, storage.NameOrder{}, page); err == nil {
			for _, one := range found.Nodes() {
				taken = append(taken, one.Key)
			}
		}
	}
	if len(taken) > 0 && taken[0] != key {
		c.add(storage.ProblemError, "name", "there is one of this name already", "choose another name")
	}
	return err
}

// generator checks one of the workspace, once, and returns it; nil when it is not there.
// field is where what uses it is named, and parameter what names it there; both are empty
// for the thing itself.
func (c *check) generator(ctx context.Context, key, field, parameter string) (*storage.Generator, error) {
	if known, seen := c.known[key]; seen {
		return known, nil
	}
	thing, err := Read(ctx, c.store, storage.KindGenerators, key)
	if err != nil {
		c.known[key] = nil
		if parameter != "" && storage.CodeOf(err) == storage.CodeNotFound {
			err = missing(storage.KindGenerators, key, parameter)
		}
		return nil, c.refused(err, under(field, "id"), "name a generator of the workspace")
	}
	c.known[key] = &storage.Generator{Configured: *thing}
	for _, one := range warnings(thing) {
		c.add(one.Severity, under(field, strings.Join(one.Field, ".")), one.Message, one.Remedy)
	}
	switch thing.Status {
	case storage.StatusReady:
	case StatusFailing:
		c.add(storage.ProblemWarning, under(field, "status"), "the last test of the generator failed", "look at its lastTest, mend it, and test it again")
	default:
		c.add(storage.ProblemError, under(field, "status"), "the generator is not ready: "+thing.Status, "set its credential and parameters, and test it")
	}
	model, err := c.things.Target(ctx, c.store, key)
	if err != nil {
		return c.known[key], c.refused(err, field, "change the generator's parameters")
	}
	model.Close()
	hasCredential := thing.Credential != nil && thing.Credential.IsSet
	used, err := c.things.usable(storage.KindGenerators, thing)
	if err != nil {
		return nil, err // Target would have said so
	}
	c.facts[key] = c.settings(target.TypeName(used.Type), used.Parameters, hasCredential, field)
	if thing.LastTest != nil {
		var last struct{ LatencyMs float64 }
		if json.Unmarshal([]byte(*thing.LastTest), &last) == nil {
			fact := c.facts[key]
			fact.LatencySeconds = last.LatencyMs / 1000
			c.facts[key] = fact
		}
	}
	return c.known[key], nil
}

// newGenerator checks one that is to be made.
func (c *check) newGenerator(part Part) error {
	of, err := c.things.typeOf(storage.KindGenerators, part.Type)
	if err != nil {
		return c.refused(err, "type", "use one of viewer.generatorTypes")
	}
	clean, credentials, err := split(c.store, of, part.Parameters)
	if err != nil {
		return c.refused(err, "", "pass an object")
	}
	parameters, err := storage.CanonicalJSON(clean)
	if err != nil {
		return err
	}
	if _, problems := of.Check(parameters); len(problems) > 0 {
		for _, problem := range problems {
			if err := c.refused(problem, "", "change the parameter as the message says"); err != nil {
				return err
			}
		}
		return nil
	}
	bare, err := withoutMarkers(parameters, credentials)
	if err != nil {
		return c.refused(err, "", "pass an object")
	}
	model, err := target.New(of.Name, bare, credentials, c.things.Calls)
	if err != nil {
		return c.refused(err, "", "change the parameter as the message says")
	}
	model.Close()
	c.settings(of.Name, parameters, len(credentials) > 0, "")
	return nil
}

// settings looks at what a generator's type lets pass and a call would not.
func (c *check) settings(typeName string, parameters storage.JSON, hasCredential bool, field string) orchestrator.Generator {
	var set struct {
		Endpoint, URL, Body, Method string
		SystemPrompt                string `json:"system_prompt"`
		MaxTokens                   int64  `json:"max_tokens"`
		Requests                    int64  `json:"requests_per_minute"`
		Tokens                      int64  `json:"tokens_per_minute"`
	}
	_ = json.Unmarshal([]byte(parameters), &set) // checked by its type
	if !hasCredential && (typeName == target.TypeAnthropic || typeName == target.TypeOpenAI && (set.Endpoint == "" || strings.Contains(set.Endpoint, "api.openai.com"))) {
		c.add(storage.ProblemError, under(field, "parameters.api_key"), "the generator has no credential, and its provider asks for one", "set api_key")
	}
	if typeName == target.TypeHTTPREST && !target.TakesPrompt(parameters) {
		c.add(storage.ProblemError, under(field, "parameters.body"), "the prompt stands neither in the body nor in the URL", "put {{ prompt }} where the prompt belongs")
	}
	name, address := "parameters.endpoint", set.Endpoint
	if set.URL != "" {
		name, address = "parameters.url", set.URL
	}
	if refused := c.refusedAddress(address); refused != "" {
		c.add(storage.ProblemError, under(field, name), refused, "use an address that may be called, or let an administrator allow it (serve --call-private)")
	}
	return orchestrator.Generator{
		MaxTokens: set.MaxTokens, RequestsPerMinute: set.Requests, TokensPerMinute: set.Tokens, SystemPromptOfItsOwn: set.SystemPrompt,
	}
}

// refusedAddress says why the policy refuses the address in a URL. Of a name only the
// call tells: nothing is looked up here.
func (c *check) refusedAddress(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" {
		return ""
	}
	host := strings.ToLower(strings.TrimSuffix(parsed.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	if err := c.things.Calls.Policy.Check(address); err != nil {
		return err.Error()
	}
	return ""
}

// converter checks a converter and the generators that it asks, which it returns.
func (c *check) converter(ctx context.Context, part Part, field string) (of string, asked []string, err error) {
	_, whole, err := c.models.converter(ctx, part)
	if err != nil {
		return "", nil, c.refused(err, field, "change the converter's type or parameters")
	}
	asked = askedIn(whole.Parameters)
	for _, key := range asked {
		if _, err := c.generator(ctx, key, under(field, "parameters.converter_target"), "converter_target"); err != nil {
			return "", nil, err
		}
	}
	return whole.Type, asked, nil
}

// askedIn are the generators that a converter asks, one that lies inside another too.
func askedIn(parameters storage.JSON) []string {
	var tree any
	_ = json.Unmarshal([]byte(parameters), &tree) // checked by its type
	var keys []string
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if key, named := node["converter_target"].(string); named {
				keys = append(keys, key)
			}
			for _, inner := range node {
				walk(inner)
			}
		case []any:
			for _, inner := range node {
				walk(inner)
			}
		}
	}
	walk(tree)
	slices.Sort(keys)
	return keys
}

// scorer checks a scorer and the generators that it asks, which it returns with the shape
// of its verdicts.
func (c *check) scorer(ctx context.Context, part Part, field string) (storage.ScoreType, orchestrator.Asks, error) {
	made, inside, err := c.models.scorer(ctx, part)
	asks := orchestrator.Asks{}
	if inside != nil {
		asks.Models, asks.Rubric = inside.asked, float64(inside.characters)
	}
	told := false
	for _, key := range asks.Models {
		_, seen := c.known[key]
		judge, err := c.generator(ctx, key, under(field, "parameters.chat_target"), "chat_target")
		if err != nil {
			return "", asks, err
		}
		told = told || judge == nil && !seen
	}
	if told && storage.CodeOf(err) == storage.CodeNotFound {
		return "", orchestrator.Asks{}, nil
	}
	if err != nil {
		return "", orchestrator.Asks{}, c.refused(err, field, "change the scorer's type or parameters")
	}
	return made.Type(), asks, nil
}
