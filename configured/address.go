package configured

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// stays refuses credentials that a thing is to keep while what it calls changes: whoever
// may set the address must not be sent a credential that another gave.
func stays(of *storage.ConfiguredType, was, becomes any, kept string) error {
	before, _ := was.(map[string]any)
	after, _ := becomes.(map[string]any)
	for name := range addressNames(of, before, after) {
		if origin(of, before, name) != origin(of, after, name) {
			return storage.BadInput("parameters"+strings.ReplaceAll(kept, "/", "."), "the address changes, so give the credential again")
		}
	}
	return nil
}

// sameAddress refuses recorded parameters that call another address than the thing's of now.
func (t *Things) sameAddress(now *storage.Configured, typeName string, recorded storage.JSON) error {
	of, err := t.typeOf(storage.KindGenerators, typeName)
	if err != nil {
		return err
	}
	var was, is any
	if err := errors.Join(json.Unmarshal([]byte(recorded), &was), json.Unmarshal([]byte(now.Parameters), &is)); err != nil {
		return storage.Errorf(storage.CodeConflict, "the parameters of the generator %q are no JSON: update it", now.Name)
	}
	if stays(of, was, is, "") != nil {
		return storage.Errorf(storage.CodeConflict, "the generator %q calls another address by now, for which its credential was given: start the orchestrator again", now.Name)
	}
	return nil
}

// addressNames are the parameters that say what is called.
func addressNames(of *storage.ConfiguredType, trees ...map[string]any) map[string]bool {
	names := map[string]bool{}
	add := func(name string) {
		for _, word := range []string{"endpoint", "url", "uri", "host", "port", "address", "proxy", "tls", "http_request"} {
			if strings.Contains(strings.ToLower(name), word) {
				names[name] = true
			}
		}
	}
	for _, parameter := range of.Parameters {
		add(parameter.Name)
	}
	for _, tree := range trees {
		for name := range tree {
			add(name)
		}
	}
	return names
}

// origin is scheme, host and port of an address (RFC 6454 section 4); what is no URL is
// compared as a whole.
func origin(of *storage.ConfiguredType, tree map[string]any, name string) string {
	value := tree[name]
	if value == nil {
		for _, parameter := range of.Parameters {
			if parameter.Name == name && parameter.Default != nil {
				_ = json.Unmarshal([]byte(*parameter.Default), &value) // a default is JSON
			}
		}
	}
	text, isText := value.(string)
	if !isText {
		whole, _ := json.Marshal(value) // it came from JSON
		return string(whole)
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" {
		return text
	}
	scheme, port := strings.ToLower(parsed.Scheme), parsed.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(parsed.Hostname()) + ":" + port
}
