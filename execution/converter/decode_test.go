package converter_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/storage"
)

// reversible are settings under which every text comes back, with what a text loses.
var reversible = []struct {
	kind, parameters string
	keep             func(string) string
}{
	{"AtbashConverter", "", nil},
	{"Base64Converter", "", nil},
	{"Base64Converter", `{"encoding_func": "urlsafe_b64encode"}`, nil},
	{"Base64Converter", `{"encoding_func": "b2a_base64"}`, nil},
	{"Base64Converter", `{"encoding_func": "b16encode"}`, nil},
	{"Base64Converter", `{"encoding_func": "b32encode"}`, nil},
	{"Base64Converter", `{"encoding_func": "a85encode"}`, nil},
	{"Base64Converter", `{"encoding_func": "b85encode"}`, nil},
	{"Base2048Converter", "", nil},
	{"BinAsciiConverter", "", nil},
	{"BinaryConverter", `{"bits_per_char": 32}`, nil},
	{"CaesarConverter", `{"caesar_offset": 9}`, nil},
	{"CaesarConverter", `{"caesar_offset": -20}`, nil},
	{"EcojiConverter", "", nil},
	{"FlipConverter", "", nil},
	{"JsonStringConverter", "", nil},
	{"ROT13Converter", "", nil},
	{"SneakyBitsSmugglerConverter", "", nil},
	{"UrlConverter", "", nil},
	{"VariationSelectorSmugglerConverter", "", nil},
	{"VigenereConverter", `{"key": "lemon"}`, nil},
	{"BidiConverter", `{"scheme": "isolate"}`, nil},
	{"ZeroWidthConverter", "", func(text string) string { return strings.ReplaceAll(text, "\u200b", "") }},
	{"AsciiSmugglerConverter", `{"unicode_tags": true}`, func(text string) string {
		return strings.Map(func(char rune) rune {
			if char < ' ' || char > '~' {
				return -1
			}
			return char
		}, text)
	}},
}

func comesBack(t *testing.T, text string) {
	t.Helper()
	for _, one := range reversible {
		made, err := converter.New(one.kind, storage.JSON(one.parameters), nil)
		if err != nil {
			t.Fatal(err)
		}
		output, err := made.Convert(t.Context(), text, 1)
		if err != nil {
			t.Fatalf("%s of %q: %v", one.kind, text, err)
		}
		wanted := text
		if one.keep != nil {
			wanted = one.keep(text)
		}
		if back, err := converter.Decode(one.kind, storage.JSON(one.parameters), output); err != nil || back != wanted {
			t.Errorf("%s %s of %q comes back from %q as %q, %v", one.kind, one.parameters, text, output, back, err)
		}
	}
}

func TestDecodeReadsBackWhatConvertWrote(t *testing.T) {
	var file struct{ Inputs []string }
	readJSON(t, "testdata/vectors.json.gz", &file)
	for _, text := range file.Inputs {
		comesBack(t, text)
	}
	for size := range 40 {
		comesBack(t, strings.Repeat("\x00", size))
		comesBack(t, strings.Repeat("ÿ", size)+"z")
	}
}

func TestMorseComesBackInCapitals(t *testing.T) {
	text := "HOW DO I PICK A LOCK? (2+2=4, \"YES\": A/B-C'S @HOME!) & CO."
	made, err := converter.New("MorseConverter", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	output, err := made.Convert(t.Context(), text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := converter.Decode("MorseConverter", "", output); err != nil || back != text {
		t.Errorf("%q, %v", back, err)
	}
}

func TestDecodeRefusesForeignText(t *testing.T) {
	for kind, text := range map[string]string{
		"Base64Converter": "?", "Base2048Converter": "!", "EcojiConverter": "abcd", "BinAsciiConverter": "xyz",
		"BinaryConverter": "012", "MorseConverter": "abc", "UrlConverter": "%zz", "JsonStringConverter": `\x`,
	} {
		if _, err := converter.Decode(kind, "", text); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s of %q: %v", kind, text, err)
		}
	}
	if _, err := converter.Decode("FirstLetterConverter", "", "a"); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("FirstLetterConverter: %v", err)
	}
}

// FuzzConvert looks for texts that panic, give invalid UTF-8, or do not come back.
func FuzzConvert(f *testing.F) {
	f.Add("Hello, World!", uint64(1))
	f.Add("\xff\r\n😀 e\u0301\x00", uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		for _, kind := range converter.Types() {
			made, err := converter.New(kind.Name, needed(kind), nil)
			if err != nil {
				t.Fatalf("%s: %v", kind.Name, err)
			}
			first, err := made.Convert(t.Context(), text, seed)
			again, errAgain := made.Convert(t.Context(), text, seed)
			if first != again || (err == nil) != (errAgain == nil) {
				t.Errorf("%s of %q: %q, then %q", kind.Name, text, first, again)
			}
			if err == nil && strings.ToValidUTF8(first, "") != first {
				t.Errorf("%s of %q: invalid %q", kind.Name, text, first)
			}
			if storage.CodeOf(err) == storage.CodeInternal {
				t.Errorf("%s of %q: %v", kind.Name, text, err)
			}
			_, _ = converter.Decode(kind.Name, needed(kind), text)
		}
		if strings.ToValidUTF8(text, "") == text {
			comesBack(t, text)
		}
	})
}
