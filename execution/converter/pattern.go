package converter

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// translation rewrites a pattern of Python's re in .NET's syntax, where the two read
// it differently: names of groups, possessive repetition, escapes, and the classes, of
// which .NET's \w takes marks and its \s not U+001C to U+001F.
type translation struct {
	pattern string
	at      int
	flags   int64
	classes map[byte]string
	out     []byte
	opened  []int // where in out the open groups begin
	atom    int   // where in out that begins which a repetition would repeat, -1 for none
	groups  int
	names   map[string]int
}

var (
	leadingFlags = regexp.MustCompile(`^\(\?([aimsux]+)\)`)
	repetition   = regexp.MustCompile(`^(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\}|\{,[0-9]*\})`)
	groupOpening = regexp.MustCompile(`^\((?:\?(?:<?[=!]|[:>]|[a-zA-Z]*(?:-[a-zA-Z]+)?:))?`)
	longEscape   = regexp.MustCompile(`^\\U[0-9a-fA-F]{8}`)
	identifier   = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)
)

func translate(pattern string, flags int64) (*translation, error) {
	if found := leadingFlags.FindStringSubmatch(pattern); found != nil {
		pattern = pattern[len(found[0]):]
		for _, letter := range found[1] {
			flags |= map[rune]int64{'a': flagASCII, 'i': flagIgnoreCase, 'm': flagMultiline, 's': flagDotAll, 'x': flagVerbose}[letter]
		}
	}
	classes := map[byte]string{'w': `\p{L}\p{N}_`, 'd': `\p{Nd}`, 's': unicodeSpace}
	if flags&flagASCII != 0 {
		classes = map[byte]string{'w': `a-zA-Z0-9_`, 'd': `0-9`, 's': ` \t\n\r\f\v`}
	}
	t := &translation{pattern: pattern, flags: flags, classes: classes, atom: -1, names: map[string]int{}}
	for t.at < len(pattern) {
		if err := t.next(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// next translates one element of the pattern.
func (t *translation) next() error {
	rest := t.pattern[t.at:]
	verbose := t.flags&flagVerbose != 0
	switch {
	case t.atom >= 0 && repetition.MatchString(rest):
		t.repeat(repetition.FindString(rest))
	case verbose && strings.IndexByte(" \t\n\r\f\v", rest[0]) >= 0:
		t.out = append(t.out, rest[0])
		t.at++
	case verbose && rest[0] == '#':
		line, _, _ := strings.Cut(rest, "\n")
		t.at += len(line)
	case rest[0] == '\\' && len(rest) > 1:
		return t.single(t.escaped(false))
	case rest[0] == '[':
		t.atom = len(t.out)
		return t.class()
	case rest[0] == '(':
		return t.open(rest)
	case rest[0] == ')':
		t.atom = -1
		if last := len(t.opened) - 1; last >= 0 {
			t.atom, t.opened = t.opened[last], t.opened[:last]
		}
		t.out = append(t.out, ')')
		t.at++
	case rest[0] == '|':
		t.out, t.atom = append(t.out, '|'), -1
		t.at++
	case rest[0] == '{': // no repetition, so that it is itself
		t.at++
		return t.single(`\{`, nil)
	default:
		char, _ := splitRune(rest)
		t.at += len(char)
		return t.single(char, nil)
	}
	return nil
}

func (t *translation) single(text string, err error) error {
	t.atom = len(t.out)
	t.out = append(t.out, text...)
	return err
}

// repeat writes what .NET has not, {,n} and possessive repetition, in other ways.
func (t *translation) repeat(times string) {
	t.at += len(times)
	if strings.HasPrefix(times, "{,") {
		times = "{0" + times[1:]
	}
	t.out = append(t.out, times...)
	switch rest := t.pattern[t.at:]; {
	case strings.HasPrefix(rest, "?"):
		t.out = append(t.out, '?')
		t.at++
	case strings.HasPrefix(rest, "+"):
		repeated := string(t.out[t.atom:])
		t.out = append(t.out[:t.atom], "(?>"+repeated+")"...)
		t.at++
	}
	t.atom = -1
}

// open writes the opening of a group, a reference by name, or nothing for a comment.
func (t *translation) open(rest string) error {
	end, name := t.named(rest)
	switch {
	case strings.HasPrefix(rest, "(?#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return errors.New("a comment is not closed")
		}
		t.at += end + 1
	case strings.HasPrefix(rest, "(?P<"):
		if _, known := t.names[name]; known || !identifier.MatchString(name) {
			return errors.New("a group has no name of its own")
		}
		t.groups++
		t.names[name] = t.groups
		t.group("(", end)
	case strings.HasPrefix(rest, "(?P="):
		number, known := t.names[name]
		if !known {
			return errors.New("there is no group " + strconv.Quote(name))
		}
		t.at += end
		return t.single(`\k<`+strconv.Itoa(number)+`>`, nil)
	case strings.HasPrefix(rest, "(?("):
		if number, known := t.names[name]; known {
			name = strconv.Itoa(number)
		}
		t.group("(?("+name+")", end)
	default:
		opening := groupOpening.FindString(rest)
		if opening == "(" && !strings.HasPrefix(rest, "(?") {
			t.groups++
		}
		t.group(opening, len(opening))
	}
	return nil
}

// named is the name in the opening of a group, and where the opening ends.
func (t *translation) named(rest string) (end int, name string) {
	for opening, closing := range map[string]string{"(?P<": ">", "(?P=": ")", "(?(": ")"} {
		if inner, is := strings.CutPrefix(rest, opening); is {
			name, _, _ = strings.Cut(inner, closing)
			return min(len(opening)+len(name)+1, len(rest)), name
		}
	}
	return 0, ""
}

func (t *translation) group(opening string, size int) {
	t.opened = append(t.opened, len(t.out))
	t.out, t.atom = append(t.out, opening...), -1
	t.at += size
}

// class copies a class. A bracket within it is itself in Python, a subtraction in .NET.
func (t *translation) class() error {
	t.out = append(t.out, '[')
	t.at++
	for _, first := range []string{"^", "]"} {
		if strings.HasPrefix(t.pattern[t.at:], first) {
			t.out = append(t.out, strings.Replace(first, "]", `\]`, 1)...)
			t.at++
		}
	}
	for t.at < len(t.pattern) {
		switch octet := t.pattern[t.at]; {
		case octet == '\\' && t.at+1 < len(t.pattern):
			text, err := t.escaped(true)
			if err != nil {
				return err
			}
			t.out = append(t.out, text...)
		case octet == '[':
			t.out = append(t.out, `\[`...)
			t.at++
		default:
			t.out = append(t.out, octet)
			t.at++
			if octet == ']' {
				return nil
			}
		}
	}
	return nil // the engine tells that it is not closed
}

// escaped translates a backslash and what it escapes.
func (t *translation) escaped(inClass bool) (string, error) {
	if long := longEscape.FindString(t.pattern[t.at:]); long != "" {
		t.at += len(long)
		code, _ := strconv.ParseUint(long[2:], 16, 32) // eight hexadecimal digits
		if code > unicode.MaxRune {
			return "", errors.New(long + " is no character of Unicode")
		}
		return regexp.QuoteMeta(string(rune(code))), nil
	}
	char, _ := splitRune(t.pattern[t.at+1:])
	t.at += 1 + len(char)
	return escape(char, t.classes, inClass), nil
}
