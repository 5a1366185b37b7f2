package native

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestEveryListIsWhole(t *testing.T) {
	names, seen := map[string]bool{}, map[string]string{}
	lists, slots := 0, 0
	for _, list := range Lists() {
		if names[list.Name] || ByName(list.Name) != list || list.Title == "" || list.Description == "" || list.License == "" {
			t.Errorf("%s is not whole, or twice", list.Name)
		}
		names[list.Name] = true
		if !list.Available() {
			slots++
			if list.Source == "" || list.Format == "" || list.Mapping["text"].Column == "" {
				t.Errorf("the slot %s does not say how it is filled", list.Name)
			}
			continue
		}
		lists++
		if len(list.Texts) < 20 || len(list.Texts) > 60 || list.Version < 1 || len(list.HarmCategories) == 0 || list.License != License {
			t.Errorf("%s has %d prompts, version %d, categories %v", list.Name, len(list.Texts), list.Version, list.HarmCategories)
		}
		next := list.Prompts()
		for i := 0; ; i++ {
			prompt, err := next()
			if errors.Is(err, io.EOF) {
				if i != len(list.Texts) {
					t.Errorf("%s gives %d of %d prompts", list.Name, i, len(list.Texts))
				}
				break
			}
			if err != nil || strings.TrimSpace(prompt.Text) == "" || len(prompt.HarmCategories) == 0 {
				t.Fatalf("%s: %+v, %v", list.Name, prompt, err)
			}
			if other := seen[prompt.Text]; other != "" {
				t.Errorf("%s has a prompt of %s: %q", list.Name, other, prompt.Text)
			}
			seen[prompt.Text] = list.Name
			for _, name := range list.Parameters {
				if !strings.Contains(prompt.Text, "{{ "+name+" }}") {
					t.Errorf("%s: %q leaves no place for %s", list.Name, prompt.Text, name)
				}
			}
		}
	}
	if lists < 6 || slots != 10 {
		t.Errorf("%d lists and %d slots", lists, slots)
	}
}

// The names under which users of the original know the lists that it takes from PyRIT.
func TestTheNamesOfTheOriginalAreThere(t *testing.T) {
	for _, name := range []string{
		"aya_redteaming", "harmbench", "adv_bench", "xstest", "pku_safe_rlhf", "decoding_trust_stereotypes",
		"many_shot_jailbreaking", "forbidden_questions", "seclists_bias_testing", "wmdp",
	} {
		if list := ByName(name); list == nil || list.Available() {
			t.Errorf("%s: %+v", name, list)
		}
	}
	if ByName("none") != nil {
		t.Error("a list of no name")
	}
}
