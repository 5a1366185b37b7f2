package secret

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestExtractFindsCredentialsAndKeepsTheRest(t *testing.T) {
	// Unless said otherwise the value found is the leaf before; paths in order.
	for _, test := range []struct {
		name, parameters, clean string
		found                   map[string]string
	}{
		{
			"the first generator of the real file",
			`{"provider":"openai","model":"mock-1","api_key":"sk-test-a1b2c3d4","endpoint":"http://127.0.0.1:18999/v1","temperature":0.7,"max_tokens":512,"top_p":1.0}`,
			`{"provider":"openai","model":"mock-1","api_key":"[sealed]","endpoint":"http://127.0.0.1:18999/v1","temperature":0.7,"max_tokens":512,"top_p":1.0}`,
			map[string]string{"/api_key": "sk-test-a1b2c3d4"},
		},
		{
			"the second generator of the real file",
			`{"endpoint":"http://127.0.0.1:18999/v1","method":"POST","headers":{"Authorization":"Bearer secret-0002"},"timeout":30}`,
			`{"endpoint":"http://127.0.0.1:18999/v1","method":"POST","headers":{"Authorization":"[sealed]"},"timeout":30}`,
			map[string]string{"/headers/Authorization": "Bearer secret-0002"},
		},
		{
			"names in every spelling",
			`{"apiKey":"v1","OPENAI_API_KEY":"v2","x-api-key":"v3","AzureOpenAIKey":"v4","db password":"v5","api_key_2":"v6","clientSecretValue":"v7","sessionToken":"v8","sas":"v9"}`,
			`{"apiKey":"[sealed]","OPENAI_API_KEY":"[sealed]","x-api-key":"[sealed]","AzureOpenAIKey":"[sealed]","db password":"[sealed]","api_key_2":"[sealed]","clientSecretValue":"[sealed]","sessionToken":"[sealed]","sas":"[sealed]"}`,
			map[string]string{"/apiKey": "v1", "/OPENAI_API_KEY": "v2", "/x-api-key": "v3", "/AzureOpenAIKey": "v4", "/db password": "v5", "/api_key_2": "v6", "/clientSecretValue": "v7", "/sessionToken": "v8", "/sas": "v9"},
		},
		{
			"names that only sound like it",
			`{"max_tokens":1,"maxTokens":2,"input_tokens":3,"token_count":4,"tokenizer":"cl100k","eos_token":"</s>","max_new_token":5,"token_limit":6,"canvas":"a","primary_key":"id","response_key":"text","secret_name":"n","use_token":true}`,
			`{"max_tokens":1,"maxTokens":2,"input_tokens":3,"token_count":4,"tokenizer":"cl100k","eos_token":"</s>","max_new_token":5,"token_limit":6,"canvas":"a","primary_key":"id","response_key":"text","secret_name":"n","use_token":true}`,
			nil,
		},
		{
			"nothing to seal",
			`{"api_key":"","token":null,"password":"[sealed]","secret":"${MY_SECRET}","auth":"bearer","headers":{"Authorization":"Bearer [sealed]"}}`,
			`{"api_key":"","token":null,"password":"[sealed]","secret":"${MY_SECRET}","auth":"bearer","headers":{"Authorization":"Bearer [sealed]"}}`,
			nil,
		},
		{
			"a number",
			`{"password":12345678}`,
			`{"password":"[sealed]"}`,
			map[string]string{"/password": "12345678"},
		},
		{
			"a map of credentials keeps what describes it",
			`{"credentials":{"type":"key","blob":"abc","more":["x",{"y":"z"}]}}`,
			`{"credentials":{"type":"key","blob":"[sealed]","more":["[sealed]",{"y":"[sealed]"}]}}`,
			map[string]string{"/credentials/blob": "abc", "/credentials/more/0": "x", "/credentials/more/1/y": "z"},
		},
		{
			"headers in maps of lists",
			`{"http_headers":{"X-Functions-Key":["k1"],"Cookie":"a=1; b=2","Accept":"text/plain"}}`,
			`{"http_headers":{"X-Functions-Key":["[sealed]"],"Cookie":"[sealed]","Accept":"text/plain"}}`,
			map[string]string{"/http_headers/X-Functions-Key/0": "k1", "/http_headers/Cookie": "a=1; b=2"},
		},
		{
			"headers as pairs, lines and lists of two",
			`{"headers":[{"name":"Authorization","value":"x1"},"X-Api-Key: x2",["X-My-Token","x3"],{"name":"Accept","value":"y"}]}`,
			`{"headers":[{"name":"Authorization","value":"[sealed]"},"X-Api-Key: [sealed]",["X-My-Token","[sealed]"],{"name":"Accept","value":"y"}]}`,
			map[string]string{"/headers/0/value": "x1", "/headers/1": "X-Api-Key: x2", "/headers/2/1": "x3"},
		},
		{
			"a header block, and a raw request",
			`{"headers":"Authorization: Bearer abc\nAccept: z","http_request":"POST / HTTP/1.1\r\nX-Auth-Token: hush\r\nHost: h\r\n\r\n{\"api_key\": \"hush2\", \"prompt\": \"{PROMPT}\"}"}`,
			`{"headers":"Authorization: [sealed]\nAccept: z","http_request":"POST / HTTP/1.1\r\nX-Auth-Token: [sealed]\r\nHost: h\r\n\r\n{\"api_key\": \"[sealed]\", \"prompt\": \"{PROMPT}\"}"}`,
			map[string]string{"/headers": "Authorization: Bearer abc\nAccept: z", "/http_request": "POST / HTTP/1.1\r\nX-Auth-Token: hush\r\nHost: h\r\n\r\n{\"api_key\": \"hush2\", \"prompt\": \"{PROMPT}\"}"},
		},
		{
			"JSON in a string, in a string",
			`{"extra":"{\"n\": 1.50, \"inner\": \"{\\\"password\\\": \\\"it's\\\"}\"}"}`,
			`{"extra":"{\"inner\":\"{\\\"password\\\":\\\"[sealed]\\\"}\",\"n\":1.50}"}`,
			map[string]string{"/extra": `{"n": 1.50, "inner": "{\"password\": \"it's\"}"}`},
		},
		{
			"a member that a later one of the same name hides",
			`{"extra":"{\"api_key\": \"hidden\", \"api_key\": \"\"}"}`,
			`{"extra":"{\"api_key\": \"[sealed]\", \"api_key\": \"\"}"}`,
			map[string]string{"/extra": `{"api_key": "hidden", "api_key": ""}`},
		},
		{
			"URLs",
			`{"a":"https://bob:pa/ss@h/x","b":"https://h/v1?api_key=abc&n=2&sig=d%2Fe","c":"https://h:80/@scope/x?q=1","d":"postgres://u:p@h/db"}`,
			`{"a":"https://bob:[sealed]@h/x","b":"https://h/v1?api_key=[sealed]&n=2&sig=[sealed]","c":"https://h:80/@scope/x?q=1","d":"postgres://u:[sealed]@h/db"}`,
			map[string]string{"/a": "https://bob:pa/ss@h/x", "/b": "https://h/v1?api_key=abc&n=2&sig=d%2Fe", "/d": "postgres://u:p@h/db"},
		},
		{
			"well-known keys wherever they stand",
			`{"a":"sk-ant-api03-abcdef","b":["see ghp_0123456789abcdef."],"c":"Bearer xyz","d":"AKIAIOSFODNN7EXAMPLE","e":"Basic dTpwYXNz","f":"Basic English","g":"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n","h":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig","i":"task-oriented","j":"the bearer of news"}`,
			`{"a":"[sealed]","b":["see [sealed]."],"c":"[sealed]","d":"[sealed]","e":"[sealed]","f":"Basic English","g":"[sealed]","h":"[sealed]","i":"task-oriented","j":"the bearer of news"}`,
			map[string]string{
				"/a": "sk-ant-api03-abcdef", "/b/0": "see ghp_0123456789abcdef.", "/c": "Bearer xyz", "/d": "AKIAIOSFODNN7EXAMPLE", "/e": "Basic dTpwYXNz",
				"/g": "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n", "/h": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig",
			},
		},
		{
			"the same value elsewhere, in keys and numbers too",
			`{"token":"hunter-two","note":"use hunter-two","hunter-two":[1],"password":"123456","n":9123456}`,
			`{"token":"[sealed]","note":"use [sealed]","[sealed]":[1],"password":"[sealed]","n":"[sealed]"}`,
			map[string]string{"/token": "hunter-two", "/note": "use hunter-two", "/password": "123456", "/n": "9123456"},
		},
		{
			"a word in place of a key destroys nothing",
			`{"api_key":"openai","provider":"openai"}`,
			`{"api_key":"[sealed]","provider":"openai"}`,
			map[string]string{"/api_key": "openai"},
		},
		{
			"names of headers against their values",
			`{"api_key_header":"X-API-Key","authorization_header":"abc123"}`,
			`{"api_key_header":"X-API-Key","authorization_header":"[sealed]"}`,
			map[string]string{"/authorization_header": "abc123"},
		},
		{
			"connection strings inside other texts",
			`{"store":"Endpoint=sb://h/;AccountKey=abc==;Name=n"}`,
			`{"store":"Endpoint=sb://h/;AccountKey=[sealed];Name=n"}`,
			map[string]string{"/store": "Endpoint=sb://h/;AccountKey=abc==;Name=n"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			parameters := object(t, test.parameters)
			clean, found := Extract(parameters)
			if got, want := text(t, clean), text(t, object(t, test.clean)); got != want {
				t.Errorf("clean\n got %s\nwant %s", got, want)
			}
			values := map[string]string{}
			for _, c := range found {
				values[c.Path] = c.Value
			}
			if len(values)+len(test.found) > 0 && !reflect.DeepEqual(values, test.found) {
				t.Errorf("found\n got %q\nwant %q", values, test.found)
			}
			if got, want := text(t, parameters), text(t, object(t, test.parameters)); got != want {
				t.Errorf("the given parameters changed: %s", got)
			}
			if again, more := Extract(clean); len(more) > 0 || text(t, again) != text(t, clean) {
				t.Errorf("a second time finds %#v in %s", more, text(t, again))
			}
		})
	}
}

