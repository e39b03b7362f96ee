package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jsonForm is what of the JSON Schema says which keys a mapping has.
type jsonForm struct {
	Ref         string `json:"$ref"`
	Properties  map[string]*jsonForm
	Definitions map[string]*jsonForm
	Then, Else  *jsonForm
}

func TestEveryKeyHasAPlaceInTheCanonicalOrder(t *testing.T) {
	t.Parallel()
	var root jsonForm
	if err := json.Unmarshal(JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	resolve := func(f *jsonForm) *jsonForm {
		for f.Ref != "" {
			f = root.Definitions[strings.TrimPrefix(f.Ref, "#/definitions/")]
		}
		return f
	}
	compare := func(name string, f *form, j *jsonForm) {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(j.Properties)), slices.Sorted(slices.Values(f.keys))); diff != "" {
			t.Errorf("the keys of %s differ (-JSON Schema +order):\n%s", name, diff)
		}
	}
	options := root.Definitions["options"]
	channel := root.Definitions["channel"]
	compare("a schema", schemaForm, &root)
	compare("options", optionsForm, options)
	for _, key := range optionsForm.keys {
		compare("options."+key, optionsForm.values[key], resolve(options.Properties[key]))
	}
	compare("connect", schemaForm.values["connect"], root.Properties["connect"])
	compare("a type", typeForm, root.Definitions["type"])
	compare("a field", fieldForm, root.Definitions["longField"])
	compare("an error", errorForm, root.Definitions["error"].Then)
	compare("a channel", channelForm, channel)
	compare("history", channelForm.values["history"], channel.Properties["history"])
	compare("join", joinForm, channel.Properties["join"])
	compare("a client event", clientEventForm, root.Definitions["clientEvent"].Else)
	compare("a server event", serverEventForm, root.Definitions["serverEvent"].Else)
	compare("delivery", serverEventForm.values["delivery"], root.Definitions["delivery"].Else)
}
