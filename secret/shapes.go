package secret

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Marker stands where a credential stood.
const Marker = "[sealed]"

// CleanPatterns takes out of a free text, such as an error or a log line, what looks
// like a credential: keys of well-known services, Bearer and Basic values, header
// lines, JSON members and assignments with a credential's name, passwords and keys in
// URLs, private keys. It gives the text with each replaced by Marker, and what it
// took out. A credential without any such sign stays: for known ones use a Scrubber.
func CleanPatterns(text string) (string, []string) {
	return cleanText(text, false)
}

// LastFour gives the last four characters of a value of at least twelve, for a person
// to tell keys apart; of a shorter one nothing, because four would tell too much.
func LastFour(value string) string {
	runes := []rune(value)
	if len(runes) < 12 {
		return ""
	}
	return string(runes[len(runes)-4:])
}

// shapes are credentials by their look alone. Group 1, where there is one, is the
// secret in the match. A text without the hint, in lower case, is not searched. A
// shape with a check must also pass it.
var shapes = []struct {
	hint string
	*regexp.Regexp
	check func(secret string) bool
}{
	{"-----begin", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`), nil},
	{"eyj", key(`eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*`), nil}, // JWT, RFC 7519
	{"k-", key(`(?:sk|rk|pk)-[A-Za-z0-9_-]{8,}`), looksRandom},                   // OpenAI, Anthropic, OpenRouter, Langfuse
	{"k_", key(`(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}`), nil},
	{"gh", key(`gh[pousr]_[A-Za-z0-9]{10,}`), nil},
	{"github_pat_", key(`github_pat_[A-Za-z0-9_]{10,}`), nil},
	{"glpat-", key(`glpat-[A-Za-z0-9_-]{10,}`), nil},
	{"xox", key(`xox[abeprs]-[A-Za-z0-9-]{8,}`), nil},
	{"a", key(`(?:AKIA|ASIA)[0-9A-Z]{16}\b`), nil},
	{"aiza", key(`AIza[A-Za-z0-9_-]{20,}`), nil},
	{"_", key(`(?:hf|gsk|r8|npm)_[A-Za-z0-9]{8,}`), looksRandom},
	{"-", key(`(?:nvapi|pplx|xai)-[A-Za-z0-9_-]{12,}`), looksRandom},
	{"vutf_", key(`vutf_[A-Za-z0-9_-]{8,}`), nil},
	{"age-secret-key-", key(`AGE-SECRET-KEY-[A-Z0-9-]{10,}`), nil},
	{"bearer", regexp.MustCompile(`(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{6,})`), looksRandom},
	{"basic", regexp.MustCompile(`(?i)\bbasic\s+([A-Za-z0-9+/_=-]{6,})`), isBasicPair},
}

// key is a key that begins as a word does, or after an escaped line break or tab.
func key(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?:\b|\\[nrt])(` + pattern + `)`)
}

