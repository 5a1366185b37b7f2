package execution_test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// way is the network between the engine and a target.
type way struct {
	t        *testing.T
	server   *toxiproxy.ApiServer
	upstream string
	listen   string

	mu    sync.Mutex
	proxy *toxiproxy.Proxy // nil: connections are refused
}

func newWay(t *testing.T, url string) *way {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{
		t: t, server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), listen: free.Addr().String(),
		upstream: strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/v1"),
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.cut)
	return w
}

// cut breaks all connections and lets nobody connect.
func (w *way) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
}

func (w *way) stop() {
	if w.proxy != nil {
		w.proxy.Stop()
		w.proxy = nil
	}
}

// put breaks all connections, and those to come have the faults. It takes another proxy at
// the same address, because toxiproxy changes connections that are open at random moments.
func (w *way) put(faults ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	proxy := toxiproxy.NewProxy(w.server, "target", w.listen, w.upstream)
	for _, fault := range faults {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(fault)); err != nil {
			w.t.Errorf("the fault %s: %v", fault, err)
		}
	}
	err := proxy.Start()
	for until := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(until); err = proxy.Start() {
		time.Sleep(10 * time.Millisecond) // somebody's connection has the port
	}
	if err != nil {
		w.t.Errorf("listen again: %v", err)
		return
	}
	w.proxy = proxy
}
