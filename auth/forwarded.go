package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Headers in which a gateway in front of this server, such as APISIX, says who asks.
const (
	ForwardedUser      = "X-Violentutf-User"      // username
	ForwardedSubject   = "X-Violentutf-Subject"   // of the person at the provider (sub)
	ForwardedRoles     = "X-Violentutf-Roles"     // USER, ADMIN, AUDITOR, with commas; may be empty
	ForwardedTimestamp = "X-Violentutf-Timestamp" // seconds since 1970
	ForwardedNonce     = "X-Violentutf-Nonce"     // 16 to 64 of A-Z a-z 0-9 _ -, never the same twice
	ForwardedSignature = "X-Violentutf-Signature" // HMAC-SHA256 in hexadecimal
)

const (
	forwardedVersion = "violentutf-forwarded-v1"
	forwardedWindow  = time.Minute // before and after this machine's clock
	forwardedViewer  = time.Hour   // for which a subscription may go on
	shortestKey      = 32          // bytes
	liveNonces       = 200_000     // some 20 MB; 1 600 requests a second
)

// ForwardedOptions say whose identities a gateway forwards, and how it proves it.
type ForwardedOptions struct {
	// Key is shared with the gateway: at least 32 random bytes.
	Key []byte
	// Issuer is the provider at which the gateway signs people in, so that they are the
	// same persons here whichever way they come.
	Issuer string
	// MaxBody is the longest body in bytes; it must be read before the signature can be
	// checked. 0 is 1 MiB.
	MaxBody int64
}

// Forwarded verifies identities that a gateway has signed. A nil *Forwarded is one that
// is switched off: it ignores the headers. Safe for concurrent use.
type Forwarded struct {
	options ForwardedOptions
	nonces  nonces
	now     func() time.Time
}

// OpenForwarded makes one, and refuses a short key.
func OpenForwarded(options ForwardedOptions) (*Forwarded, error) {
	return openForwarded(options, time.Now)
}

func openForwarded(options ForwardedOptions, now func() time.Time) (*Forwarded, error) {
	if len(options.Key) < shortestKey {
		return nil, fmt.Errorf("the key shared with the gateway has %d bytes: use at least %d random ones", len(options.Key), shortestKey)
	}
	if options.Issuer == "" {
		return nil, errors.New("name the issuer of the identities that the gateway forwards")
	}
	if options.MaxBody == 0 {
		options.MaxBody = 1 << 20
	}
	options.Key = bytes.Clone(options.Key)
	return &Forwarded{options: options, now: now}, nil
}

// Viewer gives who a gateway says is asking. Switched off, or without any of the
// headers, present is false: nobody is forwarded, and the request may bring a token. If
// one of the headers is there, all must be, and hold: else the error is ErrInvalid,
// because a request that claims an identity is not to go on as another. Any other error
// means that it could not be checked. The body is read, and put back for who comes next.
//
// What is signed are these lines, each with a line feed between them and none after the
// last: "violentutf-forwarded-v1"; the method; the path with its query as it was sent;
// the SHA-256 of the body in hexadecimal (of nothing, if there is none); and the values
// of user, subject, roles, timestamp and nonce. A gateway must take the headers away
// from what clients send.
func (f *Forwarded) Viewer(r *http.Request) (viewer *Viewer, present bool, err error) {
	if f == nil {
		return nil, false, nil
	}
	values, present, err := forwardedValues(r)
	if !present || err != nil {
		return nil, present, err
	}
	now := f.now()
	signed, err := signedAt(values[ForwardedTimestamp], now)
	if err != nil {
		return nil, true, err
	}
	if err := f.checkSignature(r, values); err != nil {
		return nil, true, err
	}
	if err := f.nonces.use(values[ForwardedNonce], now); err != nil {
		return nil, true, err
	}
	viewer, err = f.viewer(values, signed, now)
	return viewer, true, err
}

// forwardedValues wants each header once. HTTP itself keeps line ends out of values.
func forwardedValues(r *http.Request) (values map[string]string, present bool, err error) {
	values = make(map[string]string)
	names := []string{ForwardedUser, ForwardedSubject, ForwardedRoles, ForwardedTimestamp, ForwardedNonce, ForwardedSignature}
	complete := true
	for _, name := range names {
		stated := r.Header.Values(name)
		present = present || len(stated) > 0
		if len(stated) != 1 || strings.ContainsAny(stated[0], "\r\n") {
			complete = false
			continue
		}
		values[name] = stated[0]
	}
	if present && !complete {
		return nil, true, invalid("a forwarded identity needs each of its headers once")
	}
	return values, present, nil
}

