package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// Certificate is read from two files, and again when one of them has changed.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mutex  sync.Mutex
	loaded *tls.Certificate
	of     [2]state // of both files, when loaded
	looked time.Time
}

// state tells two versions of a file apart.
type state struct {
	modified time.Time
	size     int64
}

// OpenCertificate reads a certificate (with its chain) and its key, in PEM.
func OpenCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Config is for a listener: TLS 1.2 and newer, HTTP/2 and HTTP/1.1.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current(), nil
		},
	}
}

// Listener lets a listener speak TLS.
func (c *Certificate) Listener(inner net.Listener) net.Listener {
	return tls.NewListener(inner, c.Config())
}

// lookEvery is how long a changed file may go unnoticed.
const lookEvery = time.Second

// current looks at the files at most once a second. Files that do not fit each other, as
// between the two writes of a renewal, leave the old certificate in use.
func (c *Certificate) current() *tls.Certificate {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if of, err := c.states(); err != nil || of != c.of {
			if err := c.load(); err != nil {
				c.log.Error("the changed certificate cannot be used, the old one stays in use", "error", err)
			} else {
				c.log.Info("took up a changed certificate", "file", c.cert)
			}
		}
	}
	return c.loaded
}

func (c *Certificate) load() error {
	of, err := c.states()
	if err != nil {
		return fmt.Errorf("read the TLS certificate: %w", err)
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read the TLS certificate %s and its key: %w", c.cert, err)
	}
	c.loaded, c.of = &loaded, of
	return nil
}

func (c *Certificate) states() (both [2]state, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return both, err
		}
		both[i] = state{info.ModTime(), info.Size()}
	}
	return both, nil
}
