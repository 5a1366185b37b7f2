package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/scanner"
)

// maxDepth bounds how deep parentheses lie in each other.
const maxDepth = 20

// Parse reads a condition: comparisons of a figure and a number, joined by "and" and "or",
// of which the first binds tighter, and parentheses. An error names the column.
func Parse(text string) (*Condition, error) {
	p := &parser{}
	p.Init(strings.NewReader(text))
	p.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanFloats
	p.Error = func(*scanner.Scanner, string) {} // a bad number is refused where it is read
	p.next()
	root, err := p.any(0)
	if err == nil && p.token != scanner.EOF {
		err = p.expected(`"and", "or" or the end`)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no condition: %w", text, err)
	}
	return &Condition{strings.TrimSpace(text), root}, nil
}

type parser struct {
	scanner.Scanner
	token rune
	text  string
	at    int // column of the token, from 1
}

func (p *parser) next() {
	p.token = p.Scan()
	p.text, p.at = p.TokenText(), p.Position.Column
}

func (p *parser) expected(what string) error {
	if p.token == scanner.EOF {
		return fmt.Errorf("at its end %s is missing", what)
	}
	return fmt.Errorf("at column %d stands %q, expected %s", p.at, p.text, what)
}

func (p *parser) any(depth int) (node, error) { return p.list("or", "||", false, depth, p.all) }
func (p *parser) all(depth int) (node, error) { return p.list("and", "&&", true, depth, p.one) }

// list reads parts with a word, or the sign that stands for it elsewhere, between them.
func (p *parser) list(word, sign string, all bool, depth int, part func(int) (node, error)) (node, error) {
	first, err := part(depth)
	if err != nil {
		return nil, err
	}
	parts := []node{first}
	for {
		switch {
		case p.text == word:
			p.next()
		case p.text == sign[:1]:
			if p.next(); p.text != sign[1:] {
				return nil, p.expected(strconv.Quote(sign))
			}
			p.next()
		case len(parts) == 1:
			return first, nil
		default:
			return joined{all, parts}, nil
		}
		another, err := part(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, another)
	}
}

// one reads a comparison, or a condition in parentheses.
func (p *parser) one(depth int) (node, error) {
	if p.token == '(' {
		if depth++; depth > maxDepth {
			return nil, fmt.Errorf("at column %d parentheses lie more than %d deep", p.at, maxDepth)
		}
		p.next()
		inner, err := p.any(depth)
		if err != nil {
			return nil, err
		}
		if p.token != ')' {
			return nil, p.expected(`")"`)
		}
		p.next()
		return inner, nil
	}
	if !slices.Contains(names, p.text) {
		return nil, p.expected("one of " + strings.Join(names, ", "))
	}
	found := comparison{name: p.text}
	p.next()
	var err error
	if found.operator, err = p.operator(); err != nil {
		return nil, err
	}
	found.value, err = p.number()
	return found, err
}

func (p *parser) operator() (string, error) {
	operator := p.text
	switch operator {
	case ">", "<", "=", "!":
	default:
		return "", p.expected("one of >, >=, <, <=, ==, !=")
	}
	if p.next(); p.text == "=" {
		operator += p.text
		p.next()
	}
	if operator == "=" || operator == "!" {
		return "", p.expected(strconv.Quote("=") + " after " + strconv.Quote(operator))
	}
	return operator, nil
}

func (p *parser) number() (float64, error) {
	sign := ""
	if p.text == "-" || p.text == "+" {
		sign = p.text
		p.next()
	}
	value, err := strconv.ParseFloat(sign+p.text, 64)
	if (p.token != scanner.Int && p.token != scanner.Float) || err != nil || math.IsInf(value, 0) {
		return 0, p.expected("a number")
	}
	p.next()
	return value, nil
}
