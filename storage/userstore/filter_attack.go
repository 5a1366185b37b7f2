package userstore

import "github.com/violentutf/violentutf/storage"

// attackFilter makes the condition of a filter on attacks a. What lies on other
// tables is found by uncorrelated subqueries: engines turn them into one hash join.
func attackFilter(q *query, f *storage.AttackFilter, depth int) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.between("a.attack_no", f.Number), q.in("a.source_id", f.SourceID)...)
	if f.Source != nil {
		own = append(own, q.among("a.source", plain(f.Source.In), plain(f.Source.NotIn))...)
	}
	if f.Outcome != nil {
		own = append(own, q.among("a.outcome", plain(f.Outcome.In), plain(f.Outcome.NotIn))...)
	}
	if f.OutcomeSource != nil {
		own = append(own, q.among("a.outcome_source", plain(f.OutcomeSource.In), plain(f.OutcomeSource.NotIn))...)
	}
	own = append(own, q.in("a.attack_class", f.AttackClass)...)
	own = append(own, q.in("a.technique_hash", f.Technique)...)
	own = append(own, q.match("objective", "a.objective", f.Objective)...)
	if f.Text != nil {
		own = append(own, oneOf([]string{
			"COALESCE(" + all(q.match("text", "a.objective", f.Text)) + ", FALSE)",
			"a.attack_no IN (" + attacksWithMessage(q.messageText(f.Text)) + ")",
		}))
	}
	own = append(own, q.target("a.target_hash", f.Target)...)
	own = append(own, q.model("a.target_hash", f.Model)...)
	own = append(own, q.via("a.target_hash", f.Generator, func(values []string) string {
		return `SELECT k.hash FROM components k JOIN generators g ON g.owner_id = k.owner_id AND g.id = k.generator_id
			WHERE k.owner_id = $1 AND ` + q.namedOr(storage.KindGenerator, values, "g.id", "g.name")
	})...)
	own = append(own, q.via("a.prompt_no", f.Dataset, func(values []string) string {
		return `SELECT p.prompt_no FROM dataset_prompts p JOIN datasets d ON d.owner_id = p.owner_id AND d.id = p.dataset_id
			WHERE p.owner_id = $1 AND ` + q.namedOr(storage.KindDataset, values, "d.id", "d.name")
	})...)
	own = append(own, q.prompt(f.Prompt)...)
	own = append(own, q.inList("a.harm_categories", f.HarmCategory)...)
	own = append(own, q.inList("a.tags", inAnySpelling(f.Tag))...)
	own = append(own, q.taxonomies(f.Taxonomy)...)
	own = append(own, q.in("a.probe", f.Probe)...)
	own = append(own, q.in("a.intent", f.Intent)...)
	own = append(own, q.converters(f.Converters)...)
	if f.Scorer != nil {
		own = append(own, q.scorer(f.Scorer))
	}
	if f.ScorersDisagree != nil {
		own = append(own, truth("a.conversation_no IN ("+disagreeing+")", *f.ScorersDisagree))
	}
	if f.Label != nil {
		own = append(own, q.label(f.Label, "a.attack_no", "a.conversation_no"))
	}
	for _, label := range f.Labels {
		own = append(own, q.label(label, "a.attack_no", "a.conversation_no"))
	}
	own = append(own, q.between("a.turns", f.Turns)...)
	own = append(own, q.between("a.retries", f.Retries)...)
	own = append(own, q.between("a.duration_ms", f.DurationMs)...)
	own = append(own, q.in("a.error_type", f.ErrorType)...)
	own = append(own, q.via("a.attack_no", f.ResponseError, func(values []string) string {
		if values == nil {
			return attacksWithMessage("TRUE")
		}
		return attacksWithMessage("m.response_error = ANY(" + q.texts(values) + ")")
	})...)
	if f.Role != nil {
		if f.Role.In != nil {
			own = append(own, "a.attack_no IN ("+attacksWithMessage("m.role = ANY("+q.texts(plain(f.Role.In))+")")+")")
		}
		if len(f.Role.NotIn) > 0 {
			own = append(own, negate("a.attack_no IN ("+attacksWithMessage("m.role = ANY("+q.texts(plain(f.Role.NotIn))+")")+")"))
		}
	}
	own = append(own, q.during("a.started_at", f.StartedAt)...)
	own = append(own, q.via("a.execution_id", f.Execution, func(values []string) string {
		return `SELECT e.id FROM execution_plans e
			WHERE e.owner_id = $1 AND ` + q.namedOr(storage.KindExecution, values, "e.id", "e.name")
	})...)
	if f.HasAnnotation != nil {
		own = append(own, truth("a.attack_no IN ("+withAnnotation("n.owner_id = $1 AND n.retracted_at IS NULL")+")", *f.HasAnnotation))
	}
	if f.HasFinding != nil {
		own = append(own, truth("a.attack_no IN (SELECT e.attack_no FROM finding_attacks e WHERE e.owner_id = $1)", *f.HasFinding))
	}
	if f.Annotation != nil {
		own = append(own, "a.attack_no IN ("+withAnnotation(q.annotation(f.Annotation))+")")
	}
	own = append(own, q.via("a.attack_no", f.Finding, func(values []string) string { return q.finding("finding_attacks", "e.attack_no", values) })...)
	return combine(q, depth, own, f.And, f.Or, f.Not, attackFilter)
}

