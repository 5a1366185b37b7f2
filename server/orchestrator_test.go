package server_test

import (
	"fmt"
	"testing"

	"github.com/violentutf/violentutf/auth"
)

// bench is what orchestrators of a user are made of.
type workbench struct {
	*site
	token                           string
	generator, converter, objective any
}

func newWorkbench(t *testing.T, user string) *workbench {
	t.Helper()
	w := &workbench{site: newSite(t)}
	w.token = w.site.token(user, auth.RoleUser)
	make := func(kind, name, typeName string, parameters map[string]any) any {
		a := w.mustAsk(w.token, fmt.Sprintf(`mutation($in:Create%[1]sInput!){m:create%[1]s(input:$in){it:%[2]s{id} userErrors{message}}}`, kind, string(kind[0]+32)+kind[1:]),
			map[string]any{"in": map[string]any{"name": name, "type": typeName, "parameters": parameters}})
		return at(a.Data, "m", "it", "id")
	}
	w.generator = make("Generator", "echo", "ECHO", nil)
	w.converter = make("Converter", "b64", "Base64Converter", nil)
	w.objective = make("Scorer", "finds", "SubStringScorer", map[string]any{"substring": "x"})
	return w
}

const orchestratorFields = `{id name type prompts tags concurrency author budget{calls} parameters labels{key value} generator{id name} dataset{id} chains{converters{name}} scorers{isObjective scorer{name}} executions{totalCount}}`

func (w *workbench) create(input map[string]any) answer {
	w.t.Helper()
	return w.mustAsk(w.token, `mutation($in:CreateOrchestratorInput!){m:createOrchestrator(input:$in){it:orchestrator`+orchestratorFields+` userErrors{code field message}}}`, map[string]any{"in": input})
}

func (w *workbench) whole(name string) map[string]any {
	return map[string]any{
		"name": name, "type": "PROMPT_SENDING", "generator": w.generator, "prompts": []any{"hello", "bye"},
		"chains": []any{[]any{}, []any{w.converter}}, "scorers": []any{w.objective}, "objectiveScorer": w.objective,
		"labels": []any{map[string]any{"key": "op", "value": "x"}}, "tags": []any{"b", "a", "b"}, "budget": map[string]any{"calls": 10},
		"parameters": map[string]any{"repetitions": 3}, "concurrency": 2,
	}
}

func TestAnOrchestratorIsMadeCheckedChangedAndDeleted(t *testing.T) {
	w := newWorkbench(t, "alice")
	input := w.whole("nightly")
	input["clientMutationId"] = "one"
	first := w.create(input)
	it := at(first.Data, "m", "it")
	if at(it, "author") != "alice" || at(it, "generator", "name") != "echo" || at(it, "chains", 1, "converters", 0, "name") != "b64" || at(it, "scorers", 0, "isObjective") != true ||
		fmt.Sprint(at(it, "tags")) != "[a b]" || at(it, "budget", "calls") != float64(10) || at(it, "executions", "totalCount") != float64(0) {
		t.Fatalf("%s", first.body)
	}
	id := at(it, "id")
	if again := w.create(input); at(again.Data, "m", "it", "id") != id {
		t.Errorf("sent again it made another: %s", again.body)
	}
	checked := w.mustAsk(w.token, `mutation($id:ID!){m:validateOrchestrator(input:{id:$id}){validation{ok problems{severity field message} estimate{items calls{likely} method}} userErrors{code}}}`, map[string]any{"id": id})
	if at(checked.Data, "m", "validation", "ok") != true || at(checked.Data, "m", "validation", "estimate", "items") != float64(12) {
		t.Errorf("%s", checked.body)
	}
	changed := w.mustAsk(w.token, `mutation($id:ID!){m:updateOrchestrator(input:{id:$id,objectiveScorer:null,budget:null,prompts:["only"]}){it:orchestrator`+orchestratorFields+` userErrors{code message}}}`, map[string]any{"id": id})
	if at(changed.Data, "m", "it", "scorers", 0, "isObjective") != false || at(changed.Data, "m", "it", "budget", "calls") != nil || fmt.Sprint(at(changed.Data, "m", "it", "prompts")) != "[only]" || at(changed.Data, "m", "it", "name") != "nightly" {
		t.Errorf("%s", changed.body)
	}
	cloned := w.mustAsk(w.token, `mutation($id:ID!){m:cloneOrchestrator(input:{id:$id,name:"weekly"}){it:orchestrator`+orchestratorFields+` userErrors{code}}}`, map[string]any{"id": id})
	if at(cloned.Data, "m", "it", "name") != "weekly" || at(cloned.Data, "m", "it", "id") == id {
		t.Errorf("%s", cloned.body)
	}
	edges := w.mustAsk(w.token, `{viewer{workspace{orchestrators(filter:{type:{in:["PROMPT_SENDING"]}}){totalCount} generators{nodes{orchestrators{nodes{name}}}} converters{nodes{orchestrators{totalCount}}} scorers{nodes{orchestrators{totalCount}}}}}}`, nil)
	if at(edges.Data, "viewer", "workspace", "orchestrators", "totalCount") != float64(2) || at(edges.Data, "viewer", "workspace", "generators", "nodes", 0, "orchestrators", "nodes", 1, "name") != "weekly" {
		t.Errorf("%s", edges.body)
	}
	remove := `mutation($id:ID!,$c:Boolean!){m:deleteGenerator(input:{id:$id,cascade:$c}){deletedId userErrors{code message}}}`
	if refused := w.mustAsk(w.token, remove, map[string]any{"id": w.generator, "c": false}); at(refused.Data, "m", "userErrors", 0, "code") != "CONFLICT" {
		t.Errorf("a generator that orchestrators name: %s", refused.body)
	}
	for _, want := range []any{nil, "NOT_FOUND"} {
		gone := w.mustAsk(w.token, `mutation($id:ID!){m:deleteOrchestrator(input:{id:$id}){deletedId userErrors{code}}}`, map[string]any{"id": id})
		if at(gone.Data, "m", "userErrors", 0, "code") != want {
			t.Errorf("deleted: %s", gone.body)
		}
	}
	if gone := w.mustAsk(w.token, remove, map[string]any{"id": w.generator, "c": true}); at(gone.Data, "m", "deletedId") != w.generator {
		t.Errorf("with cascade: %s", gone.body)
	}
	if left := w.mustAsk(w.token, `{viewer{workspace{orchestrators{totalCount}}}}`, nil); at(left.Data, "viewer", "workspace", "orchestrators", "totalCount") != float64(0) {
		t.Errorf("%s", left.body)
	}
}

