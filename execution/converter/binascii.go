package converter

import "strings"

func newBinASCII(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	encode, joint := hexUpper, "20"
	switch s.Text("encoding_func") {
	case "quoted-printable":
		encode, joint = quotePrintable, "=20"
	case "UUencode":
		encode, joint = uuencode, ""
	}
	made.begin = simply(encode)
	made.join = func(words []string, all bool) (string, error) {
		if !all {
			return strings.Join(words, " "), nil
		}
		return strings.Join(words, joint), nil
	}
	return made.convert, nil
}

// quotedLine is the longest line of RFC 2045, section 6.7.
const quotedLine = 76

// quotePrintable is Python's binascii.b2a_qp, which differs from mime/quotedprintable:
// a lone CR stays, and a dot alone on its line is encoded (for SMTP).
func quotePrintable(text string) string {
	var out []byte
	ending, column := "\n", 0
	if at := strings.IndexByte(text, '\n'); at > 0 && text[at-1] == '\r' {
		ending = "\r\n"
	}
	wrap := func() { out, column = append(append(out, '='), ending...), 0 }
	for at := 0; at < len(text); {
		octet, last := text[at], at+1 == len(text)
		if quoted(text, at, column) {
			if column+3 >= quotedLine {
				wrap()
			}
			out, column, at = append(out, "="+hexUpper(text[at:at+1])...), column+3, at+1
			continue
		}
		if octet == '\n' || octet == '\r' && !last && text[at+1] == '\n' {
			column = 0
			if size := len(out); size > 0 && (out[size-1] == ' ' || out[size-1] == '\t') {
				out = append(out[:size-1], "="+hexUpper(string(out[size-1:]))...)
			}
			out, at = append(out, ending...), at+1
			if octet == '\r' {
				at++
			}
			continue
		}
		if !last && text[at+1] != '\n' && column+1 >= quotedLine {
			wrap()
		}
		out, column, at = append(out, octet), column+1, at+1
	}
	return string(out)
}

func quoted(text string, at, column int) bool {
	octet, last := text[at], at+1 == len(text)
	switch {
	case octet > 126 || octet == '=':
		return true
	case octet == '.' && column == 0:
		return last || strings.IndexByte("\n\r\x00", text[at+1]) >= 0
	case octet == ' ' || octet == '\t':
		return last
	}
	return octet < 33 && octet != '\r' && octet != '\n'
}

// uuencode is lines of 45 octets without the begin and end lines.
func uuencode(text string) string {
	var out strings.Builder
	for len(text) > 0 {
		line := text[:min(45, len(text))]
		text = text[len(line):]
		out.WriteByte(' ' + byte(len(line)))
		for ; len(line) > 0; line = line[min(3, len(line)):] {
			var group [3]byte
			copy(group[:], line)
			whole := uint32(group[0])<<16 | uint32(group[1])<<8 | uint32(group[2])
			for shift := 18; shift >= 0; shift -= 6 {
				out.WriteByte(' ' + byte(whole>>shift&0x3f))
			}
		}
		out.WriteByte('\n')
	}
	return strings.TrimRight(out.String(), "\n")
}