// attacksWithMessage selects the attacks with such a message m in any conversation.
func attacksWithMessage(condition string) string {
	return `SELECT c.attack_no FROM conversations c
		JOIN prompt_request_responses m ON m.owner_id = c.owner_id AND m.conversation_no = c.conversation_no
		WHERE c.owner_id = $1 AND c.attack_no IS NOT NULL AND ` + condition
}

// messageText matches what a message m was or became.
func (q *query) messageText(f *storage.TextMatch) string {
	return oneOf([]string{
		all(q.match("text", "m.original_value", f)),
		"COALESCE(" + all(q.match("text", "m.converted_value", f)) + ", FALSE)",
	})
}

// target narrows a component's hash by the component's name, class or id.
func (q *query) target(column string, f *storage.TextIn) []string {
	return q.via(column, f, func(values []string) string {
		return `SELECT k.hash FROM components k
			WHERE k.owner_id = $1 AND ` + q.namedOr(storage.KindComponent, values, "k.hash", "k.name", "k.class_name")
	})
}

// model narrows a component's hash by the component's model.
func (q *query) model(column string, f *storage.TextIn) []string {
	return q.via(column, f, func(values []string) string {
		condition := "k.model IS NOT NULL"
		if values != nil {
			condition = "k.model = ANY(" + q.texts(values) + ")"
		}
		return "SELECT k.hash FROM components k WHERE k.owner_id = $1 AND " + condition
	})
}

// prompt narrows attacks by a dataset prompt's id or a prompt key.
func (q *query) prompt(f *storage.TextIn) []string {
	if f == nil {
		return nil
	}
	tried := func(values []string) string {
		var numbers []int64
		for _, value := range values {
			if id, ok := storage.ParseID(value); ok && id.Kind == storage.KindPrompt && id.Store == q.key {
				if number, ok := id.Numbers(1); ok {
					numbers = append(numbers, number[0])
				}
			}
		}
		condition := "COALESCE(a.prompt_key = ANY(" + q.texts(values) + "), FALSE)"
		if len(numbers) > 0 {
			condition = oneOf([]string{condition, "COALESCE(a.prompt_no = ANY(" + q.list(numbers, "BIGINT") + "), FALSE)"})
		}
		return condition
	}
	var own []string
	if f.In != nil {
		own = append(own, tried(f.In))
	}
	if len(f.NotIn) > 0 {
		own = append(own, negate(tried(f.NotIn)))
	}
	if f.IsNull != nil {
		own = append(own, truth("(a.prompt_key IS NULL AND a.prompt_no IS NULL)", *f.IsNull))
	}
	return own
}

// chain is the list of class names in an attack's canonical converter chain.
const chain = "string_to_array(a.converter_chain, ' > ')"

