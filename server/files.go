package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// linkTTL is how long a link to a file can be followed.
const linkTTL = 10 * time.Minute

// links makes and reads links to files: whoever has one may read that file of that
// workspace for a while, and nothing else. An image in a page can send no token.
type links struct {
	key []byte
	now func() time.Time
}

// make returns the path of a file's content on this server, which it is saved under its
// name.
func (l links) make(owner, hash, name string) (string, error) {
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return "", errors.New("a link to a file whose hash is none")
	}
	signed := binary.BigEndian.AppendUint64(nil, uint64(l.now().Add(linkTTL).Unix()))
	signed = append(append(append(append(signed, sum...), owner...), 0), savedAs(name)...)
	return "/files/" + base64.RawURLEncoding.EncodeToString(append(l.mac(signed), signed...)), nil
}

// read tells which file a link is to. It reports false for every link that was not
// made here or is over, without saying which.
func (l links) read(link string) (owner, hash, name string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(link)
	if err != nil || len(raw) < sha256.Size+8+sha256.Size {
		return "", "", "", false
	}
	mac, signed := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, l.mac(signed)) || uint64(l.now().Unix()) >= binary.BigEndian.Uint64(signed) {
		return "", "", "", false
	}
	owner, name, _ = strings.Cut(string(signed[8+sha256.Size:]), "\x00")
	return owner, hex.EncodeToString(signed[8 : 8+sha256.Size]), name, true
}

// savedAs is the last part of a name, without what hides or reorders its text.
func savedAs(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name[strings.LastIndexAny(name, `/\`)+1:])
	return strings.ToValidUTF8(name[:min(len(name), 255)], "")
}

// mac is over a label too, so that no other text signed with this key is a link.
func (l links) mac(signed []byte) []byte {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte("violentutf file link 2\x00"))
	mac.Write(signed)
	return mac.Sum(nil)
}

// file answers GET /files/{link}. The content comes from strangers: nothing of it may
// run on this server's origin, whatever its type.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	owner, hash, name, ok := s.links.read(r.PathValue("link"))
	if !ok {
		noFile(w, r)
		return
	}
	content, err := s.options.House.Files.Open(owner, hash)
	if errors.Is(err, fs.ErrNotExist) {
		noFile(w, r)
		return
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "open a file", "requestId", requestID(r.Context()), "error", err)
		writeJSON(w, http.StatusInternalServerError, errorBody("internal error", storage.CodeInternal, requestID(r.Context())))
		return
	}
	defer content.Close()
	disposition := "attachment"
	if files.Inline(content.MediaType) {
		disposition = "inline"
	}
	if name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": name})
	}
	header := w.Header()
	header.Set("Content-Type", content.MediaType)
	header.Set("Content-Disposition", disposition)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "private, max-age=600")
	header.Set("ETag", `"`+hash+`"`)
	// A film takes longer than an answer may; a connection that cannot be told has no limit.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(linkTTL))
	http.ServeContent(w, r, "", content.ModTime, content)
}

func noFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusNotFound, errorBody("there is no such file, or the link to it is over: ask for Media.url again", storage.CodeNotFound, requestID(r.Context())))
}
