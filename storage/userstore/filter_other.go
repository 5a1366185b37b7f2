package userstore

import "github.com/violentutf/violentutf/storage"

// conversationFilter makes the condition of a filter on conversations c.
func conversationFilter(q *query, f *storage.ConversationFilter, depth int) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.between("c.conversation_no", f.Number), q.in("c.source_id", f.SourceID)...)
	if f.Purpose != nil {
		own = append(own, q.among("c.purpose", plain(f.Purpose.In), plain(f.Purpose.NotIn))...)
	}
	if f.Source != nil {
		own = append(own, q.among("c.source", plain(f.Source.In), plain(f.Source.NotIn))...)
	}
	own = append(own, q.target("c.target_hash", f.Target)...)
	own = append(own, q.model("c.target_hash", f.Model)...)
	own = append(own, q.between("c.message_count", f.MessageCount)...)
	own = append(own, q.during("c.started_at", f.StartedAt)...)
	if f.Label != nil {
		own = append(own, q.label(f.Label, "c.attack_no", "c.conversation_no"))
	}
	if f.Text != nil {
		own = append(own, `c.conversation_no IN (SELECT m.conversation_no FROM prompt_request_responses m
			WHERE m.owner_id = $1 AND `+q.messageText(f.Text)+")")
	}
	if f.HasAttack != nil {
		own = append(own, truth("c.attack_no IS NOT NULL", *f.HasAttack))
	}
	if f.Annotation != nil {
		own = append(own, "c.conversation_no IN (SELECT n.conversation_no FROM annotations n WHERE n.conversation_no IS NOT NULL AND "+q.annotation(f.Annotation)+")")
	}
	own = append(own, q.via("c.conversation_no", f.Finding, func(values []string) string {
		return q.finding("finding_messages", "e.conversation_no", values)
	})...)
	return combine(q, depth, own, f.And, f.Or, f.Not, conversationFilter)
}

// messageFilter makes the condition of a filter on messages m.
func messageFilter(q *query, f *storage.MessageFilter, depth int) string {
	if f == nil {
		return "TRUE"
	}
	var own []string
	if f.Role != nil {
		own = q.among("m.role", plain(f.Role.In), plain(f.Role.NotIn))
	}
	if f.Text != nil {
		own = append(own, q.messageText(f.Text))
	}
	own = append(own, q.in("m.converted_data_type", f.DataType)...)
	own = append(own, q.in("m.response_error", f.ResponseError)...)
	own = append(own, q.in("m.source_id", f.SourceID)...)
	if f.Source != nil {
		own = append(own, q.among("m.source", plain(f.Source.In), plain(f.Source.NotIn))...)
	}
	own = append(own, q.during("m.created_at", f.CreatedAt)...)
	if f.Purpose != nil {
		own = append(own, `m.conversation_no IN (SELECT c.conversation_no FROM conversations c
			WHERE c.owner_id = $1 AND `+all(q.among("c.purpose", plain(f.Purpose.In), plain(f.Purpose.NotIn)))+")")
	}
	own = append(own, q.in("m.original_sha256", f.Hash)...)
	if f.HasConverters != nil {
		own = append(own, truth("COALESCE(array_length(m.converter_hashes, 1), 0) > 0", *f.HasConverters))
	}
	own = append(own, q.in("m.finish_reason", f.FinishReason)...)
	if f.Annotation != nil {
		own = append(own, "(m.conversation_no, m.sequence, m.piece) IN (SELECT n.conversation_no, n.sequence, n.piece FROM annotations n WHERE n.piece IS NOT NULL AND "+q.annotation(f.Annotation)+")")
	}
	own = append(own, q.via("(m.conversation_no, m.sequence, m.piece)", f.Finding, func(values []string) string {
		return q.finding("finding_messages", "e.conversation_no, e.sequence, e.piece", values)
	})...)
	return combine(q, depth, own, f.And, f.Or, f.Not, messageFilter)
}

func componentFilter(q *query, f *storage.ComponentFilter) string {
	if f == nil {
		return "TRUE"
	}
	var own []string
	if f.Kind != nil {
		own = q.among("k.kind", plain(f.Kind.In), plain(f.Kind.NotIn))
	}
	own = append(own, q.in("k.class_name", f.ClassName)...)
	own = append(own, q.in("k.model", f.Model)...)
	own = append(own, q.in("k.endpoint", f.Endpoint)...)
	return all(own)
}

func configuredFilter(q *query, f *storage.ConfiguredFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.match("name", "g.name", f.Name), q.in("g.type", f.Type)...)
	return all(append(own, q.in("g.status", f.Status)...))
}

func executionFilter(q *query, f *storage.ExecutionFilter) string {
	if f == nil {
		return "TRUE"
	}
	var own []string
	if f.Origin != nil {
		own = q.among("e.origin", plain(f.Origin.In), plain(f.Origin.NotIn))
	}
	if f.Status != nil {
		own = append(own, q.among("e.status", plain(f.Status.In), plain(f.Status.NotIn))...)
	}
	if f.Source != nil {
		own = append(own, q.among("e.source", plain(f.Source.In), plain(f.Source.NotIn))...)
	}
	own = append(own, q.match("name", "e.name", f.Name)...)
	own = append(own, q.in("e.orchestrator", f.OrchestratorType)...)
	own = append(own, q.in("e.started_by", f.StartedBy)...)
	own = append(own, q.during("e.queued_at", f.QueuedAt)...)
	return all(append(own, q.during("e.started_at", f.StartedAt)...))
}
