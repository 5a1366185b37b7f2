package converter

import (
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Decode reads back what a converter of the type and parameters wrote. It fails with
// CodeBadInput, field "type", where the type loses the text or has no decoder, and
// with field "text" where the text is not of its making. Morse loses case:
// what comes back is a text that converts alike.
func Decode(typeName string, parameters storage.JSON, text string) (string, error) {
	made, err := configure(typeName, parameters, nil, 0)
	if err != nil {
		return "", err
	}
	if len(text) > MaxOutput {
		return "", storage.BadInput("text", "the text has %d bytes: a decoder takes at most %d", len(text), MaxOutput)
	}
	decode := decoders[typeName]
	if decode == nil {
		return "", storage.BadInput("type", "%s has no decoder: it loses the text", typeName)
	}
	decoded, err := decode(made.settings, text)
	if err != nil {
		return "", storage.BadInput("text", "the text was not written by %s: %v", typeName, err)
	}
	return decoded, nil
}

// Decodable are the types that Decode knows, sorted.
func Decodable() []string {
	names := make([]string, 0, len(decoders))
	for name := range decoders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type decoder func(s settings, text string) (string, error)

var decoders = map[string]decoder{
	"AsciiSmugglerConverter":             inverse(func(_ settings, text string) string { return readTags(text) }),
	"AtbashConverter":                    inverse(func(_ settings, text string) string { return atbash(text) }),
	"Base64Converter":                    decodeBase64,
	"Base2048Converter":                  func(_ settings, text string) (string, error) { return decodeBase2048(text) },
	"BidiConverter":                      inverse(readBidi),
	"BinAsciiConverter":                  decodeHex,
	"BinaryConverter":                    decodeBinary,
	"CaesarConverter":                    inverse(func(s settings, text string) string { return caesar(text, -int(s.Integer("caesar_offset"))) }),
	"EcojiConverter":                     func(_ settings, text string) (string, error) { return decodeEcoji(text) },
	"FlipConverter":                      inverse(func(_ settings, text string) string { return flip(text) }),
	"JsonStringConverter":                func(_ settings, text string) (string, error) { return decodeJSON(text) },
	"MorseConverter":                     func(_ settings, text string) (string, error) { return decodeMorse(text) },
	"ROT13Converter":                     inverse(func(_ settings, text string) string { return caesarLetters(text, 13) }),
	"SneakyBitsSmugglerConverter":        inverse(func(s settings, text string) string { return readBits(text, s.Text("zero_char"), s.Text("one_char")) }),
	"UrlConverter":                       func(_ settings, text string) (string, error) { return url.PathUnescape(text) },
	"VariationSelectorSmugglerConverter": inverse(func(_ settings, text string) string { return readSelectors(text) }),
	"VigenereConverter":                  inverse(func(s settings, text string) string { return vigenere(text, s.Text("key"), -1) }),
	"ZeroWidthConverter":                 inverse(func(_ settings, text string) string { return strings.ReplaceAll(text, "\u200b", "") }),
}

func inverse(decode func(settings, string) string) decoder {
	return func(s settings, text string) (string, error) { return decode(s, text), nil }
}

func decodeBase64(s settings, text string) (string, error) {
	var octets []byte
	var err error
	switch s.Text("encoding_func") {
	case "urlsafe_b64encode":
		octets, err = base64.URLEncoding.DecodeString(text)
	case "b16encode":
		octets, err = hex.DecodeString(text)
	case "b32encode":
		octets, err = base32.StdEncoding.DecodeString(text)
	case "a85encode":
		octets = make([]byte, 4*len(text)) // a z is four octets
		var size int
		size, _, err = ascii85.Decode(octets, []byte(text), true)
		octets = octets[:size]
	case "b85encode":
		return decodeBase85(text)
	default:
		octets, err = base64.StdEncoding.DecodeString(text)
	}
	return decodeUTF8(octets), err
}

var errForeign = strconv.ErrSyntax

func decodeJSON(text string) (string, error) {
	var decoded string
	err := json.Unmarshal([]byte(`"`+text+`"`), &decoded)
	return decoded, err
}

func decodeBase85(text string) (string, error) {
	var octets []byte
	for len(text) > 0 {
		taken := min(5, len(text))
		group := uint64(0)
		for i := range 5 {
			digit := 84 // what pads a short group
			if i < taken {
				digit = strings.IndexByte(base85Alphabet, text[i])
			}
			if digit < 0 {
				return "", errForeign
			}
			group = group*85 + uint64(digit)
		}
		if group > 1<<32-1 || taken == 1 {
			return "", errForeign
		}
		octets = append(octets, []byte{byte(group >> 24), byte(group >> 16), byte(group >> 8), byte(group)}[:taken-1]...)
		text = text[taken:]
	}
	return decodeUTF8(octets), nil
}

func decodeBase2048(text string) (string, error) {
	var octets []byte
	held, bits := uint32(0), 0
	chars := []rune(text)
	for at, char := range chars {
		value, size := slices.Index(base2048Letters, char), 11
		last := at == len(chars)-1
		if last && value >= 0 {
			// The last letter may hold fewer bits: as many as end an octet.
			size = 8 - bits
			if size < 4 {
				size += 8
			}
			if size > 11 {
				size = 11
			}
		}
		if value < 0 && last {
			value, size = slices.Index(base2048Tail, char), 8-bits
		}
		if value < 0 || value >= 1<<size {
			return "", errForeign
		}
		held, bits = held<<size|uint32(value), bits+size
		for bits >= 8 {
			bits -= 8
			octets = append(octets, byte(held>>bits))
			held &= 1<<bits - 1
		}
	}
	return decodeUTF8(octets), nil
}

func decodeEcoji(text string) (string, error) {
	chars := []rune(strings.ReplaceAll(text, "\n", ""))
	if len(chars)%4 != 0 {
		return "", errForeign
	}
	var octets []byte
	for group := range slices.Chunk(chars, 4) {
		whole, size := uint64(0), 5
		for place, char := range group {
			value := slices.Index(ecojiLetters, char)
			padding := slices.Index(ecojiPadding, char)
			switch {
			case value >= 0:
			case padding == 0 && place > 0:
				value, size = 0, min(size, place)
			case padding > 0 && place == 3:
				value, size = (padding-1)<<8, 4
			default:
				return "", errForeign
			}
			whole = whole<<10 | uint64(value)
		}
		for i := range size {
			octets = append(octets, byte(whole>>(32-8*i)))
		}
	}
	return decodeUTF8(octets), nil
}

func readBidi(s settings, text string) string {
	pair := directions[s.Text("scheme")]
	return strings.TrimSuffix(strings.TrimPrefix(text, pair[0]), pair[1])
}

func decodeHex(s settings, text string) (string, error) {
	if s.Text("encoding_func") != "hex" {
		return "", errForeign
	}
	octets, err := hex.DecodeString(text)
	return decodeUTF8(octets), err
}

func decodeBinary(_ settings, text string) (string, error) {
	var out strings.Builder
	for _, digits := range strings.Fields(text) {
		code, err := strconv.ParseUint(digits, 2, 32)
		if err != nil || code > 0x10ffff {
			return "", errForeign
		}
		out.WriteRune(rune(code))
	}
	return out.String(), nil
}

// morseSigns are the characters of signs; of several, the one that comes first in
// the alphabet, which puts plain letters before accented ones.
var morseSigns = func() map[string]rune {
	signs := map[string]rune{}
	for char, sign := range morse {
		if known, there := signs[sign]; !there || char < known {
			signs[sign] = char
		}
	}
	return signs
}()

func decodeMorse(text string) (string, error) {
	var out strings.Builder
	for _, sign := range strings.Fields(text) {
		char, known := morseSigns[sign]
		if !known {
			return "", errForeign
		}
		out.WriteRune(char)
	}
	return out.String(), nil
}
