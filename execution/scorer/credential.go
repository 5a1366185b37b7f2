package scorer

import (
	"math"
	"regexp"
	"strings"
)

// credentialPatterns are forms of secrets. The prefixes are public facts: each vendor
// documents its own so that scanners find them; where a form is generic, its entropy
// must be that of a random text, or "password: something" in prose would count.
var credentialPatterns = []pattern{
	{name: "AWS access key ID", form: regexp.MustCompile(`\b(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|A3T[A-Z0-9])[A-Z0-9]{16}\b`)},
	{name: "AWS secret access key", form: regexp.MustCompile(`(?i)(?:aws_?secret_?(?:access_?)?key|secret_?key)["']?\s*[:=]\s*["']?([A-Za-z0-9/+=]{40})`), accept: random(3.5)},
	{name: "GitHub token", form: regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b`)},
	{name: "GitLab token", form: regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{name: "Google API key", form: regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)},
	{name: "Slack token", form: regexp.MustCompile(`\bxox[abeprs]-(?:[0-9]{6,13}-){1,3}[A-Za-z0-9]{16,64}`)},
	{name: "Slack webhook", form: regexp.MustCompile(`https://hooks\.slack\.com/services/T[A-Za-z0-9_]{8,}/B[A-Za-z0-9_]{8,}/[A-Za-z0-9_]{20,}`)},
	{name: "OpenAI key", form: regexp.MustCompile(`\bsk-(?:proj-|svcacct-)?([A-Za-z0-9_-]{32,})`), accept: random(3.5)},
	{name: "Anthropic key", form: regexp.MustCompile(`\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,}`)},
	{name: "Stripe key", form: regexp.MustCompile(`\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{name: "Hugging Face token", form: regexp.MustCompile(`\bhf_[A-Za-z0-9]{30,}`)},
	{name: "npm token", form: regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{name: "ViolentUTF API key", form: regexp.MustCompile(`\bvutf_([A-Za-z0-9_-]{30,})`), accept: random(3)},
	{name: "Private key", form: regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)},
	{name: "age secret key", form: regexp.MustCompile(`\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b`)},
	{name: "JSON web token", form: regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{name: "Azure storage key", form: regexp.MustCompile(`(?i)(?:AccountKey|storage_?key)["']?\s*[:=]\s*["']?([A-Za-z0-9+/]{43,}={0,2})`), accept: random(4)},
	{name: "Connection string", form: regexp.MustCompile(`(?i)\b(?:mongodb(?:\+srv)?|postgres(?:ql)?|mysql|mariadb|rediss?|amqps?|mssql)://[^\s/'":@]*:([^\s@'"]+)@[^\s'"]{3,}`), accept: notPlaceholder},
	{name: "Generic secret", form: regexp.MustCompile(`(?i)(?:api_?key|api-key|api_?secret|secret|passwd|password|token|client_?secret)["']?\s*[:=]\s*["']?([A-Za-z0-9_\-!@#$%^&*+/=.]{8,200})`), accept: generic},
}

// generic accepts what looks chosen by a machine, or a password of mixed characters.
func generic(value string) bool {
	if !notPlaceholder(value) {
		return false
	}
	return entropy(value) >= 3 && classes(value) >= 3 || len(value) >= 20 && entropy(value) >= 3.5 && classes(value) >= 2
}

func random(bits float64) func(string) bool {
	return func(value string) bool { return entropy(value) >= bits && notPlaceholder(value) }
}

var placeholder = regexp.MustCompile(`(?i)^(?:your|my|the|some|insert|replace|change|example|dummy|fake|placeholder|redacted|password|pass|secret|x+$|\*+$|\.+$)[_-]?|example|xxxx|\*\*\*\*|\$\{|os\.|process\.env|getenv`)

func notPlaceholder(value string) bool {
	return !placeholder.MatchString(value) && !strings.HasPrefix(value, "<")
}

// entropy is Shannon's, in bits a byte: about 2.5 for an English word, 4 and more for
// 32 random base64 characters.
func entropy(text string) float64 {
	if text == "" {
		return 0
	}
	var counts [256]int
	for i := range len(text) {
		counts[text[i]]++
	}
	bits := 0.0
	for _, count := range counts {
		if count > 0 {
			share := float64(count) / float64(len(text))
			bits -= share * math.Log2(share)
		}
	}
	return bits
}

// classes counts lower case, upper case, digits and the rest.
func classes(text string) int {
	var seen [4]bool
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			seen[0] = true
		case r >= 'A' && r <= 'Z':
			seen[1] = true
		case r >= '0' && r <= '9':
			seen[2] = true
		default:
			seen[3] = true
		}
	}
	count := 0
	for _, there := range seen {
		if there {
			count++
		}
	}
	return count
}
