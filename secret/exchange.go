package secret

import "strings"

// CleanExchange takes credentials out of what goes over the wire, a request or a response:
// those that are known, the values of headers that hold one, what looks like one, and
// wherever it stands again what was found so. Headers are what comes before the first
// empty line, if each line of it but the first is one.
func CleanExchange(text string, known *Scrubber) string {
	if known != nil {
		text, _ = known.Clean(text)
	}
	head, rest := headOf(text)
	head, inHead := cleanText(head, true)
	rest, inRest := cleanText(rest, false)
	found := NewScrubber()
	found.Add(append(inHead, inRest...)...)
	text, _ = found.Clean(head + rest)
	return text
}

// headOf parts the headers of a text from its body.
func headOf(text string) (head, rest string) {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		head, rest, cut := strings.Cut(text, end)
		if !cut {
			continue
		}
		lines := head
		if first, others, several := strings.Cut(head, "\n"); several && !isHeaderText(first) {
			lines = others // the request line, or the status line
		}
		if isHeaderText(lines) {
			return head + end, rest
		}
	}
	return "", text
}
