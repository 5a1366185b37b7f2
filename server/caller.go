package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Proxies are the addresses of proxies that are believed when they say who asks them.
// What anybody else says in such headers means nothing.
type Proxies []netip.Prefix

// ParseProxies reads addresses and prefixes with commas, as 10.0.0.0/8,127.0.0.1.
func ParseProxies(text string) (Proxies, error) {
	var proxies Proxies
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			var address netip.Addr
			if address, err = netip.ParseAddr(part); err == nil {
				prefix, err = address.Unmap().Prefix(address.Unmap().BitLen())
			}
		}
		if err != nil {
			return nil, storage.BadInput("trusted-proxy", "%q is neither an address nor a prefix as 10.0.0.0/8", part)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// address is where a request came from: the peer of the connection or, when that is a
// trusted proxy, the last address in X-Forwarded-For that is none.
func (p Proxies) address(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if !p.trust(peer) {
		return peer
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(chain) {
		address, ok := forwardedAddress(strings.TrimSpace(text))
		if !ok {
			break // whoever wrote this, what stands before it cannot be told apart from a lie
		}
		peer = address
		if !p.trust(address) {
			break
		}
	}
	return peer
}

// overTLS says whether the client's connection is encrypted, here or at a trusted proxy.
func (p Proxies) overTLS(r *http.Request) bool {
	return r.TLS != nil || p.trust(peerOf(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func (p Proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// peerOf is the other end of the connection; invalid on a unix socket.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// forwardedAddress reads an address as proxies write it, some with a port.
func forwardedAddress(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return address.Unmap().WithZone(""), err == nil
}

// callerOf is what the audit log keeps of where a request came from.
func (s *Server) callerOf(r *http.Request, id string) storage.Caller {
	caller := storage.Caller{UserAgent: r.UserAgent(), RequestID: id}
	if address := s.options.Proxies.address(r); address.IsValid() {
		caller.IP = address.String()
	}
	return caller
}
