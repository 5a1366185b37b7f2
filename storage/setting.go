package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the names of time zones, also where the system has none
)

// Settings are what an administrator changes while the program runs.
type Settings interface {
	// Settings returns all declared ones, by key, with their defaults where nobody
	// set another value. What is stored and no longer declared is left out.
	Settings(ctx context.Context) ([]*SystemSetting, error)
	// SetSetting changes a value. actor is for people: a username, or ActorCommand.
	// version is that of the value that was seen, 0 for a default: CodeConflict when
	// somebody else was faster. CodeNotFound for a key that is not declared,
	// BAD_USER_INPUT for a value that its declaration refuses.
	SetSetting(ctx context.Context, actor, key string, value JSON, version int64) (*SystemSetting, error)
}

// SettingType is what a setting's value is.
type SettingType string

// The types of settings.
const (
	SettingInt  SettingType = "INT"
	SettingBool SettingType = "BOOL"
	SettingText SettingType = "TEXT"
	// Of users only:
	SettingTimeZone  SettingType = "TIME_ZONE" // a name of the IANA database
	SettingWorkspace SettingType = "WORKSPACE" // the id of a workspace, or null
)

// Setting declares a setting.
type Setting struct {
	Key         string
	Type        SettingType
	Default     JSON
	Min, Max    int64    // of an INT, and the length of a TEXT in bytes
	OneOf       []string // of a TEXT; empty: any
	Description string
}

// SystemSetting is a declared setting with its value.
type SystemSetting struct {
	Setting
	Value     JSON
	Version   int64 // 0: nobody has set it
	UpdatedBy *string
	UpdatedAt *time.Time
}

// Int is the value of an INT.
func (s *SystemSetting) Int() int64 {
	var value int64
	_ = json.Unmarshal([]byte(s.Value), &value) // checked when it was written
	return value
}

// Bool is the value of a BOOL.
func (s *SystemSetting) Bool() bool { return s.Value == "true" }

// Text is the value of a TEXT.
func (s *SystemSetting) Text() string {
	var value string
	_ = json.Unmarshal([]byte(s.Value), &value) // checked when it was written
	return value
}

// MostWorkspaces is the key of a setting: how many shared workspaces a user may own.
const MostWorkspaces = "workspace.most_per_owner"

// WebhookDays is the key of a setting: for how many days deliveries are listed.
const WebhookDays = "webhook.delivery_days"

// The keys of the settings of uploads: how many bytes a file, and how many files a
// request may have.
const (
	UploadBytes = "upload.most_bytes"
	UploadFiles = "upload.most_files"
)

// DeclaredSettings returns all settings that there are.
func DeclaredSettings() []Setting {
	settings := []Setting{
		{
			Key: "session.idle_minutes", Type: SettingInt, Default: "60", Min: 1, Max: 7 * 24 * 60,
			Description: "Minutes without a request after which a browser has to sign in again.",
		},
		{
			Key: "session.lifetime_hours", Type: SettingInt, Default: "12", Min: 1, Max: 30 * 24,
			Description: "Hours after which a browser has to sign in again, whatever it does meanwhile.",
		},
		{
			Key: "api_key.longest_days", Type: SettingInt, Default: "365", Min: 1, Max: 3650,
			Description: "Days after which a new API key expires at the latest.",
		},
		{
			Key: MostWorkspaces, Type: SettingInt, Default: "100", Min: 1, Max: 10_000,
			Description: "Shared workspaces that one user may own, archived ones among them.",
		},
		{
			Key: "api_key.roles_days", Type: SettingInt, Default: "30", Min: 1, Max: 3650,
			Description: "Days since the owner last signed in during which an API key acts with the roles of then; afterwards the owner signs in once.",
		},
		{
			Key: TrashDays, Type: SettingInt, Default: "30", Min: 1, Max: 3650,
			Description: "Days for which what is deleted from now on can be restored; then it is purged.",
		},
		{
			Key: WebhookDays, Type: SettingInt, Default: "30", Min: 1, Max: 3650,
			Description: "Days after which deliveries of webhooks are forgotten.",
		},
		{
			Key: UploadBytes, Type: SettingInt, Default: "536870912", Min: 1 << 10, Max: 16 << 30,
			Description: "Bytes that one uploaded file may have.",
		},
		{
			Key: UploadFiles, Type: SettingInt, Default: "4", Min: 1, Max: 20,
			Description: "Files that one request may upload.",
		},
		{
			Key: "rate.sign_in.per_minute", Type: SettingInt, Default: "300", Min: 1, Max: 100_000,
			Description: "Attempts to sign in that one address may make in a minute.",
		},
	}
	for _, bucket := range []struct{ key, what, perMinute string }{
		{"query", "Queries", "30000"},
		{"mutation", "Mutations", "1200"},
		{"execution", "Executions", "10"},
		{"call", "Calls of generators, for tests and previews,", "300"},
	} {
		for _, role := range []string{"user", "auditor", "admin"} {
			settings = append(settings, Setting{
				Key: "rate." + bucket.key + ".per_minute." + role, Type: SettingInt, Default: JSON(bucket.perMinute), Min: 1, Max: 1_000_000,
				Description: bucket.what + " that one principal of the role " + role + " may start in a minute.",
			})
		}
	}
	slices.SortFunc(settings, func(a, b Setting) int { return strings.Compare(a.Key, b.Key) })
	return settings
}

