package pyrit

import (
	"testing"

	"github.com/violentutf/violentutf/internal/testfiles"
)

// 0.10 has no seed_type, only a flag; 1.0 has no flag, only the type.
func TestObjectivesAreObjectivesInEveryVersion(t *testing.T) {
	for _, sample := range []string{"pyrit/mixed-0.10.0.sqlite", "pyrit/mixed-0.12.1.sqlite", "pyrit/mixed-1.0.0.sqlite"} {
		w := newWorkspace(t)
		w.load(t, testfiles.Path(t, sample), Options{})
		equalCounts(t, sample, w.counts(t, "SELECT seed_type, count(*) FROM dataset_prompts GROUP BY seed_type"),
			map[string]int{"prompt": 3, "objective": 2})
	}
}
