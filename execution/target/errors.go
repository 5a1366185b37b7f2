package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/outbound"
)

// Class is what an engine needs to know of a failed call.
type Class string

// The classes of failures.
const (
	ClassRateLimited    Class = "RATE_LIMITED"
	ClassTimeout        Class = "TIMEOUT"
	ClassUnavailable    Class = "UNAVAILABLE" // 5xx, or no connection
	ClassUnauthorized   Class = "UNAUTHORIZED"
	ClassBadRequest     Class = "BAD_REQUEST"
	ClassNotFound       Class = "NOT_FOUND"
	ClassRefusedAddress Class = "REFUSED_ADDRESS" // our own policy forbids the address
	ClassMalformedReply Class = "MALFORMED_REPLY"
	ClassCancelled      Class = "CANCELLED"
)

// Error is a failed call. Message holds no credential and has at most 500 bytes.
type Error struct {
	Class      Class
	Status     int           // of HTTP, 0 without an answer
	RetryAfter time.Duration // what the provider asks for, 0 for nothing
	Message    string
	Raw        *Exchange // nil unless asked for, or where nothing was sent
}

// Error says the class and what the provider said.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("%s (HTTP %d): %s", e.Class, e.Status, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Class, e.Message)
}

const mostMessage = 500

// failed classifies a call without an answer. ctx is the caller's, without our timeout.
func (t *Target) failed(ctx context.Context, err error) *Error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its text has the URL, and so perhaps a key
	}
	if err == nil {
		err = errors.New("no answer")
	}
	made := &Error{Class: ClassUnavailable, Message: t.scrub.bounded(err.Error(), mostMessage)}
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		made.Class, made.Message = ClassCancelled, "the call was cancelled"
	case errors.Is(err, outbound.ErrRefused):
		made.Class = ClassRefusedAddress
	case errors.Is(err, errTooLarge):
		made.Class = ClassMalformedReply
	case errors.Is(err, context.DeadlineExceeded), isNetwork && network.Timeout():
		made.Class, made.Message = ClassTimeout, "no whole answer in time"
	case errors.Is(err, context.Canceled):
		made.Class = ClassCancelled
	}
	return made
}

// answered classifies an answer that is no success.
func (t *Target) answered(response *http.Response, body []byte) *Error {
	made := &Error{
		Status: response.StatusCode, RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
		Message: t.scrub.bounded(providerMessage(body), mostMessage),
	}
	switch status := response.StatusCode; {
	case status == http.StatusTooManyRequests:
		made.Class = ClassRateLimited
	case status == http.StatusRequestTimeout:
		made.Class = ClassTimeout
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		made.Class = ClassUnauthorized
	case status == http.StatusNotFound:
		made.Class = ClassNotFound
	case status >= 500:
		made.Class = ClassUnavailable
	case status >= 400:
		made.Class = ClassBadRequest
	default:
		made.Class = ClassMalformedReply
	}
	if made.Message == "" {
		made.Message = http.StatusText(response.StatusCode)
	}
	return made
}

// providerMessage finds what people should read: {"error": {"message"}}, {"error"} or
// {"message"}, otherwise the body.
func providerMessage(body []byte) string {
	var document struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &document) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		var text string
		switch {
		case json.Unmarshal(document.Error, &inner) == nil && inner.Message != "":
			return inner.Message
		case json.Unmarshal(document.Error, &text) == nil && text != "":
			return text
		case document.Message != "":
			return document.Message
		}
	}
	return string(body)
}

// retryAfter reads RFC 9110, section 10.2.3: seconds or a date. A day is the most, so
// that no provider stops a run for good.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		wait = time.Duration(min(seconds, 86400) * float64(time.Second))
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), 24*time.Hour)
}
