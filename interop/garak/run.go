package garak

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// run is one run of garak; a report may hold several, one after another.
type run struct {
	id      string
	version string
	setup   members       // what of it is needed later: kept
	config  *storage.JSON // the setup without credentials
	started time.Time
	ended   *time.Time
	inited  bool
	done    bool
	last    lastLine
	harness string

	targetHash  *string
	targetKnown bool
	translators []translator
	counters    map[string]int64
}

// kept are the settings that are needed after the setup was read.
var kept = []string{
	"plugins.target_type", "plugins.model_type", "plugins.target_name", "plugins.model_name",
	"plugins.generators", "plugins.generator_options", "run.eval_threshold",
}

// lastLine is what is known of the last line of a run.
type lastLine struct{ entryType, status string }

func newRun() *run { return &run{counters: map[string]int64{}} }

// key is what names the run in source ids. Garak 0.9 gave its runs no id: there it
// is made of the version and the start.
func (r *run) key() string {
	if r.id == "" && r.inited {
		r.id = storage.TextHash(r.version + "\n" + r.started.Format(time.RFC3339Nano))[:32]
	}
	return r.id
}

func (r *run) next(entryType string) int64 {
	if len(r.counters) >= maxTypes {
		entryType = "other"
	}
	r.counters[entryType]++
	return r.counters[entryType]
}

// startRun takes "start_run setup", the first line since 0.9.0.10: the settings as
// flat names. Numbers with a fraction are missing there (garak writes text, whole
// numbers, booleans, lists and objects only), run.eval_threshold among them.
func (im *importer) startRun(ctx context.Context, entry members, raw json.RawMessage) error {
	if err := im.closeRun(ctx); err != nil {
		return err
	}
	r := newRun()
	r.keepSetup(entry, "")
	r.id = text(entry["transient.run_id"])
	r.version = text(entry["_config.version"])
	r.started, _ = parseTime(text(entry["transient.starttime_iso"]))
	r.translators = translatorsOf(entry["run.langproviders"])
	config, err := im.clean(raw)
	if err != nil {
		return err
	}
	r.config = &config
	im.run = r
	return nil
}

// configure takes "config", the first line of 0.9.0.5 to 0.9.0.8, and "start_run args
// config", that of 0.9.0.9: the settings by the names of the command line; the first
// has all, with the threshold, the second those that were given. The init line follows.
func (im *importer) configure(ctx context.Context, entry members, raw json.RawMessage) error {
	if err := im.closeRun(ctx); err != nil {
		return err
	}
	r := newRun()
	r.keepSetup(entry, "plugins.")
	r.keepSetup(entry, "run.")
	config, err := im.clean(raw)
	if err != nil {
		return err
	}
	r.config = &config
	im.run = r
	return nil
}

// keepSetup keeps the settings that are needed later, which stand in the line without
// the prefix.
func (r *run) keepSetup(entry members, prefix string) {
	if r.setup == nil {
		r.setup = members{}
	}
	for _, name := range kept {
		short, found := strings.CutPrefix(name, prefix)
		if setting, stated := entry[short]; found && stated {
			r.setup[name] = bytes.Clone(setting)
		}
	}
}

func (im *importer) initRun(ctx context.Context, entry members) error {
	if im.run != nil && im.run.inited {
		if err := im.closeRun(ctx); err != nil {
			return err
		}
	}
	if im.run == nil {
		im.run = newRun()
	}
	r := im.run
	r.inited = true
	if id := text(entry["run"]); id != "" {
		r.id = id
	}
	if version := text(entry["garak_version"]); version != "" {
		r.version = version
	}
	if started, ok := parseTime(text(entry["start_time"])); ok {
		r.started = started
	}
	return nil
}

func (im *importer) complete(ctx context.Context, entry members, raw json.RawMessage) error {
	if im.run == nil {
		return im.keep(ctx, "completion", raw)
	}
	im.run.done = true
	if ended, ok := parseTime(text(entry["end_time"])); ok {
		im.run.ended = &ended
	}
	return nil
}

