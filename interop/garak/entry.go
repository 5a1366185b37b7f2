package garak

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/violentutf/violentutf/storage"
)

// entry takes one line of a report.
func (im *importer) entry(ctx context.Context, raw json.RawMessage) error {
	entry, ok := object(raw)
	if !ok {
		return im.loose(ctx, raw)
	}
	entryType := typeOf(entry)
	if entryType == "hitlog" {
		return ErrHitlog
	}
	im.log.readLine(entryType)
	defer func() {
		if im.run != nil {
			im.run.last = lastLine{entryType: entryType, status: string(entry["status"])}
		}
	}()
	switch entryType {
	case "start_run setup":
		return im.startRun(ctx, entry, raw)
	case "config", "start_run args config":
		return im.configure(ctx, entry, raw)
	case "init":
		return im.initRun(ctx, entry)
	case "completion":
		return im.complete(ctx, entry, raw)
	case "attempt":
		return im.attempt(ctx, entry)
	case "plugin_cache":
		if err := im.pluginCache(ctx, entry); err != nil {
			return err
		}
	case "eval":
		if err := im.eval(ctx, entry); err != nil {
			return err
		}
	}
	return im.keep(ctx, entryType, raw)
}

// typeOf is a line's entry_type. Garak 0.9 wrote none: its attempts and its init
// are known by their members.
func typeOf(entry members) string {
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := entry[name]; !ok {
				return false
			}
		}
		return true
	}
	switch name := text(entry["entry_type"]); {
	case name != "":
		return name
	case isHitlog(has):
		return "hitlog"
	case has("uuid", "probe_classname", "status"):
		return "attempt"
	case has("garak_version", "start_time"):
		return "init"
	}
	return "unknown"
}

// loose takes a line that is no object: garak 0.9 begins with its command line, as
// Python prints it.
func (im *importer) loose(ctx context.Context, raw json.RawMessage) error {
	im.log.readLine("text")
	if im.run == nil {
		im.run = newRun()
		im.run.setup = members{}
		for _, found := range argument.FindAllStringSubmatch(text(raw), -1) {
			value := quoted.ReplaceAllString(found[2], `"$1"`)
			im.run.keepSetup(members{found[1]: json.RawMessage(value)}, "plugins.")
			im.run.keepSetup(members{found[1]: json.RawMessage(value)}, "run.")
		}
	}
	return im.keep(ctx, "text", raw)
}

// argument is one of Namespace(model_type='test.Repeat', eval_threshold=0.5, ...)
// that is needed later, quoted a text in it. A quote within one stands there escaped
// or between others: such a text is not read.
var (
	argument = regexp.MustCompile(`\b(model_type|model_name|eval_threshold)=('[^'"\\]*'|[0-9.]+)[,)]`)
	quoted   = regexp.MustCompile(`^'(.*)'$`)
)

// keep stores a line for which the model has no table. Its number within the run
// and type is the same when the report has grown.
func (im *importer) keep(ctx context.Context, entryType string, raw json.RawMessage) error {
	if im.run == nil {
		return fmt.Errorf("%s before the line that starts a run: this is a part of a report, import the whole", entryType)
	}
	body, err := im.clean(raw)
	if err != nil {
		return err
	}
	n := im.run.next(entryType)
	return im.stage.AddRaw(ctx, &storage.StagedRaw{
		Source:   storage.SourceGarak,
		SourceID: fmt.Sprintf("%s/%d", im.run.key(), n),
		Record:   "garak." + entryType,
		Body:     body,
	})
}
