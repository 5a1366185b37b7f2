package kept

import (
	"embed"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/violentutf/violentutf/storage"
)

// The templates that the program brings: shapes of jailbreaks in our own words, which
// ask for nothing by themselves.
//
//go:embed native/*.yaml
var native embed.FS

// Natives are our own templates, by their names.
func Natives() []*storage.NativeTemplate { return natives() }

var natives = sync.OnceValue(func() []*storage.NativeTemplate {
	entries, err := native.ReadDir("native")
	if err != nil {
		panic(err) // it is in the program
	}
	all := make([]*storage.NativeTemplate, len(entries))
	for i, entry := range entries {
		text, err := native.ReadFile(path.Join("native", entry.Name()))
		if err != nil {
			panic(err)
		}
		read, err := ReadTemplate(storage.FormatYAML, string(text))
		if err == nil {
			err = CheckTemplate(read)
		}
		if err != nil {
			panic(entry.Name() + ": " + err.Error())
		}
		all[i] = &storage.NativeTemplate{
			Name: strings.TrimSuffix(entry.Name(), ".yaml"), Title: read.Name, Description: *read.Description, Body: read.Body,
			Parameters: read.Parameters, Tags: read.Tags,
		}
	}
	return all
})

// Native is a template of ours as a new one of a user. BAD_USER_INPUT of native for a
// name that there is not.
func Native(name string) (*storage.Template, error) {
	all := natives()
	i := slices.IndexFunc(all, func(n *storage.NativeTemplate) bool { return n.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, one := range all {
			names[i] = one.Name
		}
		return nil, storage.BadInput("native", "there is no template %.100q: choose one of %s", name, strings.Join(names, ", "))
	}
	n := all[i]
	return &storage.Template{
		Kept: storage.Kept{Name: n.Title, Description: &n.Description, Tags: slices.Clone(n.Tags)},
		Body: n.Body, Parameters: slices.Clone(n.Parameters), Native: &n.Name,
	}, nil
}
