package configured

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// The parameters are those that the original's forms and API take for these types.
func TestThingsOfTheOriginalAreReadAsTheirEquivalents(t *testing.T) {
	things := &Things{Types: Types()}
	for _, test := range []struct {
		kind               storage.ConfiguredKind
		typeName, original string
		want, parameters   string // or the error and its field
	}{
		{storage.KindGenerators, "AI Gateway", `{"provider":"openai","model":"gpt-4","api_key":"","endpoint":"https://gate.example/ai/openai/gpt4","temperature":0.7,"max_tokens":1000,"top_p":1.0,"frequency_penalty":0.0,"presence_penalty":0.5,"seed":9007199254740993,"max_requests_per_minute":30}`, "AI_GATEWAY", `{"endpoint":"https://gate.example/ai/openai/gpt4","extra_body":{"presence_penalty":0.5,"seed":9007199254740993},"max_tokens":1000,"model":"gpt-4","requests_per_minute":30,"temperature":0.7,"top_p":1.0}`},
		{storage.KindGenerators, "AI Gateway", `{"provider":"openai","model":"o1-mini","endpoint":"https://gate.example/v1/","temperature":0.7,"max_tokens":1000}`, "AI_GATEWAY", `{"endpoint":"https://gate.example/v1/chat/completions","model":"o1-mini"}`},
		{storage.KindGenerators, "AI Gateway", `{"provider":"openai","model":"gpt-4","endpoint":""}`, "set endpoint to the whole URL", "parameters.endpoint"},
		{storage.KindGenerators, "HTTP REST", `{"endpoint":"https://x.example/a","method":"POST","headers":{"content-type":"text/plain","X-Team":"red"},"timeout":30}`, "HTTP_REST", `{"content_type":"text/plain","headers":{"X-Team":"red"},"method":"POST","timeout_seconds":30,"url":"https://x.example/a"}`},
		{storage.KindGenerators, "HTTPTarget", `{"endpoint":"https://x.example/a?q={{ prompt }}","method":"GET","headers":"{\"X-Team\": \"red\"}"}`, "HTTP_REST", `{"headers":{"X-Team":"red"},"method":"GET","url":"https://x.example/a?q={{ prompt }}"}`},
		{storage.KindGenerators, "HTTPTarget", `{"endpoint":"https://x.example/a","headers":"X-Team: red"}`, `write {"Name": "value"}`, "parameters.headers"},
		{storage.KindGenerators, "HTTP REST", `{"http_request":"POST /ask?n=1 HTTP/1.1\r\nHost: x.example\r\nContent-Type: application/json\r\nContent-Length: 20\r\nX-Team: red\r\n\r\n{\"q\": \"{PROMPT}\"}\r\n","prompt_regex_string":"{PROMPT}","use_tls":true,"max_requests_per_minute":5}`, "HTTP_REST", `{"body":"{\"q\": \"{{ prompt }}\"}","content_type":"application/json","headers":{"X-Team":"red"},"method":"POST","requests_per_minute":5,"url":"https://x.example/ask?n=1"}`},
		{storage.KindGenerators, "HTTP REST", `{"http_request":"get /ask/<<it>> HTTP/1.1\nHost: x.example:81","prompt_regex_string":"<<\\w+>>","use_tls":false}`, "HTTP_REST", `{"method":"GET","url":"http://x.example:81/ask/{{ prompt }}"}`},
		{storage.KindGenerators, "HTTP REST", `{"http_request":"POST /ask HTTP/1.1\nX-Team: red\n\n{PROMPT}"}`, "no header Host", "parameters.http_request"},
		{storage.KindGenerators, "HTTP REST", `{"http_request":"POST /ask HTTP/1.1\nHost: x\n\n{PROMPT}","prompt_regex_string":"(?<=a)b"}`, "write RE2", "parameters.prompt_regex_string"},
		{storage.KindGenerators, "AzureMLChatTarget", `{"endpoint":"https://x.example/score","api_key":"k","max_new_tokens":400,"repetition_penalty":1.2}`, "HTTP_REST", `{"body":"{\"input_data\":{\"input_string\":[{\"content\":\"{{ prompt }}\",\"role\":\"user\"}],\"parameters\":{\"max_new_tokens\":400,\"repetition_penalty\":1.2,\"return_full_text\":false}}}","headers":{"Authorization":"Bearer k"},"reply_pointer":"/output","url":"https://x.example/score"}`},
		{storage.KindGenerators, "CrucibleTarget", `{"endpoint":"https://x.example/score","api_key":"k"}`, "HTTP_REST", `{"body":"{\"data\":\"{{ prompt }}\"}","headers":{"X-API-Key":"k"},"url":"https://x.example/score"}`},
		{storage.KindGenerators, "OpenAIDALLETarget", `{"endpoint":"https://x.example"}`, "viewer.generatorTypes", "type"},
		{storage.KindConverters, "CaesarCipherConverter", `{"caesar_offset":3,"append_description":true}`, "CaesarConverter", `{"append_description":true,"caesar_offset":3}`},
		{storage.KindConverters, "MorseCodeConverter", `{"append_description":true}`, "MorseConverter", `{"append_description":true}`},
		{storage.KindConverters, "UnicodeConverter", `{"start_value":119808}`, "UnicodeSubstitutionConverter", `{"start_value":119808}`},
		{storage.KindConverters, "SearchReplaceConverter", `{"old_value":"a.b","new_value":"c\\1"}`, "SearchReplaceConverter", `{"pattern":"a\\.b","replace":"c\\\\1"}`},
		{storage.KindConverters, "SearchReplaceConverter", `{"old_value":"a","new_value":""}`, "SearchReplaceConverter", `{"pattern":"a","replace":""}`},
		{storage.KindConverters, "PromptVariationConverter", `{"converter_target":"g"}`, "VariationConverter", `{"converter_target":"g"}`},
		{storage.KindConverters, "VariationConverter", `{"variations":["a"]}`, "name the one whose model", "parameters.converter_target"},
		{storage.KindConverters, "CodeChameleonConverter", `{"encrypt_type":"reverse"}`, "viewer.converterTypes", "type"},
		{storage.KindConverters, "Base64Converter", `{}`, "Base64Converter", `{}`},
		{storage.KindScorers, "SubStringScorer", `{"substring":"Sure","category":"compliance"}`, "SubStringScorer", `{"categories":["compliance"],"substring":"Sure"}`},
		{storage.KindScorers, "SelfAskTrueFalseScorer", `{"true_false_question":"Does it help?","chat_target":"g"}`, "SelfAskTrueFalseScorer", `{"chat_target":"g","true_description":"Does it help?"}`},
		{storage.KindScorers, "SelfAskTrueFalseScorer", `{"true_false_question":{"category":"c","true_description":"t","false_description":"f","metadata":""},"chat_target":"g"}`, "SelfAskTrueFalseScorer", `{"category":"c","chat_target":"g","false_description":"f","true_description":"t"}`},
		{storage.KindScorers, "SelfAskLikertScorer", `{"likert_scale_question":"How rude?","scale_min":1,"scale_max":7,"chat_target":"g"}`, "SelfAskScaleScorer", `{"chat_target":"g","maximum_description":"The answer to this is: fully. How rude?","maximum_value":7,"minimum_description":"The answer to this is: not at all. How rude?","minimum_value":1}`},
		{storage.KindScorers, "SelfAskScaleScorer", `{"scale_question":"How rude?","scale_arguments":"{\"minimum_value\":0,\"maximum_value\":10,\"minimum_description\":\"polite\"}","chat_target":"g"}`, "SelfAskScaleScorer", `{"chat_target":"g","maximum_description":"The answer to this is: fully. How rude?","maximum_value":10,"minimum_description":"polite","minimum_value":0}`},
		{storage.KindScorers, "SelfAskScaleScorer", `{"scale_question":"q","scale_arguments":"one to ten","chat_target":"g"}`, "or leave them out", "parameters.scale_arguments"},
		{storage.KindScorers, "SelfAskCategoryScorer", `{"category_question":"Which harm?","categories":["fraud","spam"],"chat_target":"g"}`, "SelfAskCategoryScorer", `{"chat_target":"g","content_classifier":{"categories":[{"description":"Which harm? fraud","name":"fraud"},{"description":"Which harm? spam","name":"spam"},{"description":"No other category fits.","name":"none"}],"no_category_found":"none"}}`},
		{storage.KindScorers, "CompositeScorer", `{"scorers":["a","b"],"combination_logic":"max"}`, "TrueFalseCompositeScorer", `{"aggregator":"OR","scorers":["a","b"]}`},
		{storage.KindScorers, "CompositeScorer", `{"scorers":["a"],"combination_logic":"average"}`, "set it to min", "parameters.combination_logic"},
		{storage.KindScorers, "FloatScaleThresholdScorer", `{"threshold":0.5,"scorer":"a"}`, "FloatScaleThresholdScorer", `{"scorer":["a"],"threshold":0.5}`},
		{storage.KindScorers, "TrueFalseInverterScorer", `{"scorer":"a"}`, "TrueFalseInverterScorer", `{"scorer":["a"]}`},
	} {
		name := test.typeName + " " + test.original
		row := &storage.Configured{Source: storage.SourceViolentUTF, Type: test.typeName, Parameters: storage.JSON(test.original)}
		got, err := things.usable(test.kind, row)
		if row.Type != test.typeName || string(row.Parameters) != test.original {
			t.Errorf("%s: the row is changed: %+v", name, row)
		}
		if !strings.HasPrefix(test.parameters, "{") {
			refusal, _ := err.(*storage.Error)
			if refusal == nil || refusal.Code != storage.CodeBadInput || refusal.Field != test.parameters || !strings.Contains(refusal.Message, test.want) {
				t.Errorf("%s: %v (%+v)", name, err, refusal)
			}
			continue
		}
		if err != nil || got.Type != test.want || string(got.Parameters) != test.parameters {
			t.Errorf("%s:\n%v, %+v\nwant %s %s", name, err, got, test.want, test.parameters)
			continue
		}
		of, err := things.typeOf(test.kind, got.Type)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := of.Read(got.Parameters); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := things.usable(test.kind, got); err != nil || again.Type != got.Type || again.Parameters != got.Parameters {
			t.Errorf("%s: read again it is %+v, %v", name, again, err)
		}
		if made := makes(t, test.kind, got); made != nil {
			t.Errorf("%s cannot be made: %v", name, made)
		}
	}
	native := &storage.Configured{Source: storage.SourceNative, Type: "SubStringScorer", Parameters: `{"substring":"a","category":"c"}`}
	if got, err := things.usable(storage.KindScorers, native); err != nil || got != native {
		t.Errorf("a native thing became %+v, %v", got, err)
	}
}

// makes tries to make what asks no other thing.
func makes(t *testing.T, kind storage.ConfiguredKind, thing *storage.Configured) error {
	t.Helper()
	switch {
	case kind == storage.KindGenerators:
		model, err := target.New(thing.Type, thing.Parameters, nil, target.Options{})
		if err == nil {
			model.Close()
		}
		return err
	case kind == storage.KindConverters && !strings.Contains(string(thing.Parameters), "converter_target"):
		_, err := converter.New(thing.Type, thing.Parameters, nil)
		return err
	case thing.Type == "SubStringScorer":
		_, err := scorer.New(thing.Type, thing.Parameters, nil)
		return err
	}
	return nil
}