func (q *query) converters(f *storage.ConverterFilter) []string {
	if f == nil {
		return nil
	}
	var own []string
	if f.Any != nil {
		own = append(own, chain+" && "+q.texts(f.Any))
	}
	if len(f.All) > 0 {
		own = append(own, chain+" @> "+q.texts(f.All))
	}
	if len(f.None) > 0 {
		own = append(own, negate(chain+" && "+q.texts(f.None)))
	}
	if f.Has != nil {
		own = append(own, truth("a.converter_chain <> ''", *f.Has))
	}
	if f.Chain != nil {
		own = append(own, "a.converter_chain = CAST("+q.arg(*f.Chain)+" AS TEXT)")
	}
	return own
}

// scored is every score beside the messages that it counts for: the piece that it
// lies on and the pieces that repeat that one in a branch.
const scored = `(SELECT s.conversation_no, s.sequence, s.scorer_hash, s.is_true, s.scale
		FROM scores s
		WHERE s.owner_id = $1 AND s.conversation_no IS NOT NULL
		UNION ALL
		SELECT m.conversation_no, m.sequence, s.scorer_hash, s.is_true, s.scale
		FROM prompt_request_responses m
		JOIN scores s ON s.owner_id = m.owner_id AND s.conversation_no = m.original_conversation_no
			AND s.sequence = m.original_sequence AND s.piece = m.original_piece
		WHERE m.owner_id = $1 AND m.original_conversation_no IS NOT NULL)`

func (q *query) scorer(f *storage.ScorerFilter) string {
	own := []string{"c.owner_id = $1", "c.attack_no IS NOT NULL", "c.purpose = 'TARGET'"}
	if f.Name != nil {
		own = append(own, `s.scorer_hash IN (SELECT k.hash FROM components k WHERE k.owner_id = $1 AND `+
			q.namedOr(storage.KindComponent, []string{*f.Name}, "k.hash", "k.name", "k.class_name")+")")
	}
	if f.Verdict != nil {
		own = append(own, "s.is_true = CAST("+q.arg(*f.Verdict)+" AS BOOLEAN)")
	}
	if f.Min != nil {
		own = append(own, "s.scale >= CAST("+q.arg(*f.Min)+" AS DOUBLE PRECISION)")
	}
	if f.Max != nil {
		own = append(own, "s.scale <= CAST("+q.arg(*f.Max)+" AS DOUBLE PRECISION)")
	}
	return "a.attack_no IN (SELECT c.attack_no FROM conversations c JOIN " + scored +
		" s ON s.conversation_no = c.conversation_no WHERE " + all(own) + ")"
}

// disagreeing selects the conversations whose last reply was judged both ways.
const disagreeing = `SELECT s.conversation_no FROM ` + scored + ` s
		JOIN (SELECT m.conversation_no, max(m.sequence) AS sequence
			FROM prompt_request_responses m
			WHERE m.owner_id = $1 AND m.role = 'ASSISTANT'
			GROUP BY m.conversation_no) reply
			ON reply.conversation_no = s.conversation_no AND reply.sequence = s.sequence
		WHERE s.is_true IS NOT NULL
		GROUP BY s.conversation_no
		HAVING min(CAST(s.is_true AS INTEGER)) < max(CAST(s.is_true AS INTEGER))`

// label holds for rows with such a label on their attack or their conversation.
func (q *query) label(f *storage.LabelFilter, attack, conversation string) string {
	condition := "l.owner_id = $1 AND l.key = CAST(" + q.arg(f.Key) + " AS TEXT)"
	if f.Value != nil {
		condition += " AND l.value = CAST(" + q.arg(*f.Value) + " AS TEXT)"
	}
	if f.In != nil {
		condition += " AND l.value = ANY(" + q.texts(f.In) + ")"
	}
	found := oneOf([]string{
		"COALESCE(" + attack + " IN (SELECT l.attack_no FROM memory_labels l WHERE l.attack_no IS NOT NULL AND " + condition + "), FALSE)",
		"COALESCE(" + conversation + " IN (SELECT l.conversation_no FROM memory_labels l WHERE l.conversation_no IS NOT NULL AND " + condition + "), FALSE)",
	})
	return truth(found, f.Exists == nil || *f.Exists)
}
