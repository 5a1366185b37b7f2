package configured

import (
	"testing"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// An imported generator has its type as the original spells it.
func TestTypesOfImportedGeneratorsAreFound(t *testing.T) {
	things := &Things{Types: Types()}
	for spelled, want := range map[string]string{"AI Gateway": target.TypeGateway, "HTTP REST": target.TypeHTTPREST} {
		of, err := things.typeOf(storage.KindGenerators, spelled)
		if err != nil || of.Name != want {
			t.Errorf("%s: %v, %v", spelled, of, err)
		}
	}
}
