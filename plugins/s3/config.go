package s3

import (
	"github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/lake"
)

// Config says which buckets to read, and as whom.
type Config struct {
	aws.Access
	Buckets   []string `json:"buckets,omitempty" doc:"The buckets to harvest, by name or as patterns such as sales-*; all that the key may list when empty."`
	Exclude   []string `json:"excludeBuckets,omitempty" doc:"Buckets to leave out, by name or as patterns."`
	Prefixes  []string `json:"prefixes,omitempty" doc:"Folders of buckets to harvest in place of the whole bucket, such as sales/raw/orders."`
	PathStyle bool     `json:"pathStyle" doc:"Whether the bucket stands in the path of an address rather than in the name of the host; most services other than AWS want it." default:"true"`
	lake.Choice
}

func (c Config) selection() lake.Selection {
	return lake.Selection{
		Include: c.Buckets, Exclude: c.Exclude, Prefixes: c.Prefixes,
		Fields: lake.Fields{Include: "buckets", Exclude: "excludeBuckets", Prefixes: "prefixes"},
	}
}

// judge looks at the text of the configuration alone.
func judge(c Config) error {
	if err := c.Judge(); err != nil {
		return err
	}
	if err := c.selection().Judge(); err != nil {
		return err
	}
	return c.Options().Judge()
}