func TestRestoreUndoesExtract(t *testing.T) {
	const parameters = `{"a/b~c":{"api_key":"k1"},"url":"https://u:p@h","list":[{"headers":{"Cookie":"x"}},"Bearer abc"],"extra":"{\"token\": \"t\"}","n":1}`
	clean, found := Extract(object(t, parameters))
	if len(found) != 5 {
		t.Fatalf("found %v", found)
	}
	if got, want := text(t, Restore(clean, found)), text(t, object(t, parameters)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestExtractReadsTypedMapsAndLists(t *testing.T) {
	clean, found := Extract(map[string]any{
		"headers": map[string]string{"Authorization": "Bearer abc", "Accept": "x"},
		"list":    []string{"a", "X-Api-Key: k"},
		"raw":     json.RawMessage(`{"password":"p"}`),
	})
	want := `{"headers":{"Accept":"x","Authorization":"[sealed]"},"list":["a","X-Api-Key: [sealed]"],"raw":{"password":"[sealed]"}}`
	if got := text(t, clean); got != want || len(found) != 3 {
		t.Errorf("got %s, %v", got, found)
	}
}

func TestSecretsAreTheBareParts(t *testing.T) {
	for value, want := range map[string][]string{
		"plain":                           {"plain"},
		"Bearer secret-0002":              {"secret-0002"},
		"Basic dTpwYXNz":                  {"dTpwYXNz", "pass"},
		"https://u:pw@h/?api_key=k&x=1":   {"pw", "k"},
		`{"Authorization": "Bearer abc"}`: {"abc", "Bearer abc"},
		"Authorization: Bearer abc\nA: b": {"abc", "Bearer abc"},
	} {
		if got := (Credential{Value: value}).Secrets(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestACredentialNeverPrintsItsValue(t *testing.T) {
	c := Credential{Path: "/api_key", Value: "hush-hush"}
	for _, printed := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, []Credential{c}, &c), c.LogValue().String(), text(t, c)} {
		if strings.Contains(printed, "hush") {
			t.Errorf("printed %s", printed)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(`{"api_key":"sk-test-a1b2c3d4","note":"sk-test-a1b2c3d4 twice","max_tokens":512}`)
	f.Add(`{"headers":{"Authorization":"Bearer secret-0002"},"secret-0002":1}`)
	f.Add(`{"extra":"{\"password\":\"hunter22\"}","url":"https://u:hunter22@h/?token=hunter22"}`)
	f.Add(`{"token":123456,"n":1234567,"headers":"Cookie: a=123456; b"}`)
	f.Add(`{"token":"[sealed","secret":"ed] [se","a":"[sealed"}`)
	f.Add(`{"auth":["\u00e9\ud83d\ude00 zz","x"],"b":"\\u00e9\\ud83d\\ude00 zz"}`)
	f.Fuzz(func(t *testing.T, parameters string) {
		parsed, ok := decodeJSON(parameters)
		given, isMap := parsed.(map[string]any)
		if !ok || !isMap {
			t.Skip("not a JSON object")
		}
		clean, found := Extract(given)
		for _, c := range found {
			for _, secret := range append(c.Secrets(), c.Value) {
				if isScrubbed(secret) && readable(secret, object(t, text(t, clean))) {
					t.Fatalf("%q of %q is readable in %s", secret, c.Path, text(t, clean))
				}
			}
			if isScrubbed(c.Value) && strings.Contains(c.Path, c.Value) && !strings.HasPrefix(c.Value, "/") && !strings.Contains(c.Value, "/") {
				t.Fatalf("%q is readable in the path %q", c.Value, c.Path)
			}
		}
	})
}

// readable looks into texts, keys and numbers: across the marks of JSON itself a
// value could only appear by chance.
func readable(secret string, value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			if strings.Contains(key, secret) || readable(secret, child) {
				return true
			}
		}
	case []any:
		for _, child := range value {
			if readable(secret, child) {
				return true
			}
		}
	case string:
		return strings.Contains(value, secret)
	case json.Number:
		return strings.Contains(value.String(), secret)
	}
	return false
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	value, ok := decodeJSON(text)
	if !ok {
		t.Fatalf("not JSON: %s", text)
	}
	return value.(map[string]any)
}

func text(t *testing.T, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
