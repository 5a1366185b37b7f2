package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path"
	"strings"
	"sync"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// spool reads the files of one request into private files of the data folder, in the
// order in which they come and as far as somebody asks for them, and removes all of them
// at the request's end. What a crash leaves is swept when the folder is next opened.
type spool struct {
	ctx    context.Context
	server *Server
	form   *form
	body   *allowance
	limits limitsOfUploads
	files  []*upload

	mutex sync.Mutex
	read  int   // how many files were read, or failed
	err   error // after which nothing more can be read
}

// upload is one file of a request.
type upload struct {
	name    string // of its part
	paths   []string
	spool   *spool
	content *storage.UploadContent
}

var _ storage.UploadPart = (*upload)(nil)

// Content reads the request's files up to this one.
func (u *upload) Content() (*storage.UploadContent, error) {
	s := u.spool
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for u.content == nil && s.err == nil {
		s.err = s.next()
	}
	if u.content == nil {
		return nil, s.err
	}
	return u.content, nil
}

// next reads the next file; its error ends the reading.
func (s *spool) next() error {
	if s.read == len(s.files) {
		return errors.New("an upload that is not in the map")
	}
	u := s.files[s.read]
	s.read++
	field := path.Ext("." + u.paths[0])[1:]
	s.body.left = s.limits.bytes + partBytes
	part, err := s.form.parts.NextPart()
	if err != nil {
		return s.broken(field, err)
	}
	if part.FormName() != u.name {
		return storage.BadInput(field, "the part %q has to come here, and not %q: send the files in the order of the map", storage.Plain(u.name, 60), storage.Plain(part.FormName(), 60))
	}
	content, err := s.server.options.House.Files.Spool(s.ctx, part, s.limits.bytes)
	if _, more := errors.AsType[*tooMuch](err); more || files.TooLargeUpload(err) {
		return storage.BadInput(field, "the file has more than the %d bytes that the setting %s allows: split it, or ask an administrator", s.limits.bytes, storage.UploadBytes)
	}
	if err != nil {
		return s.broken(field, err)
	}
	content.Name = fileName(part.FileName())
	u.content = content
	return nil
}

// broken is the error of a body that ended too early; what is the server's fault stays
// that.
func (s *spool) broken(field string, err error) error {
	if ended := s.ctx.Err(); ended != nil {
		return ended
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return storage.BadInput(field, "the request ended before the file did: send it again")
	}
	if _, more := errors.AsType[*tooMuch](err); more {
		return storage.BadInput(field, "the parts of the request cannot be told apart: send one for each file of the map")
	}
	return err
}

// close removes the files.
func (s *spool) close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.err = errors.New("an upload after its request")
	for _, u := range s.files {
		if u.content == nil {
			continue
		}
		if err := s.server.options.House.Files.Unspool(u.content); err != nil {
			s.server.log.LogAttrs(s.ctx, slog.LevelError, "an upload stays until the next start", slog.String("requestId", requestID(s.ctx)), slog.Any("error", err))
		}
	}
}

// fileName is what a client calls a file, without the folders of its machine.
func fileName(given string) string {
	if i := strings.LastIndexAny(given, `/\`); i >= 0 {
		given = given[i+1:]
	}
	if given = strings.TrimSpace(storage.Plain(given, storage.MaxFileNameBytes)); given == "" || given == "." || given == ".." {
		return "upload"
	}
	return given
}

// mostSpooling is how many requests with files one principal may have under way: each
// may fill the disk with its files.
const mostSpooling = 4

// spooling counts them.
type spooling struct {
	mutex sync.Mutex
	by    map[string]int
}

func (s *spooling) take(who string) (release func(), ok bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.by[who] >= mostSpooling {
		return nil, false
	}
	if s.by == nil {
		s.by = map[string]int{}
	}
	s.by[who]++
	return func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.by[who]--; s.by[who] == 0 {
			delete(s.by, who)
		}
	}, true
}