func signedAt(text string, now time.Time) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != text {
		return time.Time{}, invalid("the timestamp of the forwarded identity is not in seconds")
	}
	signed := time.Unix(seconds, 0)
	switch {
	case now.Sub(signed) > forwardedWindow:
		return time.Time{}, ErrExpired
	case signed.Sub(now) > forwardedWindow:
		return time.Time{}, ErrNotYetValid
	}
	return signed, nil
}

func (f *Forwarded) checkSignature(r *http.Request, values map[string]string) error {
	body, err := f.read(r)
	if err != nil {
		return err
	}
	stated, err := hex.DecodeString(values[ForwardedSignature])
	if err != nil || !hmac.Equal(stated, forwardedMAC(f.options.Key, r, body, values)) {
		return invalid("the signature of the forwarded identity does not fit")
	}
	return nil
}

// read takes the body and puts it back.
func (f *Forwarded) read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, f.options.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body of a forwarded request: %w", err)
	}
	if int64(len(body)) > f.options.MaxBody {
		return nil, invalid("the body of the forwarded request is too long")
	}
	if err := r.Body.Close(); err != nil {
		return nil, fmt.Errorf("read the body of a forwarded request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

func forwardedMAC(key []byte, r *http.Request, body []byte, values map[string]string) []byte {
	sum := sha256.Sum256(body)
	target := r.RequestURI // as it was sent; a request that no server has read has none
	if target == "" {
		target = r.URL.RequestURI()
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, strings.Join([]string{
		forwardedVersion, r.Method, target, hex.EncodeToString(sum[:]),
		values[ForwardedUser], values[ForwardedSubject], values[ForwardedRoles],
		values[ForwardedTimestamp], values[ForwardedNonce],
	}, "\n"))
	return mac.Sum(nil)
}

// viewer is issued at the minute in which it was signed: each request brings another time,
// and a finer one would make each a write of the app store.
func (f *Forwarded) viewer(values map[string]string, signed, now time.Time) (*Viewer, error) {
	username, err := CanonicalUsername(values[ForwardedUser])
	if err != nil {
		return nil, invalid("the forwarded username is not allowed")
	}
	subject := values[ForwardedSubject]
	if subject == "" || !showable(subject) {
		return nil, invalid("the forwarded subject is empty or wrong")
	}
	var roles []Role
	for name := range strings.SplitSeq(values[ForwardedRoles], ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		role, err := ParseRole(name)
		if err != nil {
			return nil, invalid("the forwarded identity names an unknown role")
		}
		roles = append(roles, role)
	}
	slices.Sort(roles)
	return &Viewer{
		Issuer: f.options.Issuer, Subject: subject, Username: username, DisplayName: username,
		Roles: slices.Compact(roles), IssuedAt: signed.UTC().Truncate(time.Minute), ExpiresAt: now.Add(forwardedViewer),
	}, nil
}

var (
	nonceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
	// errManyNonces is not ErrInvalid: to forget one instead would let a replay through.
	errManyNonces = errors.New("too many forwarded requests within two minutes")
)

// nonces remembers what was used as long as it could be used again: two minutes, from a
// minute before the signed time to a minute after it. It has two generations of that
// length.
type nonces struct {
	mutex      sync.Mutex
	young, old map[[sha256.Size]byte]struct{}
	turn       time.Time // when young becomes old
}

// use takes a nonce that was not used before. It is called for signed requests only, so
// that nobody else can fill the memory.
func (n *nonces) use(nonce string, now time.Time) error {
	if !nonceForm.MatchString(nonce) {
		return invalid("the nonce of the forwarded identity is not 16 to 64 letters and digits")
	}
	key := sha256.Sum256([]byte(nonce))
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !now.Before(n.turn) {
		n.old = n.young
		if now.Sub(n.turn) >= 2*forwardedWindow {
			n.old = nil
		}
		n.young, n.turn = make(map[[sha256.Size]byte]struct{}), now.Add(2*forwardedWindow)
	}
	_, young := n.young[key]
	_, old := n.old[key]
	if young || old {
		return invalid("the forwarded identity was used before")
	}
	if len(n.young) >= liveNonces {
		return errManyNonces
	}
	n.young[key] = struct{}{}
	return nil
}
