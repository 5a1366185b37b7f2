package evidence

import (
	"time"

	"github.com/rivo/uniseg"
	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/violentutf/violentutf/storage"
)

// MaxCompared is how many bytes two texts may have together to be compared.
const MaxCompared = 1 << 20

// patience is how long the shortest difference is searched for; then the rest is told
// as deleted and inserted.
const patience = 500 * time.Millisecond

// Difference tells how a became b, by words (UAX 29; what stands between words is a
// word as well). The hunks EQUAL and DELETE together are a, EQUAL and INSERT are b.
// Invalid UTF-8 is replaced. Errors are BAD_USER_INPUT beyond MaxCompared.
func Difference(a, b string) (*storage.MessageDifference, error) {
	if len(a)+len(b) > MaxCompared {
		return nil, storage.Errorf(storage.CodeBadInput, "the two texts have %d bytes together and at most %d can be compared", len(a)+len(b), MaxCompared)
	}
	var words lexicon
	from, to := words.read(a), words.read(b)
	differ := diffmatchpatch.New()
	differ.DiffTimeout = patience
	runs := differ.DiffMainRunes(from, to, false)
	difference := &storage.MessageDifference{Hunks: make([]*storage.DifferenceHunk, len(runs)), Identical: true}
	for i, run := range runs {
		difference.Hunks[i] = &storage.DifferenceHunk{Kind: kinds[run.Type], Text: words.write(run.Text)}
		difference.Identical = difference.Identical && run.Type == diffmatchpatch.DiffEqual
	}
	return difference, nil
}

var kinds = map[diffmatchpatch.Operation]storage.DifferenceKind{
	diffmatchpatch.DiffEqual:  storage.DifferenceEqual,
	diffmatchpatch.DiffInsert: storage.DifferenceInsert,
	diffmatchpatch.DiffDelete: storage.DifferenceDelete,
}

// lexicon gives each word a rune of its own, because the library compares runes.
// MaxCompared keeps the number of words below that of runes.
type lexicon struct {
	runes map[string]rune
	words map[rune]string
	next  rune
}

func (l *lexicon) read(text string) []rune {
	if l.runes == nil {
		l.runes, l.words, l.next = map[string]rune{}, map[rune]string{}, 1
	}
	var read []rune
	for state := -1; text != ""; {
		var word string
		word, text, state = uniseg.FirstWordInString(text, state)
		known, ok := l.runes[word]
		if !ok {
			// The library makes strings of the runes, which a surrogate would not survive.
			if l.next == 0xD800 {
				l.next = 0xE000
			}
			if l.next == '\uFFFD' {
				l.next++ // stands for what is no rune
			}
			known = l.next
			l.runes[word], l.words[known] = known, word
			l.next++
		}
		read = append(read, known)
	}
	return read
}

func (l *lexicon) write(read string) string {
	var text []byte
	for _, known := range read {
		text = append(text, l.words[known]...)
	}
	return string(text)
}
