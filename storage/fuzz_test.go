package storage

import (
	"strings"
	"testing"
)

// What ParseID takes, String made: an id has one spelling, names one thing, and never
// a store by a key that is too short to be one.
func FuzzParseID(f *testing.F) {
	for _, id := range []ID{
		{Kind: KindWorkspace, Key: "01890000-0000-7000-8000-000000000000"},
		{Kind: KindAttack, Store: "8 bytes!", Key: NumberKey(1)},
		{Kind: KindMessage, Store: "8 bytes!", Key: NumberKey(1, -2, 3)},
		{Kind: KindGenerator, Store: "8 bytes!", Key: "text"},
		{Kind: KindSession, Key: strings.Repeat("ab", 32)},
	} {
		f.Add(id.String())
	}
	f.Add("")
	f.Add("YQ==")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := ParseID(text)
		if !ok {
			return
		}
		again, ok := ParseID(id.String())
		if !ok || again != id || id.String() != text {
			t.Fatalf("%q is %+v, and its own id %q is %+v", text, id, id.String(), again)
		}
		if id.Key == "" || id.Kind.InWorkspace() && id.Kind != KindWorkspace && len(id.Store) != StoreKeyBytes || !id.Kind.InWorkspace() && id.Store != "" {
			t.Fatalf("%q is %+v", text, id)
		}
		for n := range 4 {
			if numbers, ok := id.Numbers(n); ok && (len(numbers) != n || NumberKey(numbers...) != id.Key) {
				t.Fatalf("%q has the numbers %v", text, numbers)
			}
		}
	})
}

// A cursor is of the list that it names, and of no other.
func FuzzParseCursor(f *testing.F) {
	const list = "users/USERNAME/asc"
	f.Add(Cursor{List: list, Value: `"alice"`, Number: "42"}.String(), list)
	f.Add(Cursor{List: list, Value: "' OR 1=1 --", Number: "\x00"}.String(), "users/USERNAME/desc")
	f.Add(Cursor{}.String(), "")
	f.Add("not base64!", list)
	f.Fuzz(func(t *testing.T, text, list string) {
		cursor, err := ParseCursor("after", text, list)
		if err != nil {
			if CodeOf(err) != CodeBadInput {
				t.Fatalf("%q is refused with %v", text, err)
			}
			return
		}
		again, err := ParseCursor("after", cursor.String(), list)
		if err != nil || again != cursor || cursor.List != list {
			t.Fatalf("%q is %+v of %q, read again %+v, %v", text, cursor, list, again, err)
		}
	})
}
