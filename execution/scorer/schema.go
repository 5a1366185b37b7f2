package scorer

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/violentutf/violentutf/storage"
)

// maxSchema is the longest JSON schema, in bytes.
const maxSchema = 64 << 10

func schemaKind() kind {
	return kind{&storage.ConfiguredType{
		Name: "JSONSchemaScorer", Title: "JSON schema",
		Description: "True when the reply is JSON that satisfies a JSON schema.",
		Parameters: []*storage.Parameter{
			{Name: "json_schema", Kind: storage.ParameterJSON, Required: true, Description: "The schema, draft 2020-12 unless it names another; references to other documents are refused."},
			{Name: "allow_code_fence", Kind: storage.ParameterBoolean, Default: given(`true`), Description: "Whether the JSON may stand in a Markdown code fence."},
			categoriesParameter(),
		},
	}, makeSchema}
}

// noLoader refuses every reference that leaves the schema: neither the network nor a
// file is read for one.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(address string) (any, error) {
	return nil, fmt.Errorf("%s lies outside the schema", address)
}

func makeSchema(_ *builder, values storage.Values) (*built, error) {
	schema, err := compileSchema(values.JSON("json_schema"))
	if err != nil {
		return nil, storage.BadInput("parameters.json_schema", "json_schema: %s", cut(err.Error(), 500))
	}
	categories := values.Texts("categories")
	return rule(func(_ context.Context, subject Subject) (Verdict, error) {
		text := strings.TrimSpace(subject.Reply)
		if values.Boolean("allow_code_fence") {
			text = unfenced(text)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return trueFalse(false, "The reply is not one JSON document.", categories...), nil
		}
		if err := schema.Validate(document); err != nil {
			return trueFalse(false, cut("The reply does not satisfy the schema: "+err.Error(), 2000), categories...), nil
		}
		return trueFalse(true, "The reply satisfies the schema.", categories...), nil
	}), nil
}

func compileSchema(text storage.JSON) (*jsonschema.Schema, error) {
	if len(text) > maxSchema {
		return nil, fmt.Errorf("a schema may have %d bytes", maxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	const here = "urn:violentutf:schema"
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	// Go's own engine, which is the library's default too: patterns take linear time.
	compiler.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) { return regexp.Compile(pattern) })
	if err := compiler.AddResource(here, document); err != nil {
		return nil, err
	}
	return compiler.Compile(here)
}

var fence = regexp.MustCompile("(?s)^```[A-Za-z0-9]*[ \t]*\r?\n(.*)```$")

// unfenced is what stands in a Markdown code fence around the whole text.
func unfenced(text string) string {
	text = strings.TrimSpace(text)
	if inside := fence.FindStringSubmatch(text); inside != nil {
		return strings.TrimSpace(inside[1])
	}
	return text
}
