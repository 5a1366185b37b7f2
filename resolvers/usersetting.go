package resolvers

import (
	"context"
	"encoding/json"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) setUserSetting(ctx context.Context, input graph.SetUserSettingInput) (*schema.UserSettingPayload, error) {
	return r.changeUserSetting(ctx, input.Key, change{
		field: "setUserSetting", id: input.ClientMutationID, input: input, action: "user_setting.set", fields: []string{"value"},
		do: func(ctx context.Context, w work) (made, error) {
			if err := ownWorkspace(ctx, input.Key, input.Value); err != nil {
				return made{}, err
			}
			if err := r.app.SetUserSetting(ctx, w.actor.Key, input.Key, input.Value); err != nil {
				return made{}, err
			}
			w.act.SubjectKey = input.Key // one that is declared
			return made{Setting: input.Key}, nil
		},
	})
}

// ownWorkspace refuses a default workspace of which the viewer is no member, as one that
// there is not. Whether the value is an id at all is for the store to say.
func ownWorkspace(ctx context.Context, key string, value storage.JSON) error {
	var text string
	if key != storage.DefaultWorkspaceSetting || json.Unmarshal([]byte(value), &text) != nil {
		return nil
	}
	id, ok := storage.ParseID(text)
	if !ok || id.Kind != storage.KindWorkspace {
		return nil
	}
	_, err := directives.Reading(ctx, id.Key)
	return refused("value", err)
}

func (r *Resolver) resetUserSetting(ctx context.Context, input graph.ResetUserSettingInput) (*schema.UserSettingPayload, error) {
	return r.changeUserSetting(ctx, input.Key, change{
		field: "resetUserSetting", id: input.ClientMutationID, input: input, action: "user_setting.reset",
		do: func(ctx context.Context, w work) (made, error) {
			if err := r.app.ResetUserSetting(ctx, w.actor.Key, input.Key); err != nil {
				return made{}, err
			}
			w.act.SubjectKey = input.Key // one that is declared
			return made{Setting: input.Key}, nil
		},
	})
}

// changeUserSetting makes a change and reads the setting.
func (r *Resolver) changeUserSetting(ctx context.Context, key string, c change) (*schema.UserSettingPayload, error) {
	c.on = named{kind: storage.KindUserSetting}
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.UserSettingPayload{Payload: payload}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Setting, err = r.userSetting(ctx, key)
	return answer, err
}

func (r *Resolver) userSettings(ctx context.Context) ([]*storage.UserSetting, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	return r.app.UserSettings(ctx, user.Key)
}

func (r *Resolver) userSetting(ctx context.Context, key string) (*storage.UserSetting, error) {
	settings, err := r.userSettings(ctx)
	for _, setting := range settings {
		if setting.Key == key {
			return setting, nil
		}
	}
	return nil, err
}

// timeZone is the one that the viewer chose, otherwise the one that is known of them.
func (r *Resolver) timeZone(ctx context.Context) (*string, error) {
	chosen, err := r.userSetting(ctx, storage.TimeZoneSetting)
	if err != nil {
		return nil, err
	}
	if chosen != nil && chosen.UpdatedAt != nil {
		zone := chosen.Text()
		return &zone, nil
	}
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	return user.TimeZone, nil
}
