package metastore

import (
	"errors"
	"path"

	"github.com/souk-mesh/souk/sdk"
)

// Choice is which databases are wanted. A plugin embeds it in its configuration.
type Choice struct {
	Databases []string `json:"databases,omitempty" doc:"Databases to harvest, by name or as patterns such as sales_*; all when empty."`
	Exclude   []string `json:"excludeDatabases,omitempty" doc:"Databases to leave out, by name or as patterns."`
}

// JudgeNames refuses what is no pattern.
func (c Choice) JudgeNames() error {
	return errors.Join(areNames("databases", c.Databases), areNames("excludeDatabases", c.Exclude))
}

func areNames(field string, patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return sdk.Config(field, "holds something that is no pattern of a name", "write names such as sales, or patterns such as sales_*")
		}
	}
	return nil
}

// Takes tells whether a database is harvested.
func (c Choice) Takes(database string) bool {
	matching := func(patterns []string) bool {
		for _, p := range patterns {
			if ok, err := path.Match(p, database); err == nil && ok {
				return true
			}
		}
		return false
	}
	return !matching(c.Exclude) && (len(c.Databases) == 0 || matching(c.Databases))
}

// All tells whether every database is harvested.
func (c Choice) All() bool { return len(c.Databases)+len(c.Exclude) == 0 }