func TestAnOrchestratorThatDoesNotFitIsRefusedByField(t *testing.T) {
	w := newWorkbench(t, "alice")
	w.create(w.whole("taken"))
	other := newWorkbench(t, "bob")
	for name, c := range map[string]struct {
		field string
		value any
		code  string
		at    string
	}{
		"a name that is taken":          {"name", "taken", "CONFLICT", "name"},
		"no name":                       {"name", " ", "BAD_USER_INPUT", "name"},
		"no type":                       {"type", "NONE", "BAD_USER_INPUT", "type"},
		"another's generator":           {"generator", other.generator, "NOT_FOUND", "generator"},
		"a scorer for a generator":      {"generator", w.objective, "NOT_FOUND", "generator"},
		"another's converter":           {"chains", []any{[]any{other.converter}}, "NOT_FOUND", "chains"},
		"another's scorer":              {"scorers", []any{other.objective}, "NOT_FOUND", "scorers"},
		"an objective that is none":     {"scorers", []any{}, "BAD_USER_INPUT", "objectiveScorer"},
		"too many at once":              {"concurrency", 65, "BAD_USER_INPUT", "concurrency"},
		"no budget":                     {"budget", map[string]any{"calls": 0}, "BAD_USER_INPUT", "budget"},
		"money without a currency":      {"budget", map[string]any{"money": 5.0}, "BAD_USER_INPUT", "budget"},
		"a credential among parameters": {"parameters", map[string]any{"api_key": "sk-0123456789abcdef0123456789abcdef"}, "BAD_USER_INPUT", "parameters"},
		"a label twice":                 {"labels", []any{map[string]any{"key": "a", "value": "1"}, map[string]any{"key": "a", "value": "2"}}, "BAD_USER_INPUT", "labels"},
		"a time that is too long":       {"callTimeoutSeconds", 3601, "BAD_USER_INPUT", "callTimeoutSeconds"},
	} {
		input := w.whole("new")
		input[c.field] = c.value
		a := w.create(input)
		if at(a.Data, "m", "userErrors", 0, "code") != c.code || at(a.Data, "m", "userErrors", 0, "field", 1) != c.at || at(a.Data, "m", "it") != nil {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

func TestADraftIsStoredAndItsProblemsAreTold(t *testing.T) {
	w := newWorkbench(t, "alice")
	draft := w.create(map[string]any{"name": "draft", "type": "RED_TEAMING"})
	checked := w.mustAsk(w.token, `mutation($id:ID!){m:validateOrchestrator(input:{id:$id}){validation{ok problems{severity field remedy}} userErrors{code}}}`, map[string]any{"id": at(draft.Data, "m", "it", "id")})
	if at(checked.Data, "m", "validation", "ok") != false {
		t.Fatalf("%s", checked.body)
	}
	fields := map[string]bool{}
	problems, _ := at(checked.Data, "m", "validation", "problems").([]any)
	for _, p := range problems {
		fields[fmt.Sprint(at(p, "field"))] = true
	}
	for _, want := range []string{"[generator]", "[prompts]", "[scorers]", "[parameters attacker]"} {
		if !fields[want] {
			t.Errorf("no problem of %s in %s", want, checked.body)
		}
	}
}

func TestPricesAreSetAndRemoved(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	set := `mutation($in:SetPriceInput!){m:setPrice(input:$in){price{id model currency inputPrice} userErrors{code field}}}`
	first := s.mustAsk(alice, set, map[string]any{"in": map[string]any{"model": "GPT-*", "currency": "eur", "inputPrice": 1.5, "outputPrice": 3}})
	second := s.mustAsk(alice, set, map[string]any{"in": map[string]any{"model": "gpt-*", "currency": "EUR", "inputPrice": 2, "outputPrice": 3}})
	if at(first.Data, "m", "price", "model") != "gpt-*" || at(second.Data, "m", "price", "id") != at(first.Data, "m", "price", "id") || at(second.Data, "m", "price", "inputPrice") != float64(2) {
		t.Fatalf("%s, then %s", first.body, second.body)
	}
	for field, value := range map[string]any{"model": "", "currency": "euro", "inputPrice": -1, "outputPrice": 1e12} {
		input := map[string]any{"model": "m", "currency": "EUR", "inputPrice": 1, "outputPrice": 1}
		input[field] = value
		if a := s.mustAsk(alice, set, map[string]any{"in": input}); at(a.Data, "m", "userErrors", 0, "code") != "BAD_USER_INPUT" || at(a.Data, "m", "userErrors", 0, "field", 1) != field {
			t.Errorf("%s = %v: %s", field, value, a.body)
		}
	}
	for _, want := range []any{nil, "NOT_FOUND"} {
		if a := s.mustAsk(alice, `mutation($id:ID!){m:removePrice(input:{id:$id}){deletedId userErrors{code}}}`, map[string]any{"id": at(first.Data, "m", "price", "id")}); at(a.Data, "m", "userErrors", 0, "code") != want {
			t.Errorf("%s", a.body)
		}
	}
}

func TestConfigurationsAreCheckedWithoutBeingStored(t *testing.T) {
	w := newWorkbench(t, "alice")
	check := `mutation($in:ValidateConfigurationInput!){m:validateConfiguration(input:$in){ok problems{severity field} userErrors{code field}}}`
	for name, c := range map[string]struct {
		in map[string]any
		ok any
	}{
		"a stored one":        {map[string]any{"kind": "CONVERTER", "part": map[string]any{"id": w.converter}}, true},
		"a new one":           {map[string]any{"kind": "SCORER", "part": map[string]any{"inline": map[string]any{"type": "SubStringScorer", "parameters": map[string]any{"substring": "a"}}}}, true},
		"a missing parameter": {map[string]any{"kind": "SCORER", "part": map[string]any{"inline": map[string]any{"type": "SubStringScorer"}}}, false},
		"no type":             {map[string]any{"kind": "GENERATOR", "part": map[string]any{"inline": map[string]any{"type": "NONE"}}}, false},
		"a name that's taken": {map[string]any{"kind": "CONVERTER", "name": "b64", "part": map[string]any{"inline": map[string]any{"type": "Base64Converter"}}}, false},
	} {
		if a := w.mustAsk(w.token, check, map[string]any{"in": c.in}); at(a.Data, "m", "ok") != c.ok {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if a := w.mustAsk(w.token, check, map[string]any{"in": map[string]any{"kind": "SCORER", "part": map[string]any{"id": w.converter}}}); at(a.Data, "m", "userErrors", 0, "code") != "NOT_FOUND" {
		t.Errorf("a converter for a scorer: %s", a.body)
	}
	if a := w.mustAsk(w.token, `{viewer{workspace{scorers{totalCount}}}}`, nil); at(a.Data, "viewer", "workspace", "scorers", "totalCount") != float64(1) {
		t.Errorf("something was stored: %s", a.body)
	}
}

func TestAScorerIsTriedOnSavedMessages(t *testing.T) {
	s := newSite(t)
	s.take("alice", "pyrit/memory-1.1.0.sqlite")
	alice := s.token("alice", auth.RoleUser)
	a := s.mustAsk(alice, `mutation{m:testScorer(input:{filter:{},limit:30,scorer:{inline:{type:"RuleRefusalScorer"}}}){
		test{results{message{role originalValue} verdict{isTrue status} problem} trueCount falseCount undeterminedCount unjudgedCount people{compared} saved{scorerName agreement{compared rate}}} userErrors{code message}}}`, nil)
	results, _ := at(a.Data, "m", "test", "results").([]any)
	sum := 0.0
	for _, count := range []string{"trueCount", "falseCount", "undeterminedCount", "unjudgedCount"} {
		n, _ := at(a.Data, "m", "test", count).(float64)
		sum += n
	}
	if len(results) == 0 || sum != float64(len(results)) || at(results[0], "message", "role") != "ASSISTANT" {
		t.Fatalf("%d results, counted %g: %.500s", len(results), sum, a.body)
	}
	for name, input := range map[string]string{
		"neither ids nor a filter": `scorer:{inline:{type:"RuleRefusalScorer"}}`, "too many": `filter:{},limit:201,scorer:{inline:{type:"RuleRefusalScorer"}}`,
		"no scorer type": `filter:{},scorer:{inline:{type:"NONE"}}`,
	} {
		if a := s.mustAsk(alice, `mutation{m:testScorer(input:{`+input+`}){test{trueCount} userErrors{code field}}}`, nil); at(a.Data, "m", "userErrors", 0, "code") != "BAD_USER_INPUT" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}
