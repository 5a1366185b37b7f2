package converter

import "slices"

// spanning makes a strategy of a range that fits any text.
func spanning(span func(c *call, text []rune) (start, end int)) *strategy {
	return &strategy{span: func(c *call, text []rune) (int, int, error) {
		start, end := span(c, text)
		return start, end, nil
	}}
}

func clamp(value int64, least, most int) int { return int(max(int64(least), min(value, int64(most)))) }

func spanIndices(s settings) (*strategy, error) {
	return spanning(func(_ *call, text []rune) (int, int) {
		end := int64(len(text))
		if s.Has("end") {
			end = s.Integer("end")
		}
		start := clamp(s.Integer("start"), 0, len(text))
		return start, max(start, clamp(end, 0, len(text)))
	}), nil
}

func spanMatch(s settings) (*strategy, error) {
	pattern, err := compile(s.Text("pattern"), 0)
	if err != nil {
		return nil, err
	}
	return &strategy{span: func(c *call, text []rune) (int, int, error) {
		start, end, err := pattern.first(c, text)
		return max(start, 0), max(end, 0), err
	}}, nil
}

// spanKeyword counts in the lower-case text where case does not count, as PyRIT does,
// though a few letters are longer there.
func spanKeyword(s settings) (*strategy, error) {
	return spanning(func(_ *call, text []rune) (int, int) {
		where, what := text, []rune(s.Text("keyword"))
		size := len(what)
		if !s.Boolean("case_sensitive") {
			where, what = []rune(lower(string(where))), []rune(lower(string(what)))
		}
		at := indexRunes(where, what)
		if at < 0 {
			return 0, 0
		}
		start := max(0, int64(at)-s.Integer("context_before"))
		end := min(int64(len(text)), int64(at+size)+s.Integer("context_after"))
		// Python counts a negative end from the end of the text.
		if end < 0 {
			end += int64(len(text))
		}
		return clamp(start, 0, len(text)), clamp(end, 0, len(text))
	}), nil
}

func indexRunes(where, what []rune) int {
	for at := 0; at+len(what) <= len(where); at++ {
		if slices.Equal(where[at:at+len(what)], what) {
			return at
		}
	}
	return -1
}

func spanRange(s settings) (*strategy, error) {
	from, to, err := ordered(s)
	return spanning(func(_ *call, text []rune) (int, int) {
		return int(float64(len(text)) * from), int(float64(len(text)) * to)
	}), err
}

func spanProportion(s settings) (*strategy, error) {
	return spanning(func(c *call, text []rune) (int, int) {
		size := int(float64(len(text)) * s.Number("proportion"))
		start := 0
		switch s.Text("anchor") {
		case "end":
			start = len(text) - size
		case "middle":
			start = (len(text) - size) / 2
		case "random":
			start = s.generator(c).IntN(len(text) - size + 1)
		}
		return start, start + size
	}), nil
}
