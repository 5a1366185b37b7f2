package garak

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// hit takes one line of a hitlog: a score at or above the threshold, with the
// prompt and reply again, and the triggers that the detector looked for. Only the
// triggers are new; a line that names no score of the report is kept whole.
func (im *importer) hit(ctx context.Context, raw json.RawMessage) error {
	entry, ok := object(raw)
	if !ok {
		return fmt.Errorf("not a hit but another JSON value")
	}
	im.log.readLine("hitlog")
	index, _ := integer(entry["attempt_idx"])
	uuid, detector := text(entry["attempt_id"]), detectorClass(text(entry["detector"]))
	id := fmt.Sprintf("%s/%s", text(entry["run_id"]), scoreID(uuid, detector, int(index)))
	body, err := im.clean(raw)
	if err != nil {
		return err
	}
	err = im.stage.AddRaw(ctx, &storage.StagedRaw{Source: storage.SourceGarak, SourceID: id, Record: "garak.hitlog", Body: body})
	if err != nil {
		return err
	}
	var triggers any // one is called trigger until 0.12
	for _, name := range []string{"trigger", "triggers"} {
		if !empty(entry[name]) {
			triggers = string(entry[name])
		}
	}
	return im.stage.Append(ctx, "raw_garak_hits", scoreID(uuid, detector, int(index)), id, triggers, im.line)
}
