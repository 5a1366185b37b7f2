package storage

// The ids of what the app store keeps.

// ID is the GraphQL id of the workspace.
func (w *Workspace) ID() string { return ID{Kind: KindWorkspace, Key: w.Key}.String() }

// ID is the GraphQL id of the user.
func (u *User) ID() string { return ID{Kind: KindUser, Key: u.Key}.String() }

// ID is the GraphQL id of the API key.
func (k *APIKey) ID() string { return ID{Kind: KindAPIKey, Key: k.Key}.String() }

// ID is the GraphQL id of the session: its key is a hash, with which nobody signs in.
func (s *Session) ID() string { return ID{Kind: KindSession, Key: s.Key}.String() }

// ID is the GraphQL id of the row of the audit log.
func (e *AuditEvent) ID() string { return ID{Kind: KindAuditEvent, Key: e.Key}.String() }

// ID is the GraphQL id of the setting.
func (s *SystemSetting) ID() string { return ID{Kind: KindSetting, Key: s.Key}.String() }

// ID is the GraphQL id of the webhook: one of its workspace.
func (w *Webhook) ID() string {
	return ID{Kind: KindWebhook, Store: w.StoreKey, Key: w.Key}.String()
}

// ID is the GraphQL id of the delivery: one of its workspace.
func (d *WebhookDelivery) ID() string {
	return ID{Kind: KindWebhookDelivery, Store: d.StoreKey, Key: d.Key}.String()
}

// ID is the GraphQL id of the kind of failure.
func (e *ErrorLog) ID() string { return ID{Kind: KindErrorLog, Key: e.Fingerprint}.String() }
