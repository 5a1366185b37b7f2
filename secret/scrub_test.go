package secret

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestScrubberTakesOutEveryFormOfAValue(t *testing.T) {
	s := NewScrubber()
	s.Add("Bearer secret-0002")
	s.Add(`pä"ss/wo<rd`)
	s.Add("https://bob:hunter%2Ftwo@h/x")
	jsonForm, err := json.Marshal(map[string]string{"k": `pä"ss/wo<rd`})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"Bearer secret-0002", "only secret-0002 alone", `pä"ss/wo<rd`, string(jsonForm),
		`{"k": "p\u00e4\"ss/wo<rd"}`, "q=" + url.QueryEscape(`pä"ss/wo<rd`), "hunter%2Ftwo", "hunter/two",
	} {
		cleaned, found := s.Clean(text)
		if !found || !strings.Contains(cleaned, Marker) {
			t.Errorf("%q stayed", text)
		}
	}
	for _, text := range []string{"", "nothing here", "bob", Marker} {
		if cleaned, found := s.Clean(text); found || cleaned != text {
			t.Errorf("%q became %q", text, cleaned)
		}
	}
}

func TestScrubberTakesTheLongestFirst(t *testing.T) {
	s := NewScrubber()
	s.Add("abcdef")
	s.Add("abcdefghi")
	if got, _ := s.Clean("x abcdefghi y abcdef z"); got != "x [sealed] y [sealed] z" {
		t.Errorf("got %q", got)
	}
}

func TestScrubberLeavesShortValuesAndWords(t *testing.T) {
	s := NewScrubber()
	for _, value := range []string{"", "abcde", "password", "OpenAI", "Bearer token", "sealed", "https://u:abc@h/not"} {
		s.Add(value)
	}
	const text = "abcde: my password for OpenAI, abc, a Bearer token"
	if got, found := s.Clean(text); found || got != text {
		t.Errorf("got %q", got)
	}
}

func TestScrubberCleansWhileValuesAreAdded(t *testing.T) {
	s := NewScrubber()
	s.Add("value-zero")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 50 {
				s.Add(fmt.Sprintf("value-%d-%d", i, j))
				if got, found := s.Clean("a value-zero b"); !found || got != "a [sealed] b" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	all.Wait()
	if got, _ := s.Clean("value-3-49"); got != Marker {
		t.Errorf("got %q", got)
	}
	if printed := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(printed, "value-") {
		t.Errorf("printed %s", printed)
	}
}

func TestCleanPatternsKeepsWhatAnErrorSays(t *testing.T) {
	for text, want := range map[string]string{
		"401 from https://bob:pw@h/v1: bad key sk-proj-a1b2c3d4e5":       "401 from https://bob:[sealed]@h/v1: bad key [sealed]",
		`post: body {"model":"m","api_key":"x y\"z","n":1}`:              `post: body {"model":"m","api_key":"[sealed]","n":1}`,
		`repr: {'password': "it's", 'a': 1}`:                             `repr: {'password': "[sealed]", 'a': 1}`,
		`curl -H "Authorization: Bearer abc" -H 'X-Api-Key: k' http://h`: `curl -H "Authorization: [sealed]" -H 'X-Api-Key: [sealed]' http://h`,
		"headers ('Authorization', 'Bearer x')":                          "headers ('Authorization', '[sealed]')",
		`body "a\nsk-a1b2c3d4e5\n"`:                                      `body "a\n[sealed]\n"`,
		"OPENAI_API_KEY=abcdef12 exit 1":                                 "OPENAI_API_KEY=[sealed] exit 1",
		"GET /v1?api_key=abc&q=1 failed":                                 "GET /v1?api_key=[sealed]&q=1 failed",
		"parse token: unexpected end of input":                           "parse token: unexpected end of input",
		"basic understanding is the bearer of truth; max_tokens=4096 ok": "basic understanding is the bearer of truth; max_tokens=4096 ok",
	} {
		got, found := CleanPatterns(text)
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
		if (len(found) > 0) != (want != text) {
			t.Errorf("%q: found %q", text, found)
		}
	}
}

func TestLastFourTellsNothingOfShortValues(t *testing.T) {
	for value, want := range map[string]string{"": "", "elevenchars": "", "twelve-chars": "hars", "zwölf-Zeichenß": "henß"} {
		if got := LastFour(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}
