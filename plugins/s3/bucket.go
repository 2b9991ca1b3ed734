package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	access "github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

// bucket is one bucket as plugins/internal/lake sees it.
type bucket struct {
	source *source
	name   string

	mu     sync.Mutex
	region string // where it lies, when that is known
}

var _ lake.Store = (*bucket)(nil)

// List asks for keys in the way in which any key can be written, and takes no
// answer for a listing that is not one of this bucket.
func (b *bucket) List(ctx context.Context, prefix string, page func([]lake.Object) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = &prefix
	}
	for {
		out, err := inRegion(ctx, b, func(o ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
			return b.source.client.ListObjectsV2(ctx, in, o...)
		})
		if err != nil {
			return b.explain(err, "the listing of the bucket "+b.name, access.Allow("s3:ListBucket", "arn:aws:s3:::"+b.name))
		}
		objects, err := b.objects(out)
		if err != nil {
			return err
		}
		if err := page(objects); err != nil {
			return err
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if in.ContinuationToken = out.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" {
			return cut("it says that there is more and not where")
		}
	}
}

func cut(why string) error {
	return sdk.Unavailable("the listing is cut: "+why, "try again; if it stays, look at the service or at what stands before it", nil)
}

func (b *bucket) objects(out *s3.ListObjectsV2Output) ([]lake.Object, error) {
	if aws.ToString(out.Name) != b.name {
		return nil, notS3(b.source.config.Access)
	}
	if out.KeyCount != nil && int(*out.KeyCount) != len(out.Contents)+len(out.CommonPrefixes) {
		return nil, cut("it does not hold as many keys as it says")
	}
	encoded := out.EncodingType == types.EncodingTypeUrl
	objects := make([]lake.Object, 0, len(out.Contents))
	for _, o := range out.Contents {
		key := aws.ToString(o.Key)
		if encoded {
			var err error
			if key, err = url.QueryUnescape(key); err != nil {
				return nil, cut("it holds a key that cannot be decoded")
			}
		}
		objects = append(objects, lake.Object{
			Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), Tag: aws.ToString(o.ETag),
			Archived: o.StorageClass == types.ObjectStorageClassGlacier || o.StorageClass == types.ObjectStorageClassDeepArchive,
		})
	}
	return objects, nil
}

// Read asks for a range of an object.
func (b *bucket) Read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+n-1))}
	out, err := inRegion(ctx, b, func(o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
		return b.source.client.GetObject(ctx, in, o...)
	})
	if err != nil {
		return nil, b.readError(err)
	}
	defer func() { _ = out.Body.Close() }()
	if offset > 0 && aws.ToString(out.ContentRange) == "" {
		return nil, sdk.Unavailable("the service gives whole objects where a part is asked for", "leave heads to skip for this service", nil)
	}
	content, err := io.ReadAll(io.LimitReader(out.Body, n))
	if err != nil {
		return nil, b.explain(err, "reading the bucket "+b.name, "")
	}
	return content, nil
}

func (b *bucket) readError(err error) error {
	switch code := access.Code(err); {
	case code == "NoSuchKey", code == "NotFound", code == "InvalidRange":
		return fmt.Errorf("%w: %w", lake.ErrGone, err)
	case code == "InvalidObjectState":
		return sdk.Denied("the object lies in an archive", "restore it, or leave heads to skip")
	case strings.HasPrefix(code, "KMS."), strings.Contains(err.Error(), "kms:"):
		e := sdk.Denied("decrypting an object of the bucket "+b.name+" is denied", "allow it in a policy: "+access.Allow("kms:Decrypt", "the ARN of the bucket's key"))
		e.Err = err
		return e
	}
	return b.explain(err, "reading an object of the bucket "+b.name, access.Allow("s3:GetObject", "arn:aws:s3:::"+b.name+"/*"))
}

func (b *bucket) explain(err error, what, statement string) error {
	switch code := access.Code(err); code {
	case "NoSuchBucket":
		return &sdk.Error{Class: sdk.ClassConfig, Code: "s3.no_bucket", Field: "buckets", Message: "there is no bucket " + b.name, Fix: "name a bucket that exists; capitals count", Err: err}
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect":
		return &sdk.Error{
			Class: sdk.ClassConfig, Code: "s3.region", Field: "endpoint", Message: "the bucket " + b.name + " lies in another region",
			Fix: "write the endpoint and the region of the bucket", Err: err,
		}
	}
	return b.source.config.Explain(err, what, statement)
}

// inRegion calls do, and once more at the region that the service names if the
// bucket lies there. The way leads to AWS itself only.
func inRegion[T any](ctx context.Context, b *bucket, do func(...func(*s3.Options)) (T, error)) (T, error) {
	b.mu.Lock()
	region := b.region
	b.mu.Unlock()
	out, err := do(b.at(region)...)
	if err == nil || ctx.Err() != nil {
		return out, err
	}
	named := access.Header(err, "X-Amz-Bucket-Region")
	if status := access.Status(err); named == "" || named == region || status != http.StatusMovedPermanently && status != http.StatusBadRequest && status != http.StatusForbidden {
		return out, err
	}
	options := b.at(named)
	if len(options) == 0 {
		return out, err
	}
	again, err2 := do(options...)
	if err2 != nil {
		return again, err2
	}
	b.mu.Lock()
	b.region = named
	b.mu.Unlock()
	return again, nil
}

// at gives the options for a region of AWS other than that of the endpoint.
func (b *bucket) at(region string) []func(*s3.Options) {
	a := b.source.config.Access
	service, own := access.ServiceHost(a.Endpoint)
	if service != "s3" || own == "" || region == "" || region == own || !access.IsRegion(region) {
		return nil
	}
	endpoint := strings.Replace(a.Endpoint, "."+own+".", "."+region+".", 1)
	return []func(*s3.Options){func(o *s3.Options) { o.Region, o.BaseEndpoint = region, &endpoint }}
}
