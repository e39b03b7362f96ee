package meter_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chgen/chgen/runtime/internal/meter"
)

// name is what the documentation calls a metric.
var name = regexp.MustCompile("`chgen_[a-z_]+`")

// TestMetricsAreDocumented compares the metrics with the table in docs/operations.md, and holds that it speaks of no
// others.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, m := range meter.All {
		known["`"+m.Prometheus()+"`"] = true
		row := fmt.Sprintf("| `%s` | `%s` | %s | %s | %s | %s |",
			m.Prometheus(), m.OTel(), m.Kind, m.Unit, strings.Join(m.Labels, ", "), m.Help)
		if !strings.Contains(string(text), "\n"+row+"\n") {
			t.Errorf("docs/operations.md has no row %s", row)
		}
	}
	for _, found := range name.FindAllString(string(text), -1) {
		if !known[found] {
			t.Errorf("docs/operations.md speaks of %s, which is not measured", found)
		}
	}
}
