package converter

import (
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dlclark/regexp2"

	"github.com/violentutf/violentutf/storage"
)

// Python's re needs what package regexp has not (look-around, references), so that
// its patterns are rewritten for a backtracking engine in .NET's syntax.

// Flags of Python's re.
const (
	flagIgnoreCase = 2
	flagLocale     = 4
	flagMultiline  = 8
	flagDotAll     = 16
	flagVerbose    = 64
	flagASCII      = 256
)

// One search can take exponential time, and a text can ask for very many: matchTime
// bounds the one, searchTime all those of a conversion.
const (
	matchTime  = 2 * time.Second
	searchTime = 10 * time.Second
)

// maxPattern is in bytes: the engine works on groups within groups by recursion.
const maxPattern = 1 << 14

const unicodeSpace = `\s\x1c-\x1f`

type regex struct {
	search  *regexp2.Regexp
	advance *regexp2.Regexp // the same, but not empty where the search begins
	groups  int
	names   map[string]int
}

func compile(pattern string, flags int64) (*regex, error) {
	if flags&flagLocale != 0 {
		return nil, bad("regex_flags", "the locale flag is for bytes: leave 4 out")
	}
	if len(pattern) > maxPattern {
		return nil, bad("pattern", "it has %d bytes: pass at most %d", len(pattern), maxPattern)
	}
	read, err := translate(pattern, flags)
	if err != nil {
		return nil, bad("pattern", "it is no regular expression of Python: %v", err)
	}
	translated, made := string(read.out), &regex{groups: read.groups, names: read.names}
	options := regexp2.RegexOptions(0)
	for flag, option := range map[int64]regexp2.RegexOptions{
		flagIgnoreCase: regexp2.IgnoreCase, flagMultiline: regexp2.Multiline,
		flagDotAll: regexp2.Singleline, flagVerbose: regexp2.IgnorePatternWhitespace,
	} {
		if read.flags&flag != 0 {
			options |= option
		}
	}
	if made.search, err = regexp2.Compile(translated, options); err != nil {
		return nil, bad("pattern", "it is no regular expression of Python: %v", err)
	}
	if made.advance, err = regexp2.Compile("(?:"+translated+`)(?!\G)`, options); err != nil {
		return nil, bad("pattern", "it is no regular expression of Python: %v", err)
	}
	made.search.MatchTimeout, made.advance.MatchTimeout = matchTime, matchTime
	return made, nil
}

func escape(char string, classes map[byte]string, inClass bool) string {
	letter := char[0]
	lowered := letter | 0x20
	class, known := classes[lowered]
	boundary := strings.ReplaceAll(`(?:(?<=[W])(?![W])|(?<![W])(?=[W]))`, "W", classes['w'])
	switch {
	case known && letter == lowered && inClass:
		return class
	case known && letter == lowered:
		return "[" + class + "]"
	case known && !inClass:
		return "[^" + class + "]"
	case known:
		return complement(class)
	case letter == 'Z' && !inClass:
		return `\z`
	case letter == 'b' && !inClass:
		return boundary
	case letter == 'B' && !inClass:
		return "(?!" + boundary + `)(?!\A\z)` // not in an empty text, until Python 3.14
	}
	return `\` + char
}

// complement is what a class does not hold, as ranges: within brackets .NET has no
// complement of several sets. It goes through all of Unicode, once for each class.
func complement(class string) string {
	if known, there := complements.Load(class); there {
		return known.(string)
	}
	made := outside(class)
	complements.Store(class, made)
	return made
}

var complements sync.Map // of the six classes of translate

func outside(class string) string {
	held := regexp.MustCompile("[" + class + "]") // classes of translate, which RE2 knows too
	if class == unicodeSpace {
		held = regexp.MustCompile(`[\s\v\x1c-\x1f\x85\p{Z}]`)
	}
	var out strings.Builder
	start := rune(-1)
	for char := rune(0); char <= unicode.MaxRune+1; char++ {
		outside := char <= unicode.MaxRune && !held.MatchString(string(char))
		switch {
		case outside && start < 0:
			start = char
		case !outside && start >= 0:
			out.WriteString(regexp.QuoteMeta(string(start)) + "-" + regexp.QuoteMeta(string(char-1)))
			start = -1
		}
	}
	return out.String()
}

// first is where the first match begins and ends, -1 without one.
func (r *regex) first(c *call, text []rune) (start, end int, err error) {
	if err := c.maySearch(); err != nil {
		return 0, 0, err
	}
	found, err := r.search.FindRunesMatch(text)
	if err != nil {
		return 0, 0, tooSlow()
	}
	if found == nil {
		return -1, -1, nil
	}
	return found.Index, found.Index + found.Length, nil
}

func (c *call) maySearch() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if time.Now().After(c.until) {
		return tooSlow()
	}
	return nil
}

func tooSlow() error {
	return storage.BadInput("parameters.pattern", "the regular expression takes too long on this text, more than %v at once or %v in all: make it simpler", matchTime, searchTime)
}

// replace is re.sub: an empty match is replaced as well, except right where the last
// one, when it was empty, stood.
func (r *regex) replace(c *call, text string, by replacement) (string, error) {
	chars := []rune(text)
	var out output
	copied, from, engine := 0, 0, r.search
	for from <= len(chars) {
		if err := c.maySearch(); err != nil {
			return "", err
		}
		found, err := engine.FindRunesMatchStartingAt(chars, from)
		if err != nil {
			return "", tooSlow()
		}
		if found == nil {
			break
		}
		out.add(string(chars[copied:found.Index]))
		by.write(&out, found)
		copied = found.Index + found.Length
		from, engine = copied, r.search
		if found.Length == 0 {
			engine = r.advance
		}
	}
	out.add(string(chars[copied:]))
	return out.result()
}
