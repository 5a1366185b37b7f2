package converter

import (
	"regexp"
	"strconv"
	"strings"
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

// matchTime bounds one search, which can take exponential time.
const matchTime = 2 * time.Second

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
	translated, made := translate(pattern, flags)
	options := regexp2.RegexOptions(0)
	for flag, option := range map[int64]regexp2.RegexOptions{
		flagIgnoreCase: regexp2.IgnoreCase, flagMultiline: regexp2.Multiline,
		flagDotAll: regexp2.Singleline, flagVerbose: regexp2.IgnorePatternWhitespace,
	} {
		if flags&flag != 0 {
			options |= option
		}
	}
	var err error
	if made.search, err = regexp2.Compile(translated, options); err != nil {
		return nil, bad("pattern", "it is no regular expression of Python: %v", err)
	}
	closing := `)(?!\G)`
	if flags&flagVerbose != 0 {
		closing = "\n" + closing // a comment may be open
	}
	if made.advance, err = regexp2.Compile("(?:"+translated+closing, options); err != nil {
		return nil, bad("pattern", "it is no regular expression of Python: %v", err)
	}
	made.search.MatchTimeout, made.advance.MatchTimeout = matchTime, matchTime
	return made, nil
}

// translate rewrites what Python and .NET read differently: named groups, \Z, and
// the classes, of which .NET's \w takes marks and its \s not U+001C to U+001F.
func translate(pattern string, flags int64) (string, *regex) {
	made := &regex{names: map[string]int{}}
	word, digit, space := `\p{L}\p{N}_`, `\p{Nd}`, unicodeSpace
	if flags&flagASCII != 0 {
		word, digit, space = `a-zA-Z0-9_`, `0-9`, ` \t\n\r\f\v`
	}
	classes := map[byte]string{'w': word, 'd': digit, 's': space}
	var out strings.Builder
	inClass := false
	for at := 0; at < len(pattern); at++ {
		rest := pattern[at:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			at++
			out.WriteString(escape(rest[1], classes, inClass))
		case inClass:
			// A bracket within a class is itself in Python, a subtraction in .NET.
			if rest[0] == '[' {
				out.WriteByte('\\')
			}
			inClass = rest[0] != ']'
			out.WriteByte(rest[0])
		case rest[0] == '[':
			inClass = true
			out.WriteByte('[')
			for _, first := range []string{"^", "]"} {
				if strings.HasPrefix(pattern[at+1:], first) {
					out.WriteString(strings.Replace(first, "]", `\]`, 1))
					at++
				}
			}
		case strings.HasPrefix(rest, "(?P<") && strings.Contains(rest, ">"):
			end := strings.IndexByte(rest, '>')
			made.groups++
			made.names[rest[4:end]] = made.groups
			out.WriteByte('(')
			at += end
		case strings.HasPrefix(rest, "(?P=") && strings.Contains(rest, ")"):
			end := strings.IndexByte(rest, ')')
			out.WriteString(`\k<` + strconv.Itoa(made.names[rest[4:end]]) + `>`)
			at += end
		default:
			if rest[0] == '(' && !strings.HasPrefix(rest, "(?") {
				made.groups++
			}
			out.WriteByte(rest[0])
		}
	}
	return out.String(), made
}

func escape(letter byte, classes map[byte]string, inClass bool) string {
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
	return `\` + string([]byte{letter})
}

// complement is what a class does not hold, as ranges: within brackets .NET has no
// complement of several sets.
func complement(class string) string {
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
	if err := c.ctx.Err(); err != nil {
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

func tooSlow() error {
	return storage.BadInput("parameters.pattern", "the regular expression takes more than %v on this text: make it simpler", matchTime)
}

// replace is re.sub: an empty match is replaced as well, except right where the last
// one, when it was empty, stood.
func (r *regex) replace(c *call, text string, by replacement) (string, error) {
	chars := []rune(text)
	var out output
	copied, from, engine := 0, 0, r.search
	for from <= len(chars) {
		if err := c.ctx.Err(); err != nil {
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
