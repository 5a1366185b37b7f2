package duckdb

/*
#include <stdio.h>
#include <sys/types.h>

// jemalloc's control function (jemalloc(3), mallctl), under the prefix that DuckDB's
// Linux libraries give it; absent from a library without it.
extern int duckdb_je_mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size) __attribute__((weak));

static void free_at_once(void) {
	ssize_t wait = 0;
	unsigned arenas = 0;
	size_t size = sizeof arenas;
	char name[64];
	if (!duckdb_je_mallctl || duckdb_je_mallctl("arenas.narenas", &arenas, &size, NULL, 0) != 0) {
		return;
	}
	duckdb_je_mallctl("arenas.dirty_decay_ms", NULL, NULL, &wait, sizeof wait);
	for (unsigned i = 0; i < arenas; i++) {
		snprintf(name, sizeof name, "arena.%u.dirty_decay_ms", i);
		duckdb_je_mallctl(name, NULL, NULL, &wait, sizeof wait); // fails for one not made yet, which the default is for
	}
}

static void purge(void) {
	if (duckdb_je_mallctl) {
		duckdb_je_mallctl("arena.4096.purge", NULL, NULL, NULL, 0); // MALLCTL_ARENAS_ALL
	}
}
*/
import "C"

// freeAtOnce has DuckDB's allocator give freed pages back to the system at once, for
// the whole process. It keeps them for a second otherwise, in which an import frees as
// much again as its memory limit.
func freeAtOnce() { C.free_at_once() }

// purge has it give back what is free now.
func purge() { C.purge() }
