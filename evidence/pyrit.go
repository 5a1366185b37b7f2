package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/quote"
	"github.com/violentutf/violentutf/storage"
)

// rebuilt are the converters of PyRIT 1.1.0 that make the same of a text whenever they
// are asked, without a model, with the arguments that say how: their constructors take
// them under the names under which an identifier records them.
var rebuilt = map[string][]string{
	"AsciiSmugglerConverter": {"action", "unicode_tags"}, "AtbashConverter": {"append_description"}, "Base2048Converter": nil,
	"Base64Converter": {"encoding_func"}, "BidiConverter": {"scheme"}, "BinAsciiConverter": {"encoding_func"}, "BrailleConverter": nil,
	"CaesarConverter": {"caesar_offset", "append_description"}, "CharacterSpaceConverter": nil, "EcojiConverter": nil,
	"FirstLetterConverter": {"letter_separator"}, "FlipConverter": nil, "JsonStringConverter": nil, "MorseConverter": {"append_description"},
	"NatoConverter": nil, "ROT13Converter": nil, "StringJoinConverter": {"join_value"}, "SuffixAppendConverter": {"suffix"},
	"SuperscriptConverter": nil, "TatweelConverter": {"tatweel_count"}, "UnicodeReplacementConverter": {"encode_spaces"},
	"UnicodeSubstitutionConverter": {"start_value"}, "UrlConverter": nil, "VigenereConverter": {"key", "append_description"},
	"ZeroWidthConverter": nil,
}

// required are arguments without which a converter cannot be made.
var required = map[string]string{"CaesarConverter": "caesar_offset", "SuffixAppendConverter": "suffix", "VigenereConverter": "key"}

// pyrit is a script for PyRIT 1.1.0. It sends the user turns one after the other, so
// that the replies are new; a turn whose converters cannot be rebuilt exactly is sent as
// it was recorded.
func (r *replay) pyrit() string {
	var names, systems, turns []string
	for _, turn := range r.turns[:r.last+1] {
		switch {
		case len(turn.pieces) == 0:
		case turn.role == storage.RoleSystem || turn.role == storage.RoleDeveloper:
			for _, piece := range turn.pieces {
				systems = append(systems, piece.ConvertedValue)
			}
		case turn.role == storage.RoleUser:
			text, used := r.pythonTurn(turn)
			turns, names = append(turns, text), append(names, used...)
		}
	}
	slices.Sort(names)
	var out strings.Builder
	for _, note := range append(r.notes(), "For PyRIT 1.1.0. Set API_KEY first.") {
		out.WriteString("# " + note + "\n")
	}
	for _, which := range []struct{ missing, name string }{{r.endpoint, "ENDPOINT"}, {r.model, "MODEL"}} {
		if which.missing == "" {
			out.WriteString("# The target's " + strings.ToLower(which.name) + " is not known: set " + which.name + ".\n")
		}
	}
	out.WriteString("import asyncio\nimport os\nimport uuid\n\n")
	if names = slices.Compact(names); len(names) > 0 {
		out.WriteString("from pyrit.converter import " + strings.Join(names, ", ") + "\n")
	}
	out.WriteString(imports)
	out.WriteString("SYSTEM_PROMPT = " + python(strings.Join(systems, "\n\n")) + "\n\n\n")
	out.WriteString("def turns():\n    # The texts of a turn, and what converts them.\n    return [\n" + strings.Join(turns, "") + "    ]\n\n\n")
	out.WriteString("def target():\n    return OpenAIChatTarget(\n" + r.pythonTarget() + "    )\n\n\n")
	out.WriteString(sending)
	return out.String()
}

const imports = `from pyrit.models import Message, MessagePiece
from pyrit.prompt_normalizer import ConverterConfiguration, PromptNormalizer
from pyrit.prompt_target import OpenAIChatTarget
from pyrit.setup import IN_MEMORY, initialize_pyrit_async

`

