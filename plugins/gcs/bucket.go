package gcs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// bucket is one bucket as plugins/internal/lake sees it.
type bucket struct {
	source *source
	name   string
}

var _ lake.Store = (*bucket)(nil)

// objects is a page of a listing
// (https://cloud.google.com/storage/docs/json_api/v1/objects/list).
type objects struct {
	Kind  string `json:"kind"`
	Next  string `json:"nextPageToken"`
	Items []struct {
		Name    string    `json:"name"`
		Size    string    `json:"size"`
		Updated time.Time `json:"updated"`
		Tag     string    `json:"etag"`
	} `json:"items"`
}

// List asks for pages of 1,000 objects.
func (b *bucket) List(ctx context.Context, prefix string, page func([]lake.Object) error) error {
	query := url.Values{"maxResults": {"1000"}, "fields": {"kind,nextPageToken,items(name,size,updated,etag)"}}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	for {
		var answer objects
		if err := b.source.get(ctx, "/storage/v1/b/"+url.PathEscape(b.name)+"/o", query, &answer); err != nil {
			return b.explain(err)
		}
		if answer.Kind != "storage#objects" {
			return b.source.notGCS()
		}
		found := make([]lake.Object, 0, len(answer.Items))
		for _, o := range answer.Items {
			size, err := strconv.ParseInt(o.Size, 10, 64)
			if o.Name == "" || err != nil {
				return b.source.notGCS()
			}
			found = append(found, lake.Object{Key: o.Name, Size: size, Modified: o.Updated, Tag: o.Tag})
		}
		if err := page(found); err != nil {
			return err
		}
		if answer.Next == "" {
			return nil
		}
		query.Set("pageToken", answer.Next)
	}
}

// Read asks for a range of an object.
func (b *bucket) Read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	content, header, err := b.source.client.Read(ctx, web.Request{
		Path:   "/storage/v1/b/" + url.PathEscape(b.name) + "/o/" + url.PathEscape(key),
		Query:  url.Values{"alt": {"media"}},
		Header: http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", offset, offset+n-1)}, "Accept-Encoding": {"gzip"}},
	})
	switch web.Status(err) {
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
		return nil, fmt.Errorf("%w: %w", lake.ErrGone, err)
	case http.StatusForbidden:
		return nil, b.explain(err)
	}
	if err != nil {
		return nil, err
	}
	if offset > 0 && header.Get("Content-Range") == "" {
		return nil, sdk.Unavailable("the service gives whole objects where a part is asked for", "leave heads to skip for this service", nil)
	}
	return content[:min(int64(len(content)), n)], nil
}

func (b *bucket) explain(err error) error {
	return b.source.explain(err, "buckets", "the bucket "+b.name,
		"gcloud storage buckets add-iam-policy-binding gs://"+b.name+" --member=serviceAccount:"+b.source.email+" --role=roles/storage.objectViewer")
}
