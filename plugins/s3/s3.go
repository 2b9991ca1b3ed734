// Package s3 harvests the datasets in the buckets of Amazon S3, and of what
// speaks its protocol. It owns the way to a bucket: its listing, ranged reads,
// regions and refusals. It refuses to write, and to read more of an object than
// its head; what a dataset is, plugins/internal/lake knows.
package s3

import (
	"context"
	_ "embed"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	access "github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Plugin is the S3 harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "s3", Version: "1.0.0", Doc: doc,
			Summary: "Datasets in the buckets of Amazon S3 and its like: partitioned files, Iceberg and Delta tables, Parquet, CSV, JSON.",
			Emits:   []string{"asset"},
			Offers:  []string{sdk.OffersChanges},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	config  Config
	client  *s3.Client
	regions map[string]string // of the buckets that were listed
}

func open(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	settings, err := c.Settings()
	if err != nil {
		return nil, err
	}
	s := &source{config: c, regions: map[string]string{}}
	s.client = s3.NewFromConfig(settings, func(o *s3.Options) {
		o.UsePathStyle = c.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &lake.Source{
		Selection: c.selection(), Options: c.Options(), Word: "bucket", Buckets: s.buckets, Shut: func() { access.Shut(settings) },
		Nothing: sdk.Config("buckets", "fit no bucket that the key may list", "name buckets, or allow s3:ListAllMyBuckets"),
		Bucket: func(name string) lake.Scope {
			b := &bucket{source: s, name: name, region: s.regions[name]}
			return lake.Scope{Store: b, Namespace: "s3://" + name, ByteOrder: !strings.HasSuffix(name, "--x-s3")}
		},
	}, nil
}

// buckets lists them page by page. A list that says that it goes on and not
// where is cut.
func (s *source) buckets(ctx context.Context) (names []string, err error) {
	in := &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)}
	for {
		page, err := s.client.ListBuckets(ctx, in)
		if err != nil {
			return nil, s.config.Explain(err, "the list of buckets", access.Allow("s3:ListAllMyBuckets", "*")+", or name the buckets in buckets")
		}
		if page.Owner == nil && page.Buckets == nil {
			return nil, notS3(s.config.Access)
		}
		for _, b := range page.Buckets {
			names = append(names, aws.ToString(b.Name))
			s.regions[aws.ToString(b.Name)] = aws.ToString(b.BucketRegion)
		}
		if aws.ToString(page.ContinuationToken) == "" {
			return names, nil
		}
		in.ContinuationToken = page.ContinuationToken
	}
}

func notS3(a access.Access) error {
	return sdk.Unavailable("the service at the endpoint does not answer like S3", "look whether the endpoint is that of S3: "+a.Endpoint, nil)
}
