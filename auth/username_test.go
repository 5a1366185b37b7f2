package auth

import "testing"

func TestCanonicalUsernames(t *testing.T) {
	for text, want := range map[string]string{
		"alice": "alice", "Alice": "alice", "ALICE": "alice", "ａｌｉｃｅ": "alice", "Zoë": "zoë", "Zoe\u0308": "zoë", "ﬁona": "fiona",
		"straße": "strasse", "STRASSE": "strasse", "alice.b_c-d@example+x": "alice.b_c-d@example+x", "42": "42", "_": "_",
		"Иван": "иван", "иван2": "иван2", "Νίκος": "νίκοσ", "אבי": "אבי", "用户1": "用户1", "たなか": "たなか", "田中さん": "田中さん", "김철수": "김철수",
		"Đorđe": "đorđe", "Nguyễn": "nguyễn", "Kelvin\u212A": "kelvink",
	} {
		got, err := CanonicalUsername(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
		if again, err := CanonicalUsername(got); err != nil || again != got {
			t.Errorf("%q is not stable: %q, %v", got, again, err)
		}
	}
	for name, text := range map[string]string{
		"Cyrillic a": "аlice", "Cyrillic capital": "Аlice", "Greek o": "bοb", "Cyrillic alone": "сосо", "Cyrillic capitals": "СОСО", "Greek alone": "ανο",
		"Armenian alone": "ոսօ", "Latin alpha": "ɑlice", "dotless i": "alıce", "small capital": "ᴀlice", "script g": "ɡus", "click": "aǀice", "Cherokee": "ᎪᏞᏆ",
		"Lisu": "ꓮꓡꓲ", "Arabic digit": "alice١", "Bengali digit": "bob৪", "modifier letter": "oʼneil", "combining mark": "a\u0337lice", "zero width": "al\u200bice",
		"joiner": "al\u200dice", "soft hyphen": "al\u00adice", "direction": "\u202eecila", "space": "al ice", "slash": "a/b", "fullwidth slash": "a／b",
		"fraction slash of a half": "½", "dots": "..", "one character for two dots": "‥", "nothing": "", "NUL": "a\x00", "mathematical": "𝒶/", "emoji": "alice😀",
		"variation selector": "alice\ufe0f", "tag": "alice\U000e0061", "Han and Latin": "alice用户", "Hebrew and Latin": "alicא",
	} {
		if got, err := CanonicalUsername(text); err == nil {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
}
