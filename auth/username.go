package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// CanonicalUsername gives the one form of a username that an identity provider states,
// or says why it is refused. Names that differ in case, width or composition alone
// become the same (NFKC and full case folding, UAX 31): Alice and alice are one name,
// which whoever is bound to it first keeps. Names that look like another are refused
// (after UTS 39): letters of two scripts, digits other than 0 to 9, Latin letters that
// look like a to z, and a Greek, Cyrillic or Armenian name of such letters alone. What
// looks alike within ASCII (l and 1, o and 0) is not caught.
func CanonicalUsername(text string) (string, error) {
	// Folding can undo the normal form, and the normal form the folding; twice is stable
	// for all of Unicode (UAX 15, section on NFKC_Casefold).
	name := text
	for range 2 {
		name = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	}
	if err := ValidUsername(name); err != nil {
		return "", err
	}
	var script string
	plain := true // all of its letters look like Latin ones
	for _, r := range name {
		switch {
		case strings.ContainsRune("0123456789._-@+", r):
			continue
		case !unicode.IsLetter(r):
			return "", errors.New("username holds a digit other than 0 to 9")
		}
		in := scriptOf(r)
		if in == "" || in == "Latin" && !plainLatin(r) {
			return "", fmt.Errorf("username holds %q, which is easily taken for another letter", r)
		}
		if script != "" && in != script {
			return "", fmt.Errorf("username mixes letters of two scripts, %s and %s", script, in)
		}
		script = in
		plain = plain && strings.ContainsRune(looksLatin[script], r)
	}
	if _, risky := looksLatin[script]; risky && plain {
		return "", fmt.Errorf("username is of %s letters that look like Latin ones", script)
	}
	return name, nil
}

// scripts are those in common use (UAX 31, table 5); Japanese uses three in one word.
var scripts = []struct {
	name   string
	tables []*unicode.RangeTable
}{
	{"Latin", []*unicode.RangeTable{unicode.Latin}},
	{"Cyrillic", []*unicode.RangeTable{unicode.Cyrillic}},
	{"Greek", []*unicode.RangeTable{unicode.Greek}},
	{"Armenian", []*unicode.RangeTable{unicode.Armenian}},
	{"Han or Kana", []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana}},
	{"Hangul", []*unicode.RangeTable{unicode.Hangul}},
	{"Hebrew", []*unicode.RangeTable{unicode.Hebrew}},
	{"Arabic", []*unicode.RangeTable{unicode.Arabic}},
	{"Devanagari", []*unicode.RangeTable{unicode.Devanagari}},
	{"Bengali", []*unicode.RangeTable{unicode.Bengali}},
	{"Tamil", []*unicode.RangeTable{unicode.Tamil}},
	{"Telugu", []*unicode.RangeTable{unicode.Telugu}},
	{"Thai", []*unicode.RangeTable{unicode.Thai}},
	{"Georgian", []*unicode.RangeTable{unicode.Georgian}},
	{"Ethiopic", []*unicode.RangeTable{unicode.Ethiopic}},
}

func scriptOf(r rune) string {
	for _, s := range scripts {
		if unicode.In(r, s.tables...) {
			return s.name
		}
	}
	return ""
}

// plainLatin takes ASCII and letters with visible marks, not phonetic letters, clicks,
// and a, g, i or o in another style.
func plainLatin(r rune) bool {
	switch {
	case r <= 'z', slices.Contains([]rune("ơưșț"), r), r >= 0x1E00 && r <= 0x1EFF:
		return true
	}
	return r >= 0x00DF && r <= 0x017F && !slices.Contains([]rune("ıĸŀ"), r)
}

// looksLatin are lower-case letters that are taken for one of a to z (confusables.txt of
// UTS 39, and the same in common typefaces).
var looksLatin = map[string]string{
	"Cyrillic": "асеорхуѕіјһԁԛԝѵӏгпкьԍү",
	"Greek":    "αογινρυητκχωε",
	"Armenian": "ոսօհզցքւյ",
}
