package memory

import (
	"encoding/base64"
	"strings"
)

// Base64 is what PyRIT's Base64Converter makes of a text.
func Base64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// ROT13 is what PyRIT's ROT13Converter makes of a text.
func ROT13(text string) string { return turn(text, 13, 0) }

// Caesar3 is what PyRIT's CaesarConverter makes of a text with offset 3: digits turn too.
func Caesar3(text string) string { return turn(text, 3, 3) }

// turn moves letters and digits on within their alphabets.
func turn(text string, letters, digits rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return 'a' + (r-'a'+letters)%26
		case 'A' <= r && r <= 'Z':
			return 'A' + (r-'A'+letters)%26
		case '0' <= r && r <= '9':
			return '0' + (r-'0'+digits)%10
		}
		return r
	}, text)
}
