package userstore

import (
	"errors"
	"regexp/syntax"
	"strings"
)

// maxPatternSize bounds the program that the engine makes of a pattern: RE2 refuses a large
// one, at the time of the query, where it is no longer the caller's mistake. \p{L}{300},
// whose size is 396 000, still passes there.
const maxPatternSize = 300_000

var errLargePattern = errors.New("it is too large once its repetitions are written out: repeat less, or smaller classes")

// enginePattern gives a regular expression as the engine's RE2 reads it. Go's parser,
// which judges the syntax, takes more than an older RE2: names of groups written (?<name>,
// and classes of characters by names that it does not know. Those are written out.
func enginePattern(pattern string) (string, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", err
	}
	if patternSize(parsed) > maxPatternSize {
		return "", errLargePattern
	}
	if strings.Contains(pattern, "(?<") || strings.Contains(pattern, `\p{`) || strings.Contains(pattern, `\P{`) {
		return parsed.String(), nil
	}
	return pattern, nil
}

// patternSize counts characters and ranges, as often as they are repeated. Go's parser has
// bounded the depth and the repetitions.
func patternSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, part := range re.Sub {
		size += patternSize(part)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(1, re.Min, re.Max)
	}
	return size
}
