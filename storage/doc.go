// Package storage holds the domain types of AI red-teaming data and the
// interfaces of the stores that keep them.
//
// There are two stores. The app store (one per installation) keeps bookkeeping:
// users, workspaces, never a prompt or a reply. A user store (one per workspace)
// keeps what was attacked, sent, answered and judged. Everything below storage
// wraps one engine or holds SQL; nothing here knows an engine or GraphQL.
package storage
