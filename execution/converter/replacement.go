package converter

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dlclark/regexp2"
)

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
