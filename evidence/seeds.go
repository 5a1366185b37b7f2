package evidence

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

// seedDataset is a data set of PyRIT 1.1.0, as SeedDataset.from_yaml_file loads it.
type seedDataset struct {
	Name           string `yaml:"name"`
	Description    string `yaml:"description"`
	Source         string `yaml:"source"`
	HarmCategories []text `yaml:"harm_categories,omitempty"`
	Seeds          []seed `yaml:"seeds"`
}

type seed struct {
	Value    text   `yaml:"value"`
	Type     string `yaml:"seed_type"`
	DataType string `yaml:"data_type,omitempty"`
	Role     string `yaml:"role,omitempty"`
	Sequence *int   `yaml:"sequence,omitempty"`
	Group    string `yaml:"prompt_group_alias"`
}

// seeds is the objective and the prompts before converters, as one group of seeds.
func (r *replay) seeds() (string, error) {
	group := "attack-" + strconv.FormatInt(r.attack.Number, 10)
	set := seedDataset{
		Name: group, Description: "The prompts of an attack, before converters, as ViolentUTF Graph recorded them",
		Source: string(r.attack.Source),
	}
	for _, category := range r.attack.HarmCategories {
		set.HarmCategories = append(set.HarmCategories, text(category))
	}
	if r.attack.Objective != nil && *r.attack.Objective != "" {
		set.Seeds = append(set.Seeds, seed{Value: template(*r.attack.Objective), Type: "objective", Group: group})
	}
	sequence := 0
	for _, turn := range r.turns[:r.last+1] {
		role := map[storage.Role]string{storage.RoleSystem: "system", storage.RoleDeveloper: "system", storage.RoleUser: "user"}[turn.role]
		if role == "" || len(turn.pieces) == 0 {
			continue
		}
		for _, piece := range turn.pieces {
			value := piece.OriginalValue
			if piece.OriginalDataType != "text" {
				value = piece.ConvertedValue
			}
			set.Seeds = append(set.Seeds, seed{
				Value: template(value), Type: "prompt", DataType: "text", Role: role, Sequence: new(sequence), Group: group,
			})
		}
		sequence++
	}
	var out bytes.Buffer
	for _, note := range r.notes() {
		out.WriteString("# " + note + "\n")
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(set); err != nil {
		return "", fmt.Errorf("write seeds: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return "", fmt.Errorf("write seeds: %w", err)
	}
	return out.String(), nil
}

// text is always written in double quotes, whose escapes keep every character.
type text string

// MarshalYAML makes the quoted scalar.
func (t text) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: string(t)}, nil
}

// template is a Jinja template that renders as the value: PyRIT renders whatever it
// loads from a file. Jinja drops the last line feed and rewrites carriage returns, so
// both are expressions as well; a brace before an expression would belong to it.
func template(value string) text {
	var out strings.Builder
	for i, r := range value {
		next := value[i+len(string(r)):]
		switch {
		case r == '{' && next != "" && (strings.ContainsRune("{%#\r", rune(next[0])) || next == "\n"):
			out.WriteString(`{{ '{' }}`)
		case r == '\r':
			out.WriteString(`{{ '\r' }}`)
		case r == '\n' && next == "":
			out.WriteString(`{{ '\n' }}`)
		default:
			out.WriteRune(r)
		}
	}
	return text(out.String())
}
