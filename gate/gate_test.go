package gate

import (
	"strings"
	"testing"
)

func TestConditionsCompareFigures(t *testing.T) {
	figures := Figures{"rate": 0.2, "lower": 0.1, "upper": 0.35, "successes": 4, "failures": 16, "undetermined": 0, "errors": 2, "total": 22, "calls": 25, "cost": 0.5}
	for text, want := range map[string]bool{
		"lower > 0.05": true, "lower > 0.1": false, "lower >= 0.1": true, "upper < .5": true, "upper <= 0.3": false,
		"errors == 2": true, "errors != 2": false, "total<22": false, " successes>3 ": true, "cost >= 5e-1": true, "calls > -1": true,
		"lower > 0.5 or errors > 1":                       true,
		"lower > 0.05 and errors > 2":                     false,
		"errors > 5 and total > 1 or rate == 0.2":         true,
		"errors > 5 and (total > 1 or rate == 0.2)":       false,
		"(errors > 1) && ((total > 1) || successes > 99)": true,
	} {
		condition, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := condition.Check(figures); got.Met != want || got.Unknown || got.Message == "" || got.Condition != strings.TrimSpace(text) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestWhatIsNotKnownDoesNotLetPass(t *testing.T) {
	figures := Figures{"total": 3, "errors": 3}
	for text, want := range map[string]Verdict{
		"rate > 0.5":                 {Met: true, Unknown: true},
		"lower < 2 or total > 100":   {Met: true, Unknown: true},
		"rate > 0.5 or errors > 1":   {Met: true},
		"rate > 0.5 and total > 100": {},
		"rate > 0.5 and total > 1":   {Met: true, Unknown: true},
	} {
		condition, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got := condition.Check(figures)
		if got.Met != want.Met || got.Unknown != want.Unknown || got.Unknown != strings.Contains(got.Message, "cannot tell") {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestErrorsOfConditionsNameThePlace(t *testing.T) {
	for text, says := range map[string]string{
		"":                     "at its end one of rate, lower",
		"lowr > 0.05":          `at column 1 stands "lowr", expected one of rate, lower`,
		"lower":                "at its end one of >, >=",
		"lower = 0.05":         `expected "=" after "="`,
		"lower =>0.05":         `at column 8 stands ">"`,
		"lower > ":             "at its end a number",
		"lower > high":         `at column 9 stands "high", expected a number`,
		"lower > 5%":           `at column 10 stands "%", expected "and", "or" or the end`,
		"lower > 1e999":        "expected a number",
		"lower > 0x":           "expected a number",
		"0.05 < lower":         `at column 1 stands "0.05"`,
		"lower > 1 errors > 2": `at column 11 stands "errors"`,
		"lower > 1 & errors>2": `expected "&&"`,
		"(lower > 1":           `at its end ")" is missing`,
		"lower > 1 and":        "at its end one of rate",
		"cost > \"1\"":         "expected a number",
		strings.Repeat("(", 30) + "rate > 1" + strings.Repeat(")", 30): "more than 20 deep",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want one that says %q", text, err, says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("lower > 0.05 and (errors < 3 or total == 1)")
	f.Fuzz(func(t *testing.T, text string) {
		condition, err := Parse(text)
		if err != nil {
			return
		}
		condition.Check(Figures{})
		if _, err := Parse(condition.String()); err != nil {
			t.Errorf("%q was read, and again not: %v", text, err)
		}
	})
}
