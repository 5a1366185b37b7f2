package secret

import (
	"slices"
	"strings"
	"unicode"
)

// credentialEndings are what the folded name of a credential is or ends in.
var credentialEndings = []string{
	"apikey", "apikeys", "token", "secret", "secrets", "secretkey", "secretkeys",
	"password", "passwords", "passwd", "passphrase", "authorization",
	"cookie", "cookies", "setcookie", "accesskey", "accesskeys", "accesskeyid",
	"privatekey", "privatekeys", "credential", "credentials", "connectionstring",
	"subscriptionkey", "sessionkey", "accountkey", "sharedkey", "sharedaccesssignature",
	"signingkey", "encryptionkey", "masterkey", "authkey", "apitokens", "accesstokens",
	"authtokens", "bearertokens", "refreshtokens", "sessiontokens",
}

// credentialWords are credentials only as the last whole word of a name: as a bare
// ending they would meet "canvas" or "forbearer".
var credentialWords = []string{"sas", "bearer", "pwd", "pat", "jwt"}

// keyOwners come before "key" in the name of a credential, as in openai_key; a
// primary_key or response_key is none.
var keyOwners = []string{
	"openai", "azure", "anthropic", "google", "gemini", "vertex", "hf", "huggingface",
	"cohere", "mistral", "groq", "replicate", "aws", "openrouter", "together", "deepseek",
	"perplexity", "xai", "nvidia", "ollama", "service", "function", "functions", "host",
	"admin", "deployment", "endpoint", "storage",
}

// uncredentialTokens come before "token" in names of counts and of a tokenizer's
// special tokens, such as max_new_token and eos_token.
var uncredentialTokens = []string{
	"max", "min", "num", "total", "input", "output", "prompt", "completion", "per",
	"eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "special", "start", "end",
	"begin", "count", "first", "last",
}

// authNames hold "user:password" or a map of credentials, but sometimes only the
// name of a scheme, which commonWords spares.
var authNames = []string{"auth", "basicauth", "httpauth", "proxyauth"}

// describingNames tell what a credential is for, inside a map that is one.
var describingNames = []string{"type", "kind", "scheme", "in", "provider", "region", "name", "method"}

// isCredentialName says whether a parameter of that name holds a credential.
func isCredentialName(name string) bool {
	words := nameWords(name)
	if len(words) == 0 {
		return false
	}
	folded := strings.Join(words, "")
	if slices.Contains(authNames, folded) {
		return true
	}
	last := words[len(words)-1]
	if slices.Contains(credentialWords, last) {
		return true
	}
	if owner, ok := strings.CutSuffix(folded, "token"); ok {
		return !slices.Contains(uncredentialTokens, owner) &&
			!slices.ContainsFunc(words[:len(words)-1], func(w string) bool { return slices.Contains(uncredentialTokens, w) })
	}
	if owner := strings.TrimSuffix(folded, last); last == "key" &&
		slices.ContainsFunc(keyOwners, func(o string) bool { return strings.HasSuffix(owner, o) }) {
		return true
	}
	return slices.ContainsFunc(credentialEndings, func(ending string) bool { return strings.HasSuffix(folded, ending) })
}

// isCredentialHeader says whether a header of that name holds a credential. Among
// headers every *-Key, *-Auth and *-Signature does.
func isCredentialHeader(name string) bool {
	words := nameWords(name)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	return isCredentialName(name) || slices.Contains([]string{"key", "auth", "signature"}, last)
}

// isHeadersName says whether a parameter of that name holds HTTP headers.
func isHeadersName(name string) bool {
	words := nameWords(name)
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	return strings.HasSuffix(last, "headers") || strings.HasSuffix(last, "header")
}

// nameOfHeader is the name of a parameter without its closing "header".
func nameOfHeader(name string) string {
	words := nameWords(name)
	return strings.Join(words[:len(words)-1], "_")
}

// isCredentialQuery says whether a query parameter of a URL, or a part of a
// connection string, holds a credential.
func isCredentialQuery(name string) bool {
	if isCredentialName(name) {
		return true
	}
	folded := strings.Join(nameWords(name), "")
	return slices.Contains([]string{"key", "sig", "code"}, folded) || strings.HasSuffix(folded, "signature")
}

// isDescribing says whether a name inside a credential's map only describes it.
func isDescribing(name string) bool {
	return slices.Contains(describingNames, strings.Join(nameWords(name), ""))
}

// nameWords cuts a name at its separators and humps into lower-case words:
// "X-API-Key", "xApiKey" and "x_api_key_2" are all x, api, key. A number at the end
// and a closing "value" say which credential, not whether it is one.
func nameWords(name string) []string {
	var words []string
	var word []rune
	cut := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut()
			continue
		case unicode.IsUpper(r) && i > 0:
			afterLower := unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || unicode.IsUpper(runes[i-1]) && beforeLower {
				cut()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	cut()
	for len(words) > 1 {
		end := len(words) - 1
		words[end] = strings.TrimRightFunc(words[end], unicode.IsDigit)
		if words[end] != "" && words[end] != "value" {
			return words
		}
		words = words[:end]
	}
	if len(words) == 1 {
		words[0] = strings.TrimRightFunc(words[0], unicode.IsDigit)
		if words[0] == "" {
			return nil
		}
	}
	return words
}
