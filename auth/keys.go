package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// keyring finds the public key of an issuer by its kid. A kid that it does not know
// gives an error that is ErrInvalid; any other error means that it could not look.
type keyring interface {
	key(ctx context.Context, id string) (jwk.Key, error)
}

// fixedKeys never change: those of dev mode.
type fixedKeys struct{ jwk.Set }

func (f fixedKeys) key(_ context.Context, id string) (jwk.Key, error) {
	if key, ok := f.LookupKeyID(id); ok {
		return key, nil
	}
	return nil, errUnknownKey
}

var errUnknownKey = invalid("its key is not known")

const (
	refreshEvery = 10 * time.Second // at most; whoever invents kids cannot cause more
	keysFresh    = 10 * time.Minute // after which a key taken out is noticed
	keysStale    = time.Hour        // for which a provider that is down is put up with
	mostKeys     = 64
)

// remoteKeys are the keys that a provider publishes (RFC 7517). They are fetched again
// when a token names a kid that is not among them, and when they are ten minutes old:
// so a rotated key works at once, and a withdrawn one ends.
type remoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	turn   chan struct{} // of one, held by who fetches

	mutex   sync.RWMutex
	known   map[string]jwk.Key // by kid, each with its alg
	fetched time.Time
	tried   time.Time // the last refresh, whether or not it succeeded; not the first fetch
	failure error     // of the last refresh
}

func (k *remoteKeys) key(ctx context.Context, id string) (jwk.Key, error) {
	key, known, fresh := k.look(id)
	if known && fresh {
		return key, nil
	}
	if err := k.refresh(ctx, id, known); err != nil {
		return nil, err
	}
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	key, known = k.known[id]
	switch {
	case k.failure != nil && (!known || k.now().Sub(k.fetched) > keysStale):
		return nil, k.failure
	case !known:
		return nil, errUnknownKey
	}
	return key, nil
}

func (k *remoteKeys) look(id string) (key jwk.Key, known, fresh bool) {
	k.mutex.RLock()
	defer k.mutex.RUnlock()
	key, known = k.known[id]
	return key, known, k.now().Sub(k.fetched) < keysFresh
}

// refresh fetches the keys unless that was tried just now. Who waits while another
// fetches finds its answer; who has a key that is only old goes on with it, so that a
// provider that does not answer holds up one request and not all. What goes wrong with
// the fetch is kept in failure.
func (k *remoteKeys) refresh(ctx context.Context, id string, known bool) error {
	select {
	case k.turn <- struct{}{}:
	default:
		if known {
			return nil
		}
		select {
		case k.turn <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("wait for the identity provider's keys: %w", ctx.Err())
		}
	}
	defer func() { <-k.turn }()
	if _, known, fresh := k.look(id); known && fresh {
		return nil
	}
	now := k.now()
	k.mutex.Lock()
	due := k.tried.IsZero() || now.Sub(k.tried) >= refreshEvery
	if due {
		k.tried = now
	}
	k.mutex.Unlock()
	if !due {
		return nil
	}
	// A client that goes away must not spend the turn of all others.
	err := k.fetch(context.WithoutCancel(ctx))
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.failure = err
	return nil
}

// fetch replaces all keys: one that is no longer published no longer verifies.
func (k *remoteKeys) fetch(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return fmt.Errorf("fetch the identity provider's keys: %w", err)
	}
	answer, err := k.client.Do(request)
	if err != nil {
		return fmt.Errorf("fetch the identity provider's keys: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("fetch the identity provider's keys: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch the identity provider's keys: %s answers %s", k.url, answer.Status)
	}
	set, err := jwk.Parse(text, jwk.WithIgnoreParseError(true))
	if err != nil || set.Len() == 0 || set.Len() > mostKeys {
		return fmt.Errorf("%s does not hold 1 to %d keys", k.url, mostKeys)
	}
	known := verifying(set)
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.known, k.fetched = known, k.now()
	return nil
}

// verifying picks the keys that sign tokens. A kid that names two keys names neither.
func verifying(set jwk.Set) map[string]jwk.Key {
	known := make(map[string]jwk.Key)
	var ambiguous []string
	for i := range set.Len() {
		key, _ := set.Key(i)
		id, _ := key.KeyID()
		if id == "" || !describeAlgorithm(key) {
			continue
		}
		if use, stated := key.KeyUsage(); stated && use != "sig" {
			continue
		}
		if _, twice := known[id]; twice {
			ambiguous = append(ambiguous, id)
		}
		known[id] = key
	}
	for _, id := range ambiguous {
		delete(known, id)
	}
	return known
}

const shortestRSA = 2048 // bits, RFC 7518 section 3.3

// describeAlgorithm writes the algorithm into a key that leaves it out, and refuses a
// key that is not public, too weak, or of another type than its algorithm.
func describeAlgorithm(key jwk.Key) bool {
	var raw any
	if err := jwk.Export(key, &raw); err != nil {
		return false
	}
	var fits jwa.SignatureAlgorithm
	switch public := raw.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < shortestRSA {
			return false
		}
		fits = jwa.RS256()
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return false
		}
		fits = jwa.ES256()
	case ed25519.PublicKey:
		fits = jwa.EdDSA()
	default:
		return false
	}
	if stated, ok := key.Algorithm(); ok {
		return stated == fits && slices.Contains(providerAlgorithms, fits)
	}
	return key.Set(jwk.AlgorithmKey, fits) == nil
}
