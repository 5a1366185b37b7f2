package schema

import (
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/storage"
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

// UnmarshalDateTime reads a time as RFC 3339, of any offset. BAD_USER_INPUT for
// everything else: GraphQL itself does not look into a variable of this type.
func UnmarshalDateTime(v any) (time.Time, error) {
	text, isText := v.(string)
	if !isText {
		return time.Time{}, storage.Errorf(storage.CodeBadInput, "a DateTime is a string such as 2026-02-03T04:05:06Z, not %T", v)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, storage.Errorf(storage.CodeBadInput, "%q is no DateTime: write it as 2026-02-03T04:05:06Z", text)
	}
	return t.UTC(), nil
}

// MarshalLong writes a whole number.
func MarshalLong(number int64) graphql.Marshaler { return graphql.MarshalInt64(number) }

// UnmarshalLong reads a whole number of 64 bits. BAD_USER_INPUT for everything else.
func UnmarshalLong(v any) (int64, error) {
	number, err := graphql.UnmarshalInt64(v)
	if err != nil {
		return 0, storage.Errorf(storage.CodeBadInput, "a Long is a whole number of up to 64 bits: write it as 42")
	}
	return number, nil
}

// MarshalUpload is for the executor's sake: no field answers an upload.
func MarshalUpload(storage.Upload) graphql.Marshaler { return graphql.Null }

// UnmarshalUpload takes an upload that the transport of files has put into the variables.
// BAD_USER_INPUT for everything else.
func UnmarshalUpload(v any) (storage.Upload, error) {
	upload, ok := v.(storage.Upload)
	if !ok {
		return storage.Upload{}, storage.Errorf(storage.CodeBadInput, "an Upload is a file: send the request as multipart/form-data, with null in the variable and the file in a part of its own")
	}
	return upload, nil
}
