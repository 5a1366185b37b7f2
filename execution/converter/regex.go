package converter

import (
	"errors"
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

// replacement is a text with groups between: literals[0], groups[0], literals[1]...
type replacement struct {
	literals []string
	groups   []int
}

func (p replacement) write(out *output, found *regexp2.Match) {
	for at, literal := range p.literals {
		out.add(literal)
		if at < len(p.groups) {
			if group := found.GroupByNumber(p.groups[at]); group != nil {
				out.add(group.String())
			}
		}
	}
}

var errReplacement = errors.New("it has a backslash that Python's re.sub does not know, or no such group")

// replacement reads Python's template: \n and the like, octal \0 and \123, groups \1
// and \g<name>; a backslash before another ASCII letter is refused.
func (r *regex) replacement(text string) (replacement, error) {
	var made replacement
	var literal strings.Builder
	group := func(number int) error {
		if number < 0 || number > r.groups {
			return errReplacement
		}
		made.literals, made.groups = append(made.literals, literal.String()), append(made.groups, number)
		literal.Reset()
		return nil
	}
	for at := 0; at < len(text); at++ {
		if text[at] != '\\' {
			literal.WriteByte(text[at])
			continue
		}
		if at++; at == len(text) {
			return made, errReplacement
		}
		digits := 0
		for digits < 3 && at+digits < len(text) && '0' <= text[at+digits] && text[at+digits] <= '9' {
			digits++
		}
		var err error
		switch escaped := strings.IndexByte("abfnrtv", text[at]); {
		case escaped >= 0:
			literal.WriteByte("\a\b\f\n\r\t\v"[escaped])
		case text[at] == 'g':
			name, _, closed := strings.Cut(text[at+1:], ">")
			if !closed || !strings.HasPrefix(name, "<") {
				return made, errReplacement
			}
			at += len(name) + 1
			number, known := r.names[name[1:]]
			if !known {
				if number, err = strconv.Atoi(name[1:]); err != nil {
					return made, errReplacement
				}
			}
			err = group(number)
		case digits > 0:
			var used int
			if used, err = numbered(text[at:at+digits], &literal, group); err == nil {
				at += used - 1
			}
		case isLetter(text[at]):
			err = errReplacement
		case text[at] == '\\':
			literal.WriteByte('\\')
		default:
			literal.WriteString(`\` + text[at:at+1])
		}
		if err != nil {
			return made, err
		}
	}
	made.literals = append(made.literals, literal.String())
	return made, nil
}

// numbered reads an octal escape (\0, \012, \123) or a group of one or two digits.
func numbered(digits string, literal *strings.Builder, group func(int) error) (used int, err error) {
	octal := len(digits)
	for octal > 0 && strings.ContainsAny(digits[:octal], "89") {
		octal--
	}
	switch {
	case digits[0] == '0':
		used = min(octal, 3)
	case octal == 3 && digits[0] <= '3':
		used = 3
	case octal == 3:
		return 0, errReplacement
	default:
		used = min(len(digits), 2)
		number, _ := strconv.Atoi(digits[:used]) // two digits
		return used, group(number)
	}
	value, _ := strconv.ParseUint(digits[:used], 8, 16) // three octal digits
	literal.WriteRune(rune(value))
	return used, nil
}
