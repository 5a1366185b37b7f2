package memory

import "testing"

// The outputs are those of PyRIT 1.1.0's own converters.
func TestConvertersAgreeWithPyRIT(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"Base64, then ROT13", ROT13(Base64("Encoded objective 0")), "EJ5wo2EyMPOiLzcyL3EcqzHtZN=="},
		{"ROT13", ROT13("Hello, World!"), "Uryyb, Jbeyq!"},
		{"Caesar", Caesar3("ALL CAPS and lower, numb3rs"), "DOO FDSV dqg orzhu, qxpe6uv"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