const sending = `async def main():
    await initialize_pyrit_async(memory_db_type=IN_MEMORY)
    chat, normalizer, conversation_id = target(), PromptNormalizer(), str(uuid.uuid4())
    if SYSTEM_PROMPT:
        chat.set_system_prompt(system_prompt=SYSTEM_PROMPT, conversation_id=conversation_id)
    for texts, converters in turns():
        pieces = [MessagePiece(role="user", original_value=text, conversation_id=conversation_id) for text in texts]
        reply = await normalizer.send_prompt_async(
            message=Message(message_pieces=pieces),
            target=chat,
            conversation_id=conversation_id,
            request_converter_configurations=ConverterConfiguration.from_converters(converters=converters),
        )
        print("USER", [piece.converted_value for piece in pieces], "ASSISTANT", reply.get_values())


asyncio.run(main())
`

// pythonTurn is an element of the list of turns, and the converters that it names.
func (r *replay) pythonTurn(turn turn) (text string, used []string) {
	var texts, made []string
	// Converters belong to a piece; several pieces may have different ones.
	if only := turn.pieces[0]; len(turn.pieces) == 1 && only.OriginalDataType == "text" {
		for _, converter := range converters(r.thread, only) {
			call, ok := construct(converter)
			if !ok {
				made = nil
				break
			}
			made, used = append(made, call), append(used, converter.ClassName)
		}
		if len(made) > 0 {
			return "        ([" + python(only.OriginalValue) + "], [" + strings.Join(made, ", ") + "]),\n", used
		}
	}
	note := ""
	for _, piece := range turn.pieces {
		texts = append(texts, python(piece.ConvertedValue))
		if applied := converters(r.thread, piece); len(applied) > 0 {
			note = "        # As it was recorded after " + quote.OneLine(chain(applied)) + ".\n"
		}
	}
	return note + "        ([" + strings.Join(texts, ", ") + "], []),\n", nil
}

// construct is the Python call that makes a converter as it was; false where it is not
// certain that it would do the same.
func construct(converter *storage.Component) (string, bool) {
	allowed, known := rebuilt[converter.ClassName]
	var recorded map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(converter.Parameters)))
	decoder.UseNumber()
	if !known || decoder.Decode(&recorded) != nil {
		return "", false
	}
	var arguments []string
	for name, value := range recorded {
		switch {
		case name == "supported_input_types" || name == "supported_output_types":
		case name == "word_selection_strategy" && value == "AllWordsSelectionStrategy":
		case name == "word_split_separator" && value == " ":
		case slices.Contains(allowed, name):
			literal, ok := pythonScalar(value)
			if !ok {
				return "", false
			}
			arguments = append(arguments, name+"="+literal)
		default:
			return "", false
		}
	}
	if needed := required[converter.ClassName]; needed != "" && recorded[needed] == nil {
		return "", false
	}
	sort.Strings(arguments)
	return converter.ClassName + "(" + strings.Join(arguments, ", ") + ")", true
}

func (r *replay) pythonTarget() string {
	argument := func(name, value string) string { return "        " + name + "=" + value + ",\n" }
	endpoint, model := python(r.endpoint), python(r.model)
	if r.endpoint == "" {
		endpoint = `os.environ["ENDPOINT"]`
	}
	if r.model == "" {
		model = `os.environ["MODEL"]`
	}
	text := argument("endpoint", endpoint) + argument("model_name", model) + argument("api_key", `os.environ["API_KEY"]`)
	for _, setting := range r.settings {
		text += argument(setting.name, setting.value.String())
	}
	return text
}

// python is a string literal of Python: every escape that Go writes into a literal of
// valid UTF-8 means the same there.
func python(text string) string { return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD")) }

func pythonScalar(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return python(value), true
	case bool:
		return map[bool]string{true: "True", false: "False"}[value], true
	case json.Number:
		return value.String(), true
	default:
		return fmt.Sprint(value), false
	}
}
