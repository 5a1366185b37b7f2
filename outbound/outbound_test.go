package outbound

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAddressesThatMayBeCalled(t *testing.T) {
	own := Policy{Private: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("100.64.0.0/10"),
	}}
	for _, test := range []struct {
		address           string
		public, ownPolicy bool
	}{
		{"93.184.215.14", true, true},
		{"2606:2800:21f:cb07:6820:80da:af6b:8b2c", true, true},
		{"10.1.2.3", false, true},
		{"10.2.2.3", false, false},
		{"172.16.0.1", false, false},
		{"192.168.1.1", false, false},
		{"100.64.0.1", false, true},
		{"198.18.0.1", false, false},
		{"127.0.0.1", false, true},
		{"127.8.9.10", false, true},
		{"::1", false, true},
		{"fd12::1", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"::ffff:192.168.1.1", false, false},
		{"64:ff9b::10.2.0.1", false, false},
		{"64:ff9b::93.184.215.14", true, true},
		{"64:ff9b:1::192.168.0.1", false, false},
		{"2002:c0a8:0101::1", false, false}, // 192.168.1.1
		{"::192.168.1.1", false, false},
		// Never, whatever is allowed.
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::169.254.169.254", false, false},
		{"169.254.1.1", false, false},
		{"fd00:ec2::254", false, false},
		{"fd20:ce::254", false, false},
		{"100.100.100.200", false, false},
		{"168.63.129.16", false, false},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"fec0::1", false, false},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"::", false, false},
		{"224.0.0.1", false, false},
		{"255.255.255.255", false, false},
		{"ff02::1", false, false},
		{"192.0.0.1", false, false},
		{"203.0.113.1", false, false},
		{"2001:db8::1", false, false},
		{"2001:0:4136:e378:8000:63bf:3fff:fdd2", false, false},
	} {
		address := netip.MustParseAddr(test.address)
		for name, policy := range map[string]struct {
			Policy
			want bool
		}{"public": {Policy{}, test.public}, "own": {own, test.ownPolicy}} {
			err := policy.Check(address)
			if (err == nil) != policy.want || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%s by the policy %s: %v", address, name, err)
			}
		}
	}
}

// A name that is public when somebody looks, and this machine when it is called.
func TestRebindingANameGainsNothing(t *testing.T) {
	reached := atomic.Bool{}
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer inside.Close()
	names := startDNS(t, netip.MustParseAddr("93.184.215.14"), netip.MustParseAddr("127.0.0.1"))
	first, err := names.resolver().LookupNetIP(t.Context(), "ip4", "rebound.example")
	if err != nil || len(first) != 1 || (Policy{}).Check(first[0]) != nil {
		t.Fatalf("the first look-up gives %v, %v", first, err)
	}
	client := Policy{}.Client(10*time.Second, names.resolver())
	defer client.CloseIdleConnections()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	answer, err := client.Get("http://rebound.example:" + port + "/")
	if err == nil {
		answer.Body.Close()
	}
	if !errors.Is(err, ErrRefused) || reached.Load() {
		t.Errorf("called it, %v", err)
	}
	if names.asked.Load() < 2 {
		t.Errorf("the name was looked up %d times", names.asked.Load())
	}
}

func TestSendingOnDoesNotLeadInside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("reached with %v", r.Header)
	}))
	defer inside.Close()
	outside := httptest.NewServer(http.RedirectHandler("http://127.0.0.2:"+port(t, inside.URL)+"/", http.StatusFound))
	defer outside.Close()
	client := Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}.Client(10*time.Second, nil)
	defer client.CloseIdleConnections()
	if answer, err := client.Get(outside.URL); !errors.Is(err, ErrRefused) {
		if err == nil {
			answer.Body.Close()
		}
		t.Errorf("sent on: %v", err)
	}
}

func TestCredentialsDoNotFollowToAnotherOrigin(t *testing.T) {
	seen := make(chan http.Header, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	client := Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Client(10*time.Second, nil)
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Api-Key", "secret")
	request.Header.Set("Authorization", "Bearer secret")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if header := <-seen; header.Get("Api-Key") != "" || header.Get("Authorization") != "" {
		t.Errorf("the other origin was shown %v", header)
	}
}

// A temporary redirect sends the body again: a prompt, or a key that a provider wants there.
func TestABodyDoesNotFollowToAnotherOrigin(t *testing.T) {
	var seen, again atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer other.Close()
	mux := http.NewServeMux()
	mux.Handle("/away", http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	mux.Handle("/around", http.RedirectHandler("/here", http.StatusPermanentRedirect))
	mux.HandleFunc("/here", func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil && string(body) == "prompt" {
			again.Add(1)
		}
	})
	first := httptest.NewServer(mux)
	defer first.Close()
	client := Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Client(10*time.Second, nil)
	defer client.CloseIdleConnections()
	post := func(path string) error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, first.URL+path, strings.NewReader("prompt"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := post("/away"); !errors.Is(err, ErrRefused) || seen.Load() != 0 {
		t.Errorf("%v, and the other origin was asked %d times", err, seen.Load())
	}
	if err := post("/around"); err != nil || again.Load() != 1 {
		t.Errorf("within the origin: %v, %d", err, again.Load())
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// dns is a name server that gives its first answer once and then the second.
type dns struct {
	address string
	answers [2]netip.Addr
	asked   atomic.Int64 // for addresses of IPv4
}

func startDNS(t *testing.T, first, then netip.Addr) *dns {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &dns{address: conn.LocalAddr().String(), answers: [2]netip.Addr{first, then}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		raw := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(raw)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(d.answer(raw[:n]), from)
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return d
}

func (d *dns) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", d.address)
	}}
}

// answer is RFC 1035, section 4: the question again, and one address of IPv4.
func (d *dns) answer(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root, type and class
	header := append([]byte{}, question[:end]...)
	header[2], header[3] = 0x81, 0x80 // an answer, with recursion
	binary.BigEndian.PutUint16(header[10:], 0)
	if kind := binary.BigEndian.Uint16(question[end-4:]); kind != 1 {
		return header
	}
	address := d.answers[min(d.asked.Add(1)-1, 1)].As4()
	binary.BigEndian.PutUint16(header[6:], 1)
	return append(append(header, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), address[:]...)
}