// Check returns the value as it is stored, BAD_USER_INPUT for one that does not fit.
func (s *Setting) Check(value JSON) (JSON, error) {
	var parsed any
	decoder := json.NewDecoder(strings.NewReader(string(value)))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil || !json.Valid([]byte(value)) {
		return "", BadInput("value", "the value of %s must be one JSON value of the type %s", s.Key, s.Type)
	}
	switch v := parsed.(type) {
	case bool:
		if s.Type == SettingBool {
			return canonical(v), nil
		}
	case json.Number:
		if number, err := v.Int64(); s.Type == SettingInt && err == nil {
			if number < s.Min || number > s.Max {
				return "", BadInput("value", "%s must be between %d and %d, not %d", s.Key, s.Min, s.Max, number)
			}
			return canonical(number), nil
		}
	case string:
		if s.Type == SettingText {
			return s.checkText(v)
		}
		if s.Type == SettingTimeZone {
			return s.checkZone(v)
		}
		if id, ok := ParseID(v); s.Type == SettingWorkspace && ok && id.Kind == KindWorkspace && len(v) <= int(s.Max) {
			return canonical(v), nil
		}
	case nil:
		if s.Type == SettingWorkspace {
			return "null", nil
		}
	}
	return "", BadInput("value", "the value of %s must be %s", s.Key, s.takes())
}

// takes says what the setting can be.
func (s *Setting) takes() string {
	switch s.Type {
	case SettingInt:
		return fmt.Sprintf("a whole number between %d and %d", s.Min, s.Max)
	case SettingBool:
		return "true or false"
	case SettingTimeZone:
		return "the name of a time zone, such as Europe/Vienna"
	case SettingWorkspace:
		return "the id of a workspace, or null"
	}
	if len(s.OneOf) > 0 {
		return "one of the texts " + strings.Join(s.OneOf, ", ")
	}
	return "a text"
}

// checkZone takes what names a zone everywhere: not Local, and no path.
func (s *Setting) checkZone(name string) (JSON, error) {
	if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" && len(name) <= int(s.Max) && zone.String() == name {
		return canonical(name), nil
	}
	return "", BadInput("value", "the value of %s must be %s", s.Key, s.takes())
}

func (s *Setting) checkText(text string) (JSON, error) {
	switch length := int64(len(text)); {
	case length < s.Min || length > s.Max:
		return "", BadInput("value", "%s must have %d to %d bytes, not %d", s.Key, s.Min, s.Max, length)
	case text != Plain(text, len(text)):
		return "", BadInput("value", "%s holds characters that cannot be seen: write it with printable ones", s.Key)
	case len(s.OneOf) > 0 && !slices.Contains(s.OneOf, text):
		return "", BadInput("value", "%s must be one of %s", s.Key, strings.Join(s.OneOf, ", "))
	}
	return canonical(text), nil
}

func canonical(value any) JSON {
	raw, _ := json.Marshal(value) // a bool, number or text is always JSON
	return JSON(raw)
}
