package converter

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

func bijections() []*kind {
	mapping := func() *storage.Parameter {
		return parameter("mapping", storage.ParameterJSON, `What each letter becomes, like {"a": "q"}; drawn without it.`, nil)
	}
	return []*kind{
		describe("LetterBijectionConverter", "Shuffled letters", "Replaces letters by other letters.", newLetterBijection,
			between(parameter("fixed_size", storage.ParameterInteger, "How many letters from a on stay.", 0), 0, 26), mapping(), seedParameter()),
		describe("DigitBijectionConverter", "Letters as numbers", "Replaces letters by numbers, capitals after an apostrophe.", newDigitBijection,
			between(parameter("num_digits", storage.ParameterInteger, "Digits of a number.", 2), 2, 4), mapping(), seedParameter()),
	}
}

func newLetterBijection(s settings) (conversion, error) {
	fixed := int(s.Integer("fixed_size"))
	return bijection(s, "", func(random *rand.Rand) map[string]string {
		made := map[string]string{}
		order := random.Perm(26 - fixed)
		for letter := range 26 {
			to := letter
			if letter >= fixed {
				to = fixed + order[letter-fixed]
			}
			made[string(rune('a'+letter))] = string(rune('a' + to))
		}
		return made
	})
}

func newDigitBijection(s settings) (conversion, error) {
	low := 1
	for range s.Integer("num_digits") - 1 {
		low *= 10
	}
	return bijection(s, "'", func(random *rand.Rand) map[string]string {
		made := map[string]string{}
		for letter, number := range sample(random, 9*low, 26) {
			made[string(rune('a'+letter))] = strconv.Itoa(low + number)
		}
		return made
	})
}

// bijection replaces by a mapping that was passed or that draw makes. A capital is
// told by the mark before it, or by a capital of what replaces it.
func bijection(s settings, mark string, draw func(*rand.Rand) map[string]string) (conversion, error) {
	var given map[string]string
	if s.Has("mapping") && json.Unmarshal([]byte(s.JSON("mapping")), &given) != nil {
		return nil, bad("mapping", `pass texts by letter, like {"a": "q"}`)
	}
	return func(c *call, text string) (string, error) {
		mapping := given
		if mapping == nil {
			mapping = draw(s.generator(c))
		}
		var out output
		for _, char := range text {
			// Characters of two in lower case (U+0130) are in no mapping.
			to, there := mapping[lower(string(char))]
			switch {
			case !there:
				out.add(string(char))
			case !isUpper(char):
				out.add(to)
			case mark != "":
				out.add(mark + to)
			default:
				out.add(upper(to))
			}
		}
		return out.result()
	}, nil
}
