package converter

import (
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/violentutf/violentutf/storage"
)

func encodings() []*kind {
	return []*kind{
		describe("Base64Converter", "Base64", "Encodes the text in Base64 or a relative of it.", newBase64,
			choice("encoding_func", "Which encoding, by its name in Python's base64 and binascii.", "b64encode",
				"b64encode", "urlsafe_b64encode", "standard_b64encode", "b2a_base64", "b16encode", "b32encode", "a85encode", "b85encode")),
		describe("Base2048Converter", "Base2048", "Encodes the text's bytes in letters of 11 bits each.", always(plain(encodeBase2048))),
		describe("EcojiConverter", "Ecoji", "Encodes the text's bytes in emoji of 10 bits each, in lines of 76.", always(plain(encodeEcoji))),
		describe("UrlConverter", "URL encoding", "Percent-encodes what is neither a letter, a digit nor one of _.-~/.", always(plain(encodeURL))),
		describe("JsonStringConverter", "JSON escapes", "Escapes the text as the inside of an ASCII JSON string.", always(plain(escapeJSON))),
	}
}

func newBase64(s settings) (conversion, error) {
	switch s.Text("encoding_func") {
	case "urlsafe_b64encode":
		return plain(func(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }), nil
	case "b2a_base64":
		return plain(func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) + "\n" }), nil
	case "b16encode":
		return plain(hexUpper), nil
	case "b32encode":
		return plain(func(text string) string { return base32.StdEncoding.EncodeToString([]byte(text)) }), nil
	case "a85encode":
		return plain(func(text string) string {
			encoded := make([]byte, ascii85.MaxEncodedLen(len(text)))
			return string(encoded[:ascii85.Encode(encoded, []byte(text))])
		}), nil
	case "b85encode":
		return plain(encodeBase85), nil
	default:
		return plain(func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }), nil
	}
}

func hexUpper(text string) string { return strings.ToUpper(hex.EncodeToString([]byte(text))) }

// The alphabet of RFC 1924, which Python's b85encode takes.
const base85Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

func encodeBase85(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		taken := min(4, len(text))
		var group uint32
		for i := range 4 {
			group <<= 8
			if i < taken {
				group |= uint32(text[i])
			}
		}
		var digits [5]byte
		for i := 4; i >= 0; i-- {
			digits[i] = base85Alphabet[group%85]
			group /= 85
		}
		out.Write(digits[:taken+1])
		text = text[taken:]
	}
	return out.String()
}

// base2048Letters are the letters of eleven bits, base2048Tail those of the last one
// to three bits.
var base2048Letters, base2048Tail = twoLines(base2048Text)

func twoLines(text string) (first, second []rune) {
	one, two, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return []rune(one), []rune(two)
}

func encodeBase2048(text string) string {
	var out strings.Builder
	var held uint32
	bits := 0
	for _, octet := range []byte(text) {
		held = held<<8 | uint32(octet)
		if bits += 8; bits >= 11 {
			bits -= 11
			out.WriteRune(base2048Letters[held>>bits])
			held &= 1<<bits - 1
		}
	}
	switch {
	case bits > 3:
		out.WriteRune(base2048Letters[held])
	case bits > 0:
		out.WriteRune(base2048Tail[held])
	}
	return out.String()
}

// ecojiLetters are the emoji of ten bits; ecojiPadding is the filler, then the four
// that end a group of four bytes with its last two bits.
var ecojiLetters, ecojiPadding = twoLines(ecojiText)

const ecojiLine = 76

func encodeEcoji(text string) string {
	var out strings.Builder
	column := 0
	for len(text) > 0 {
		var octets [5]byte
		taken := copy(octets[:], text)
		text = text[taken:]
		group := [4]rune{ecojiPadding[0], ecojiPadding[0], ecojiPadding[0], ecojiPadding[0]}
		whole := uint64(octets[0])<<32 | uint64(octets[1])<<24 | uint64(octets[2])<<16 | uint64(octets[3])<<8 | uint64(octets[4])
		for i := range min(taken, 4) {
			group[i] = ecojiLetters[whole>>(30-10*i)&0x3ff]
		}
		if taken == 4 {
			group[3] = ecojiPadding[1+octets[3]&3]
		}
		out.WriteString(string(group[:]))
		if column += 4; column >= ecojiLine {
			out.WriteByte('\n')
			column = 0
		}
	}
	if column > 0 {
		out.WriteByte('\n')
	}
	return out.String()
}

// encodeURL is Python's urllib.parse.quote: net/url escapes other characters.
func encodeURL(text string) string {
	var out strings.Builder
	for _, octet := range []byte(text) {
		if octet < 0x80 && (isLetter(octet) || '0' <= octet && octet <= '9' || strings.IndexByte("_.-~/", octet) >= 0) {
			out.WriteByte(octet)
			continue
		}
		out.WriteString("%" + hexUpper(string([]byte{octet})))
	}
	return out.String()
}

func isLetter(octet byte) bool { return 'a' <= octet|0x20 && octet|0x20 <= 'z' }

// escapeJSON writes the inside of json.dumps' string: everything outside printable
// ASCII is escaped, by surrogate pairs where needed (RFC 8259, section 7).
func escapeJSON(text string) string {
	quoted, _ := storage.CanonicalJSON(text) // a text always has one
	var out strings.Builder
	for _, char := range string(quoted[1 : len(quoted)-1]) {
		switch {
		case char < 0x7f:
			out.WriteRune(char)
		case char < 0x10000:
			out.WriteString(unicodeEscape(char))
		default:
			high, low := utf16.EncodeRune(char)
			out.WriteString(unicodeEscape(high) + unicodeEscape(low))
		}
	}
	return out.String()
}

func unicodeEscape(char rune) string {
	const digits = "0123456789abcdef"
	escaped := []byte(`\u`)
	for shift := max(12, (bitLength(char)-1)/4*4); shift >= 0; shift -= 4 {
		escaped = append(escaped, digits[char>>shift&15])
	}
	return string(escaped)
}

func bitLength(char rune) int {
	length := 0
	for ; char > 0; char >>= 1 {
		length++
	}
	return length
}
