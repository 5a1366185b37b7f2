package garak

import "encoding/json"

// These split one level of JSON that is known to be valid, without looking into
// what lies below: encoding/json would check every level again each time, which is
// half of an import's time. What they give is part of what they were given.

// splitObject calls member with the raw name and value of each member.
func splitObject(raw []byte, member func(name, value json.RawMessage)) {
	for i := skipSpace(raw, 1); i < len(raw) && raw[i] != '}'; {
		end := endOfValue(raw, i)
		name := raw[i:end]
		i = skipSpace(raw, skipSpace(raw, end)+1) // the colon
		end = endOfValue(raw, i)
		member(name, raw[i:end])
		i = skipComma(raw, end)
	}
}

// splitList calls element with each element.
func splitList(raw []byte, element func(json.RawMessage)) {
	for i := skipSpace(raw, 1); i < len(raw) && raw[i] != ']'; {
		end := endOfValue(raw, i)
		element(raw[i:end])
		i = skipComma(raw, end)
	}
}

// endOfValue is where the value that begins at i ends.
func endOfValue(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = endOfString(raw, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			i++
			continue
		default: // a number, true, false or null
			for i < len(raw) && !isDelimiter(raw[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(raw)
}

func endOfString(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ':', ' ', '\t', '\r', '\n', '}', ']':
		return true
	}
	return false
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\r' || raw[i] == '\n') {
		i++
	}
	return i
}

func skipComma(raw []byte, i int) int {
	if i = skipSpace(raw, i); i < len(raw) && raw[i] == ',' {
		i = skipSpace(raw, i+1)
	}
	return i
}
