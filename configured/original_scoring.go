package configured

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

var originalConverters = map[string]reading{
	"CaesarCipherConverter": renamed("CaesarConverter"),
	"MorseCodeConverter":    renamed("MorseConverter"),
	"UnicodeConverter":      renamed("UnicodeSubstitutionConverter"),
	"VariationConverter":    readVariation, "PromptVariationConverter": readVariation,
	"SearchReplaceConverter": readSearchReplace,
}

// readVariation leaves out the list of variations, which nothing of the original reads.
func readVariation(p tree) (string, error) {
	delete(p, "variations")
	if _, there := p["converter_target"]; !there {
		return "", storage.BadInput("parameters.converter_target", "converter_target: the original kept no generator for it: name the one whose model rewrites the text")
	}
	return "VariationConverter", nil
}

// readSearchReplace reads literal texts, which are patterns here.
func readSearchReplace(p tree) (string, error) {
	if old, ok := p.take("old_value").(string); ok {
		p.preset("pattern", regexp.QuoteMeta(old))
	}
	if made, ok := p.take("new_value").(string); ok {
		p["replace"] = strings.ReplaceAll(made, `\`, `\\`)
	}
	p.preset("replace", "") // an empty text was taken for none
	return "SearchReplaceConverter", nil
}

var originalScorers = map[string]reading{
	"SubStringScorer":        readSubString,
	"SelfAskTrueFalseScorer": readTrueFalse,
	"SelfAskLikertScorer":    readLikert,
	"SelfAskScaleScorer":     readScale,
	"SelfAskCategoryScorer":  readCategory,
	"CompositeScorer":        readComposite, "TrueFalseCompositeScorer": readComposite,
	"FloatScaleThresholdScorer": readWrapped("FloatScaleThresholdScorer"),
	"TrueFalseInverterScorer":   readWrapped("TrueFalseInverterScorer"),
}

func readSubString(p tree) (string, error) {
	if category, ok := p["category"].(string); ok {
		p["category"] = []any{category}
	}
	p.rename("category", "categories")
	return "SubStringScorer", nil
}

// readTrueFalse reads the question, a text or the members that PyRIT gives it.
func readTrueFalse(p tree) (string, error) {
	switch question := asObject(p.take("true_false_question")).(type) {
	case map[string]any:
		for _, name := range []string{"true_description", "false_description", "category"} {
			if value, ok := question[name].(string); ok && value != "" {
				p.preset(name, value)
			}
		}
	case string:
		p.preset("true_description", question)
	}
	return "SelfAskTrueFalseScorer", nil
}

// readLikert reads a question with the ends of its scale; here that is a scale whose ends
// are described.
func readLikert(p tree) (string, error) {
	question, ok := p.take("likert_scale_question").(string)
	if !ok {
		return "SelfAskLikertScorer", nil // PyRIT's, which describes each step
	}
	p.rename("scale_min", "minimum_value")
	p.rename("scale_max", "maximum_value")
	describe(p, question)
	return "SelfAskScaleScorer", nil
}

func readScale(p tree) (string, error) {
	switch given := asObject(p.take("scale_arguments")).(type) {
	case nil:
	case map[string]any:
		for name, value := range given {
			p.preset(name, value)
		}
	default:
		return "", storage.BadInput("parameters.scale_arguments", `scale_arguments: they are no object: write {"minimum_value": 1, "minimum_description": "...", "maximum_value": 5, "maximum_description": "..."}, or leave them out`)
	}
	if question, ok := p.take("scale_question").(string); ok {
		describe(p, question)
	}
	return "SelfAskScaleScorer", nil
}

// describe says what the ends of a scale mean for a question.
func describe(p tree, question string) {
	p.preset("minimum_description", "The answer to this is: not at all. "+question)
	p.preset("maximum_description", "The answer to this is: fully. "+question)
}

// readCategory reads a question and names of categories; none of them is one more.
func readCategory(p tree) (string, error) {
	question, _ := p.take("category_question").(string)
	if _, there := p["content_classifier"]; there {
		return "SelfAskCategoryScorer", nil
	}
	const none = "none"
	categories, known := []any{}, false
	names := p.take("categories")
	if text, ok := names.(string); ok {
		names = []any{}
		for _, name := range strings.Split(text, ",") {
			names = append(names.([]any), strings.TrimSpace(name))
		}
	}
	list, _ := names.([]any)
	for _, one := range list {
		name, ok := one.(string)
		if !ok || name == "" {
			return "", storage.BadInput("parameters.categories", `categories: they are no list of names: write them, or a content_classifier in their place`)
		}
		known = known || name == none
		categories = append(categories, map[string]any{"name": name, "description": strings.TrimSpace(question + " " + name)})
	}
	if !known {
		categories = append(categories, map[string]any{"name": none, "description": "No other category fits."})
	}
	p["content_classifier"] = map[string]any{"no_category_found": none, "categories": categories}
	return "SelfAskCategoryScorer", nil
}

// readComposite reads how verdicts are combined: of true and false, the least is all of
// them and the greatest is any.
func readComposite(p tree) (string, error) {
	logic, given := p.take("combination_logic").(string)
	by := map[string]string{"min": "AND", "and": "AND", "max": "OR", "or": "OR", "majority": "MAJORITY"}
	switch made := by[strings.ToLower(logic)]; {
	case made != "":
		p.preset("aggregator", made)
	case given:
		return "", storage.BadInput("parameters.combination_logic", "combination_logic: %q of true and false decides nothing here: set it to min (all), max (any) or majority", storage.Plain(logic, 40))
	}
	return "TrueFalseCompositeScorer", nil
}

// readWrapped reads a scorer around another one, of which there is a list here.
func readWrapped(name string) reading {
	return func(p tree) (string, error) {
		if inner, ok := p["scorer"].(string); ok {
			p["scorer"] = []any{inner}
		}
		return name, nil
	}
}

// asObject is the object that a text holds as JSON, or the value itself.
func asObject(value any) any {
	if text, ok := value.(string); ok {
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) == nil && object != nil {
			return object
		}
	}
	return value
}
