package secret

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// sweep takes the values that an extraction found out of the other leaves, the keys
// and the numbers too: a key that stands under "api_key" can be repeated in a
// "description".
type sweep struct {
	scrubber *Scrubber
	first    map[string]string // what the extraction found, by path
	values   map[string]string // that and what the sweep found, by the clean path
}

// walk goes over the extraction's result. A path changes where a key does: was is the
// extraction's, now the clean one.
func (s *sweep) walk(was, now string, value any) any {
	original, found := s.first[was]
	if found {
		s.values[now] = original
	}
	switch value := value.(type) {
	case map[string]any:
		return s.walkMap(was, now, value)
	case []any:
		out := make([]any, len(value))
		for i, child := range value {
			step := strconv.Itoa(i)
			out[i] = s.walk(pointer(was, step), pointer(now, step), child)
		}
		return out
	case nil, bool:
		return value
	case string:
		cleaned := s.clean(value)
		if cleaned != value && !found {
			s.values[now] = value
		}
		return cleaned
	}
	text, err := json.Marshal(value)
	if err != nil || s.clean(string(text)) == string(text) {
		return value
	}
	s.values[now] = string(text)
	return Marker
}

func (s *sweep) walkMap(was, now string, value map[string]any) any {
	out := make(map[string]any, len(value))
	for _, key := range slices.Sorted(maps.Keys(value)) {
		name := s.clean(key)
		for i := 2; name != key && taken(name, value, out); i++ {
			name = s.clean(key) + " " + strconv.Itoa(i)
		}
		out[name] = s.walk(pointer(was, key), pointer(now, name), value[key])
	}
	return out
}

// taken keeps a renamed key from another's place.
func taken(name string, before, after map[string]any) bool {
	_, a := before[name]
	_, b := after[name]
	return a || b
}

// clean is the scrubber's, but certain: where the marks themselves complete another
// value, everything goes.
func (s *sweep) clean(text string) string {
	cleaned, found := s.scrubber.Clean(text)
	if !found {
		return text
	}
	if _, again := s.scrubber.Clean(cleaned); again {
		return Marker
	}
	return cleaned
}
