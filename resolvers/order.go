package resolvers

import "github.com/violentutf/violentutf/storage"

// The schema gives each order a default; a client that passes null gets the same.

func attackOrder(order *storage.AttackOrder) storage.AttackOrder {
	return orDefault(order, storage.AttackOrder{Field: storage.AttackOrderStartedAt, Direction: storage.Descending})
}

func conversationOrder(order *storage.ConversationOrder) storage.ConversationOrder {
	return orDefault(order, storage.ConversationOrder{Field: storage.ConversationOrderNumber, Direction: storage.Ascending})
}

func messageOrder(order *storage.MessageOrder) storage.MessageOrder {
	return orDefault(order, storage.MessageOrder{Field: storage.MessageOrderNumber, Direction: storage.Ascending})
}

func nameOrder(order *storage.NameOrder) storage.NameOrder {
	return orDefault(order, storage.NameOrder{Field: storage.NameOrderName, Direction: storage.Ascending})
}

func executionOrder(order *storage.ExecutionOrder) storage.ExecutionOrder {
	return orDefault(order, storage.ExecutionOrder{Field: storage.ExecutionOrderStartedAt, Direction: storage.Descending})
}

func findingOrder(order *storage.FindingOrder) storage.FindingOrder {
	return orDefault(order, storage.FindingOrder{Field: storage.FindingOrderUpdatedAt, Direction: storage.Descending})
}

func savedQueryOrder(order *storage.SavedQueryOrder) storage.SavedQueryOrder {
	return orDefault(order, storage.SavedQueryOrder{Field: storage.SavedQueryOrderPinned, Direction: storage.Ascending})
}

func keptOrder(order *storage.KeptOrder) storage.KeptOrder {
	return orDefault(order, storage.KeptOrder{Field: storage.KeptOrderName, Direction: storage.Ascending})
}

func savedSessionOrder(order *storage.SavedSessionOrder) storage.SavedSessionOrder {
	return orDefault(order, storage.SavedSessionOrder{Field: storage.SavedSessionOrderUpdatedAt, Direction: storage.Descending})
}

func workspaceOrder(order *storage.WorkspaceOrder) storage.WorkspaceOrder {
	return orDefault(order, storage.WorkspaceOrder{Field: storage.WorkspaceOrderCreatedAt, Direction: storage.Ascending})
}

func userOrder(order *storage.UserOrder) storage.UserOrder {
	return orDefault(order, storage.UserOrder{Field: storage.UserOrderUsername, Direction: storage.Ascending})
}

func auditOrder(order *storage.AuditOrder) storage.AuditOrder {
	return orDefault(order, storage.AuditOrder{Direction: storage.Descending})
}

func orDefault[T any](given *T, standard T) T {
	if given == nil {
		return standard
	}
	return *given
}
