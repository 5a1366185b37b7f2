// Package outbound makes the connections that this program opens because a user asked
// for it: to targets, scorers and webhooks. What they may reach is decided by the address
// to which the name was resolved, when the connection is made; so a name that is resolved
// to another address the second time (DNS rebinding) gains nothing.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrRefused is what a connection fails with whose address may not be reached.
var ErrRefused = errors.New("this address may not be called")

// Policy says which addresses may be called. The zero value allows public ones only.
type Policy struct {
	// Private are the private, shared, unique local and loopback addresses that may be
	// called all the same, as 10.1.0.0/16 for models in a network of one's own. What no
	// policy allows (metadata services, link-local, multicast, unspecified) stays refused.
	Private []netip.Prefix
}

// Addresses that answer as metadata services of clouds, some outside the ranges below.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google and most others
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("168.63.129.16"),   // Azure's own services
}

// Ranges that no policy opens, beside what netip knows by itself.
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 791
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocols, RFC 6890
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved and broadcast, RFC 1112
	netip.MustParsePrefix("100::/64"),        // discard, RFC 6666
	netip.MustParsePrefix("2001::/32"),       // Teredo, RFC 4380: it holds an address of IPv4
	netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
	netip.MustParsePrefix("fec0::/10"),       // site-local, RFC 3879
}

// Ranges that are private beside what netip calls so.
var inner = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, RFC 6598
	netip.MustParsePrefix("198.18.0.0/15"), // measurements, RFC 2544
}

// Addresses of IPv6 that hold one of IPv4: what they hold is judged too, because a
// gateway would call it.
var translated = []struct {
	prefix netip.Prefix
	at     int // of the first of its four bytes
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // RFC 8215, with its usual /96
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4, RFC 3056
	{netip.MustParsePrefix("::/96"), 12},          // RFC 4291, section 2.5.5.1
}

// Check says whether an address may be called; the error is ErrRefused and names it.
func (p Policy) Check(address netip.Addr) error {
	address = address.WithZone("").Unmap()
	allowed := func() bool { return within(p.Private, address) }
	switch {
	case !address.IsValid(), address.IsUnspecified(), address.IsMulticast():
		return refused(address, "it is no single machine")
	case isMetadata(address), address.IsLinkLocalUnicast():
		return refused(address, "it is link-local, or a cloud's metadata service")
	case address.IsLoopback():
		if !allowed() {
			return refused(address, "it is this machine")
		}
		return nil
	case within(closed, address):
		return refused(address, "it is reserved")
	case (address.IsPrivate() || within(inner, address)) && !allowed():
		return refused(address, "it is private")
	}
	for _, kind := range translated {
		if kind.prefix.Contains(address) {
			raw := address.As16()
			return p.Check(netip.AddrFrom4([4]byte(raw[kind.at : kind.at+4])))
		}
	}
	return nil
}

func refused(address netip.Addr, why string) error {
	return fmt.Errorf("%w: %s, because %s", ErrRefused, address, why)
}

func isMetadata(address netip.Addr) bool {
	for _, one := range metadata {
		if one == address {
			return true
		}
	}
	return false
}

func within(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Dialer opens the connections that the policy allows. resolver may be nil.
func (p Policy) Dialer(resolver *net.Resolver) *net.Dialer {
	return &net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: resolver,
		// After the name was resolved and before the first packet, for each address tried.
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			if network != "tcp4" && network != "tcp6" {
				return fmt.Errorf("%w: %s is not TCP", ErrRefused, network)
			}
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %q is no address", ErrRefused, address)
			}
			return p.Check(to.Addr())
		},
	}
}

// mostRedirects is how often a client lets itself be sent on.
const mostRedirects = 3

// Client calls by HTTP what the policy allows, also where it is sent on to. It uses no
// proxy of the environment: the proxy would resolve the name, and nobody check it.
// Credentials of the first request do not follow it to another origin, nor does its body:
// that is ErrRefused. timeout is that of a whole call. resolver may be nil.
func (p Policy) Client(timeout time.Duration, resolver *net.Resolver) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:         p.Dialer(resolver).DialContext,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConns:        100, MaxIdleConnsPerHost: 10, IdleConnTimeout: 90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			first := before[0].URL
			switch {
			case len(before) > mostRedirects:
				return fmt.Errorf("%w: it sends on more than %d times", ErrRefused, mostRedirects)
			case first.Scheme == "https" && next.URL.Scheme != "https":
				return fmt.Errorf("%w: it sends on from HTTPS to %s", ErrRefused, next.URL.Scheme)
			case first.Scheme == next.URL.Scheme && first.Host == next.URL.Host:
				return nil
			case next.Body != nil && next.Body != http.NoBody:
				return fmt.Errorf("%w: it sends the body on to %s", ErrRefused, next.URL.Host)
			default:
				// net/http drops Authorization and Cookie for other hosts, not API keys in
				// headers of a provider's own.
				next.Header = http.Header{"Accept": next.Header.Values("Accept"), "User-Agent": next.Header.Values("User-Agent")}
			}
			return nil
		},
	}
}
