package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// FilesByMessage finds the files that messages name.
func (s *Store) FilesByMessage(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey]*storage.MessageFiles, error) {
	found := map[storage.MessageKey]*storage.MessageFiles{}
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	links, err := collect(ctx, s, "read files of messages", `
SELECT l.conversation_no, l.sequence, l.piece, l.part, f.sha256, f.name, f.media_type, f.bytes, f.created_at
FROM message_files l
JOIN files f ON f.owner_id = l.owner_id AND f.sha256 = l.sha256
WHERE l.owner_id = $1 AND `+q.messageKeys("l", keys), q.args, s.scanFileLink)
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		files := found[link.key]
		if files == nil {
			files = &storage.MessageFiles{}
			found[link.key] = files
		}
		if link.part == storage.PartOriginal {
			files.Original = link.file
		} else {
			files.Converted = link.file
		}
	}
	return found, nil
}

// fileLink is a row of message_files with its file.
type fileLink struct {
	key  storage.MessageKey
	part storage.MessagePart
	file *storage.File
}

func (s *Store) scanFileLink(rows *sql.Rows) (fileLink, error) {
	l := fileLink{file: &storage.File{Owner: s.owner}}
	err := rows.Scan(&l.key.Conversation, &l.key.Sequence, &l.key.Piece, &l.part, &l.file.Hash, &l.file.Name,
		&l.file.MediaType, &l.file.Bytes, &l.file.CreatedAt)
	return l, err
}