// closeRun stages the execution of the run that was read. A run without its
// completion is FAILED and not CANCELLED: the report does not say that anybody
// meant to stop it.
func (im *importer) closeRun(ctx context.Context) error {
	r := im.run
	if r == nil || r.key() == "" {
		im.run = nil
		return nil
	}
	im.run, im.last = nil, r
	attributes, err := document(map[string]any{"garakVersion": r.version})
	if err != nil {
		return err
	}
	execution := &storage.Execution{
		Origin:        storage.OriginImported,
		Source:        storage.SourceGarak,
		SourceID:      r.key(),
		Name:          r.name(),
		Orchestrator:  optional(r.harness),
		Status:        storage.ExecutionSucceeded,
		Configuration: r.config,
		FinishedAt:    r.ended,
		Attributes:    attributes,
	}
	if !r.started.IsZero() {
		execution.StartedAt = &r.started
	}
	if !r.done && !endsSilently(r.version, r.last) {
		im.partial = true
		execution.Partial = true
		execution.Status = storage.ExecutionFailed
		execution.Error = optional("the report ends without garak's completion line: the run stopped before its end")
		im.log.note("a run has no completion line: it stopped before its end", 0)
	}
	if err := im.stage.AddExecution(ctx, execution); err != nil {
		return err
	}
	var stated any
	if threshold, ok := number(r.setup["run.eval_threshold"]); ok {
		stated = threshold
	}
	return im.stage.Append(ctx, "raw_garak_runs", r.key(), stated)
}

// endsSilently says whether a run has come to its end in a version that writes no
// completion line, as all do since 0.9.0.14: its last line is the count of its last
// probe or, before there were counts, a judged attempt.
func endsSilently(version string, last lastLine) bool {
	if version == "0.9" {
		return last.entryType == "attempt" && last.status == "2"
	}
	patch, found := strings.CutPrefix(version, "0.9.0.")
	if end := strings.IndexFunc(patch, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		patch = patch[:end] // of 6post1
	}
	n, err := strconv.Atoi(patch)
	return found && err == nil && n < 14 && last.entryType == "eval"
}

// name is what a person knows a run by: target and start.
func (r *run) name() string {
	parts := []string{"garak"}
	if target := firstText(r.setup, "plugins.target_name", "plugins.model_name"); target != "" {
		parts = append(parts, target)
	} else if target := firstText(r.setup, "plugins.target_type", "plugins.model_type"); target != "" {
		parts = append(parts, target)
	}
	if !r.started.IsZero() {
		parts = append(parts, r.started.Format("2006-01-02 15:04:05"))
	}
	return strings.Join(parts, " ")
}

// pluginCache notes what the plugins of the following probe say of themselves: the
// line comes before a probe's attempts, and for probes that choose detectors by
// intent once more after them, so nothing is decided here. Since 0.15.
func (im *importer) pluginCache(ctx context.Context, entry members) error {
	cache, ok := object(entry["plugin_cache"])
	if !ok || im.run == nil {
		return nil
	}
	if harnesses, ok := object(cache["harnesses"]); ok {
		for name := range harnesses {
			im.run.harness = className(name, "harnesses")
		}
	}
	probes, _ := object(cache["probes"])
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		probe, ok := object(probes[name])
		if !ok {
			continue
		}
		err := im.stage.Append(ctx, "raw_garak_probes", im.run.key(), probeClass(name),
			detectorClass(text(probe["primary_detector"])), texts(probe["tags"]), im.line)
		if err != nil {
			return err
		}
	}
	return nil
}

// eval notes garak's own counts, from which the threshold can be told. Until 0.13
// the number of evaluated outputs is called total.
func (im *importer) eval(ctx context.Context, entry members) error {
	if im.run == nil {
		return nil
	}
	passed, ok := integer(entry["passed"])
	total, counted := integer(entry["total_evaluated"])
	if !counted {
		total, counted = integer(entry["total"])
	}
	if !ok || !counted {
		return nil
	}
	return im.stage.Append(ctx, "raw_garak_evals", im.run.key(),
		probeClass(text(entry["probe"])), detectorClass(text(entry["detector"])), passed, total)
}

func firstText(m members, names ...string) string {
	for _, name := range names {
		if s := text(m[name]); s != "" {
			return s
		}
	}
	return ""
}
