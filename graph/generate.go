// Package graph is the executor that gqlgen generates from the schema. Nothing in
// it is edited by hand.
package graph

//go:generate go tool gqlgen generate
//go:generate go run ./lists .
//go:generate go run ../schema/snapshot ../schema.graphql
//go:generate go run ../schema/roles ../docs/roles.md
//go:generate go run ../schema/operations/page ../docs/operations ../docs/operations.md
