package schema

import (
	"fmt"
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalDateTime writes a time as RFC 3339 in UTC, cut to microseconds, which is
// what both engines keep.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		text := make([]byte, 0, len(time.RFC3339Nano)+2)
		text = append(text, '"')
		text = t.UTC().Truncate(time.Microsecond).AppendFormat(text, time.RFC3339Nano)
		_, _ = w.Write(append(text, '"'))
	})
}

// UnmarshalDateTime reads a time as RFC 3339, of any offset.
func UnmarshalDateTime(v any) (time.Time, error) {
	text, isText := v.(string)
	if !isText {
		return time.Time{}, fmt.Errorf("a DateTime is a string such as 2026-02-03T04:05:06Z, not %T", v)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no DateTime: write it as 2026-02-03T04:05:06Z", text)
	}
	return t.UTC(), nil
}