var (
	// wholeBearer is a text that is nothing but a Bearer value, random or not.
	wholeBearer = regexp.MustCompile(`(?i)^\s*bearer\s+(\S+)\s*$`)
	// urlLogin finds user information in URLs (RFC 3986 section 3.2.1) up to the last @.
	urlLogin = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#"'<>]+)@`)
	// urlSlash is the same with an unescaped slash in the password, which is a
	// mistake that people make.
	urlSlash = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:"'<>]*:([^\s@"'<>]+)@`)
	// The next three end where the value begins: where it ends depends on the name
	// and the quote, and a pattern that ran on to it would read long lines many times.
	header     = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_-]*)[ \t]*:[ \t]*`)
	member     = regexp.MustCompile(`\\*["']([A-Za-z0-9_. -]+)\\*["']\s*([:=,])\s*(\\*["'])`)
	assignment = regexp.MustCompile(`(^|[^A-Za-z0-9_.-])([A-Za-z0-9_.-]+)\s*=\s*(["']?)`)

	// headerName is the bare name of a header, such as X-API-Key.
	headerName     = regexp.MustCompile(`^[A-Za-z]+(?:-[A-Za-z]+)*$`)
	headerText     = regexp.MustCompile(`^\s*(?:[A-Za-z][A-Za-z0-9_-]*[ \t]*:[^\r\n]*(?:[\r\n]+|$))+$`)
	slashAfterPort = regexp.MustCompile(`^[0-9]+/`)
)

// cleanText is CleanPatterns; with headers, lines are read as HTTP headers, where more
// names are credentials. What it takes out is each once, in order of finding.
func cleanText(text string, headers bool) (string, []string) {
	var found []string
	seen := make(map[string]bool)
	take := func(secret string) bool {
		if isPlaceholder(secret) {
			return false
		}
		// A value around an earlier find goes from the text, but is no value by itself.
		if !strings.Contains(secret, Marker) && !seen[secret] {
			seen[secret] = true
			found = append(found, secret)
		}
		return true
	}
	if m := wholeBearer.FindStringSubmatchIndex(text); m != nil && take(text[m[2]:m[3]]) {
		return text[:m[2]] + Marker + text[m[3]:], found
	}
	if strings.ContainsAny(text, ":=,") {
		text = cleanNamed(text, headers, take)
	}
	lower := strings.ToLower(text)
	for _, shape := range shapes {
		if !strings.Contains(lower, shape.hint) {
			continue
		}
		group := shape.NumSubexp()
		text = replace(shape.Regexp, text, take, func(m match) (int, int, bool) {
			secret := m.group(group)
			return m.back(group), m.back(group) + len(secret), shape.check == nil || shape.check(secret)
		})
	}
	return text, found
}

// cleanNamed takes out what stands after a credential's name, and in URLs.
func cleanNamed(text string, headers bool, take func(string) bool) string {
	text = replace(header, text, take, func(m match) (int, int, bool) {
		return headerSecret(m.group(1), m.rest(), headers)
	})
	text = replace(member, text, take, func(m match) (int, int, bool) {
		end := quotedEnd(m.rest(), m.group(3))
		strict := isHeaderLike(m.group(1)) || headers
		known := isCredentialName(m.group(1)) || strict && isCredentialHeader(m.group(1))
		return 0, end, known && (m.group(2) != "," || strict)
	})
	if strings.Contains(text, "://") {
		text = replace(urlLogin, text, take, func(m match) (int, int, bool) {
			from, to, ok := loginSecret(m.group(1))
			return m.back(1) + from, m.back(1) + to, ok
		})
		text = replace(urlSlash, text, take, func(m match) (int, int, bool) {
			login := m.group(1)
			return m.back(1), m.back(1) + len(login), strings.Contains(login, "/") && !slashAfterPort.MatchString(login)
		})
	}
	return replace(assignment, text, take, func(m match) (int, int, bool) {
		if !isCredentialQuery(m.group(2)) {
			return 0, 0, false
		}
		value := m.rest()[:assignedEnd(m.rest(), m.group(3))]
		bound := m.group(1) == "" || strings.ContainsAny(m.group(1), "?&;")
		return 0, len(value), bound || isCredentialName(m.group(2)) && looksRandom(value)
	})
}

// match is one match of a pattern; at are its absolute bounds, two for each group.
type match struct {
	text string
	at   []int
}

func (m match) group(i int) string { return m.text[m.at[2*i]:m.at[2*i+1]] }

// rest is the text after the match.
func (m match) rest() string { return m.text[m.at[1]:] }

// back is where a group begins, from the end of the match: negative or zero.
func (m match) back(i int) int { return m.at[2*i] - m.at[1] }

// replace puts Marker where choose finds a secret, in bytes from the end of the match,
// and take accepts it.
func replace(pattern *regexp.Regexp, text string, take func(string) bool, choose func(match) (from, to int, ok bool)) string {
	var out strings.Builder
	done := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
		if at[0] < done {
			continue // inside what has just been sealed
		}
		from, to, ok := choose(match{text, at})
		from, to = at[1]+from, at[1]+to
		if !ok || from >= to || !take(text[from:to]) {
			continue
		}
		out.WriteString(text[done:from])
		out.WriteString(Marker)
		done = to
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// isHeaderText says whether each line of a text is a header.
func isHeaderText(text string) bool { return headerText.MatchString(text) }

// quotedEnd is where a quoted value ends that opened with quote, which has backslashes
// before it inside an escaped JSON text.
func quotedEnd(rest, quote string) int {
	for at := 0; ; {
		i := strings.Index(rest[at:], quote)
		if i < 0 {
			return len(rest)
		}
		at += i
		if at == 0 || rest[at-1] != '\\' {
			return at
		}
		at += len(quote)
	}
}

// assignedEnd is where the value of name=value ends.
func assignedEnd(rest, quote string) int {
	if quote != "" {
		return quotedEnd(rest, quote)
	}
	if end := strings.IndexAny(rest, " \t\r\n;&\"'"); end >= 0 {
		rest = rest[:end]
	}
	return len(strings.TrimRight(rest, ",)\\"))
}

// loginSecret finds the password in user:password, or a user that is itself a token.
func loginSecret(login string) (from, to int, ok bool) {
	user, password, found := strings.Cut(login, ":")
	if found {
		return len(user) + 1, len(login), password != ""
	}
	return 0, len(login), len(login) >= 16 || looksRandom(login) && len(login) >= 8
}

// headerSecret takes the whole rest of a line for a header's value, so that
// "Cookie: a=1; b=2" goes at once. Outside of headers a plain word before the colon,
// as in "token: unexpected end", needs a value that looks like one.
func headerSecret(name, rest string, headers bool) (from, to int, ok bool) {
	if headers || isHeaderLike(name) {
		if !isCredentialHeader(name) {
			return 0, 0, false
		}
		if end := strings.IndexAny(rest, "\r\n\"'"); end >= 0 {
			rest = rest[:end]
		}
		return 0, len(strings.TrimRight(rest, " \t\\")), true
	}
	if !isCredentialName(name) {
		return 0, 0, false
	}
	if end := strings.IndexAny(rest, " \t\r\n,;\\\"'"); end >= 0 {
		rest = rest[:end]
	}
	return 0, len(rest), looksRandom(rest)
}

// isHeaderLike says whether a name is that of a header even outside of headers.
func isHeaderLike(name string) bool {
	return strings.Contains(name, "-") || strings.EqualFold(name, "authorization") || strings.EqualFold(name, "cookie")
}

// looksRandom tells a key from a word of a sentence: it has a digit, or is longer
// than words are.
func looksRandom(text string) bool {
	if len(text) < 6 {
		return false
	}
	return strings.ContainsFunc(text, unicode.IsDigit) || len(text) >= 20
}

// isBasicPair says whether text is base64 of user:password (RFC 7617), which
// "basic English" is not.
func isBasicPair(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	return err == nil && strings.Contains(string(raw), ":")
}

// reference is a name in place of a credential, such as ${OPENAI_API_KEY} or {{ key }}.
var reference = regexp.MustCompile(`^(?:\$\{[A-Z_][A-Z0-9_]*\}|\{\{\s*[A-Za-z_][A-Za-z0-9_.]*\s*\}\}|[*•]+|\[[Rr][Ee][Dd][Aa][Cc][Tt][Ee][Dd]\])$`)

// isPlaceholder says whether a value only stands for a credential.
func isPlaceholder(value string) bool {
	value = strings.TrimSpace(value)
	if value == "" || value == Marker || reference.MatchString(value) {
		return true
	}
	if scheme, rest, ok := strings.Cut(value, " "); ok && isScheme(scheme) {
		return isPlaceholder(rest) || isSchemeWord(rest)
	}
	return isSchemeWord(value)
}

func isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic")
}

// isSchemeWord says whether a value names a way to sign in: settings such as
// auth: bearer hold no secret.
func isSchemeWord(word string) bool {
	return slices.Contains([]string{
		"none", "null", "basic", "bearer", "digest", "oauth", "oauth2", "token", "api_key", "apikey", "api-key",
		"authentication", "authorization", "auth",
	}, strings.ToLower(strings.TrimSpace(word)))
}
