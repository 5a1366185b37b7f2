//go:build !linux

package duckdb

// freeAtOnce is for the allocator that DuckDB has on Linux.
func freeAtOnce() {}

// purge is for the allocator that DuckDB has on Linux.
func purge() {}
