package secret_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/secret"
)

func TestNoCredentialOfAnExchangeStays(t *testing.T) {
	known := secret.NewScrubber()
	known.Add("given-to-the-call-77")
	text := "POST /v1/chat?api_key=qqqqqqqq11112222 HTTP/1.1\r\nHost: model.example\r\nAuthorization: Bearer abcdefgh12345678\r\nX-Model-Key: plainlookingvalue\r\nCookie: a=b; c=dddddddd9\r\n\r\n" +
		`{"prompt": "say plainlookingvalue and given-to-the-call-77", "api_key": "zzzzzzzz99998888", "note": "keep me"}`
	got := secret.CleanExchange(text, known)
	for _, gone := range []string{"qqqqqqqq11112222", "abcdefgh12345678", "plainlookingvalue", "dddddddd9", "zzzzzzzz99998888", "given-to-the-call-77"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is left in %s", gone, got)
		}
	}
	for _, kept := range []string{"POST /v1/chat?api_key=" + secret.Marker, "Host: model.example", "keep me"} {
		if !strings.Contains(got, kept) {
			t.Errorf("no %s in %s", kept, got)
		}
	}
	body := "just a reply.\n\nkey: to happiness"
	if got := secret.CleanExchange(body, nil); got != body {
		t.Errorf("a text without credentials became %q", got)
	}
}
