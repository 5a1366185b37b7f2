package storage

import (
	"context"
	"encoding/json"
	"time"
)

// UserSettings are what a person chooses for themselves.
type UserSettings interface {
	// UserSettings returns all declared ones, by key, with their defaults where the user
	// chose nothing.
	UserSettings(ctx context.Context, userKey string) ([]*UserSetting, error)
	// SetUserSetting changes a value. CodeBadInput for a key that is not declared, and for
	// a value that its declaration refuses.
	SetUserSetting(ctx context.Context, userKey, key string, value JSON) error
	// ResetUserSetting goes back to the default. CodeBadInput for a key that is not
	// declared.
	ResetUserSetting(ctx context.Context, userKey, key string) error
}

// UserSetting is a declared setting with a user's value.
type UserSetting struct {
	Setting
	Value     JSON
	UpdatedAt *time.Time // nil: the default
}

// Text is the value of a setting that is a text.
func (s *UserSetting) Text() string {
	var value string
	_ = json.Unmarshal([]byte(s.Value), &value) // checked when it was written
	return value
}

// The keys of settings that this program itself looks at.
const (
	TimeZoneSetting         = "display.time_zone"
	DefaultWorkspaceSetting = "workspace.default"
)

// DeclaredUserSettings returns all that there are, by key. None takes a text that the
// user can make up: the app store holds no words of users.
func DeclaredUserSettings() []Setting {
	return []Setting{
		{
			Key: "content.blur", Type: SettingBool, Default: "true",
			Description: "Whether texts of attacks and replies are blurred until they are clicked.",
		},
		{
			Key: "display.date_format", Type: SettingText, Default: `"iso"`, Max: 20, OneOf: []string{"iso", "long", "relative", "short"},
			Description: "How dates are written.",
		},
		{
			Key: "display.density", Type: SettingText, Default: `"comfortable"`, Max: 20, OneOf: []string{"comfortable", "compact"},
			Description: "How close the rows of a list stand.",
		},
		{
			Key: "display.page_size", Type: SettingInt, Default: "20", Min: 1, Max: MaxPageSize,
			Description: "How many rows a frontend asks for at once.",
		},
		{
			Key: "display.theme", Type: SettingText, Default: `"system"`, Max: 20, OneOf: []string{"dark", "light", "system"},
			Description: "The colours; system: those of the device.",
		},
		{
			Key: TimeZoneSetting, Type: SettingTimeZone, Default: `"UTC"`, Max: 64,
			Description: "The time zone in which times are shown: a name of the IANA database, such as Europe/Vienna. Viewer.timeZone is this one once it is set.",
		},
		{
			Key: "notify.execution_finished", Type: SettingBool, Default: "true",
			Description: "Whether a frontend tells that an execution has ended.",
		},
		{
			Key: "notify.finding_assigned", Type: SettingBool, Default: "true",
			Description: "Whether a frontend tells that a finding was given to the user.",
		},
		{
			Key: DefaultWorkspaceSetting, Type: SettingWorkspace, Default: "null", Max: 100,
			Description: "The id of the workspace that a frontend opens first; null: the personal one. Fields and mutations without a workspace mean the personal one all the same.",
		},
	}
}
