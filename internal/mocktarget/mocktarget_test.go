package mocktarget

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestLeakIsTheSameEachTimeAndInItsShare(t *testing.T) {
	leak, leaked := Leak(0.3, 7, "secret"), 0
	for i := range 2000 {
		prompt := strconv.Itoa(i)
		if first, second := leak(prompt), leak(prompt); first != second {
			t.Fatal("two replies to one prompt differ")
		}
		if strings.Contains(leak(prompt), "secret") {
			leaked++
		}
	}
	if leaked < 500 || leaked > 700 {
		t.Errorf("%d of 2000 leaked, want about 600", leaked)
	}
}

func TestCallsAreCounted(t *testing.T) {
	endpoint := New(Options{})
	for range 3 {
		endpoint.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/rest", strings.NewReader(`{"prompt":"p"}`)))
	}
	if endpoint.Calls("p") != 3 {
		t.Errorf("got %d calls", endpoint.Calls("p"))
	}
}
