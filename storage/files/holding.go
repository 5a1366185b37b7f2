package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
)

// holds says which contents somebody is about to name by a row, or to remove.
type holds struct {
	mutex    sync.Mutex
	held     map[string]int           // by name, how often
	removing map[string]chan struct{} // closed when the removal has ended
}

// Holding keeps contents from being removed between being kept and the commit of the
// row that names them. It belongs to one goroutine; its owner releases it.
type Holding struct {
	holds *holds
	names []string
}

// Hold begins to hold nothing.
func (f *Folder) Hold() *Holding { return &Holding{holds: &f.holds} }

// Release lets all go that was held.
func (h *Holding) Release() {
	h.holds.mutex.Lock()
	defer h.holds.mutex.Unlock()
	for _, name := range h.names {
		if h.holds.held[name]--; h.holds.held[name] == 0 {
			delete(h.holds.held, name)
		}
	}
	h.names = nil
}

// take holds a content, and waits while somebody removes it.
func (h *Holding) take(ctx context.Context, name string) error {
	if h == nil {
		return nil // contents of a dry run, or of tests
	}
	for {
		h.holds.mutex.Lock()
		ended := h.holds.removing[name]
		if ended == nil {
			if h.holds.held == nil {
				h.holds.held = map[string]int{}
			}
			h.holds.held[name]++
			h.names = append(h.names, name)
			h.holds.mutex.Unlock()
			return nil
		}
		h.holds.mutex.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Removal is the right to remove one content, while which nobody can keep it.
type Removal struct {
	folder *Folder
	name   string
}

// Removing takes the right to remove a content. It reports false while somebody holds
// the content, or removes it; then a row may come that names it.
func (f *Folder) Removing(owner, hash string) (*Removal, bool) {
	name, ok := nameOf(owner, hash)
	if !ok {
		return nil, false
	}
	f.holds.mutex.Lock()
	defer f.holds.mutex.Unlock()
	if f.holds.held[name] > 0 || f.holds.removing[name] != nil {
		return nil, false
	}
	if f.holds.removing == nil {
		f.holds.removing = map[string]chan struct{}{}
	}
	f.holds.removing[name] = make(chan struct{})
	return &Removal{f, name}, true
}

// Remove removes the content, which no row may name any more. One that is gone is no
// error.
func (r *Removal) Remove() error {
	if err := r.folder.root.Remove(r.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a content: %w", err)
	}
	return nil
}

// End gives the right back.
func (r *Removal) End() {
	r.folder.holds.mutex.Lock()
	defer r.folder.holds.mutex.Unlock()
	close(r.folder.holds.removing[r.name])
	delete(r.folder.holds.removing, r.name)
}

// Hashes lists the contents of a workspace that begin with two digits, 00 to ff: all of
// them would be more than fits.
func (f *Folder) Hashes(owner, digits string) ([]string, error) {
	if _, ok := nameOf(owner, digits+"00000000000000000000000000000000000000000000000000000000000000"); !ok {
		return nil, nil
	}
	entries, err := fs.ReadDir(f.root.FS(), path.Join(owner, digits))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the contents of a workspace: %w", err)
	}
	var hashes []string
	for _, entry := range entries {
		if _, ok := nameOf(owner, entry.Name()); ok && entry.Type().IsRegular() {
			hashes = append(hashes, entry.Name())
		}
	}
	return hashes, nil
}
