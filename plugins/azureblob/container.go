package azureblob

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// container is one container as plugins/internal/lake sees it.
type container struct {
	source *source
	name   string
}

var _ lake.Store = (*container)(nil)

// blob is one of a listing
// (https://learn.microsoft.com/rest/api/storageservices/list-blobs).
type blob struct {
	Name struct {
		Encoded bool   `xml:"Encoded,attr"` // for what XML cannot hold
		Text    string `xml:",chardata"`
	} `xml:"Name"`
	Size     int64  `xml:"Properties>Content-Length"`
	Modified string `xml:"Properties>Last-Modified"`
	Tag      string `xml:"Properties>Etag"`
	Tier     string `xml:"Properties>AccessTier"`
	Resource string `xml:"Properties>ResourceType"`
}

// List asks for pages of 5,000 blobs. Accounts with folders list them as blobs,
// which are passed over.
func (c *container) List(ctx context.Context, prefix string, page func([]lake.Object) error) error {
	query := url.Values{"restype": {"container"}, "comp": {"list"}, "maxresults": {"5000"}}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	for {
		answer, err := c.source.list(ctx, "/"+url.PathEscape(c.name), query)
		if err != nil {
			return c.explain(err)
		}
		objects := make([]lake.Object, 0, len(answer.Blobs))
		for _, b := range answer.Blobs {
			o, err := b.object()
			if err != nil {
				return err
			}
			if b.Resource != "directory" {
				objects = append(objects, o)
			}
		}
		if err := page(objects); err != nil {
			return err
		}
		if *answer.Next == "" {
			return nil
		}
		query.Set("marker", *answer.Next)
	}
}

func (b blob) object() (lake.Object, error) {
	key := b.Name.Text
	at, err := time.Parse(http.TimeFormat, b.Modified)
	if err == nil && b.Name.Encoded {
		key, err = url.PathUnescape(key)
	}
	if err != nil || key == "" {
		return lake.Object{}, sdk.Unavailable("the listing holds a blob without a name or a time", "look whether the endpoint is that of Azure Blob Storage", err)
	}
	return lake.Object{Key: key, Size: b.Size, Modified: at, Tag: b.Tag, Archived: b.Tier == "Archive"}, nil
}

// Read asks for a range of a blob.
func (c *container) Read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	content, header, err := c.source.client.Read(ctx, web.Request{
		Path:   "/" + url.PathEscape(c.name) + "/" + strings.ReplaceAll(url.PathEscape(key), "%2F", "/"),
		Header: http.Header{"X-Ms-Range": {fmt.Sprintf("bytes=%d-%d", offset, offset+n-1)}},
	})
	if status := web.Status(err); status == http.StatusNotFound || status == http.StatusRequestedRangeNotSatisfiable {
		return nil, fmt.Errorf("%w: %w", lake.ErrGone, err)
	}
	if err != nil {
		return nil, c.explain(err)
	}
	if offset > 0 && header.Get("Content-Range") == "" {
		return nil, sdk.Unavailable("the service gives whole blobs where a part is asked for", "leave heads to skip for this service", nil)
	}
	return content[:min(int64(len(content)), n)], nil
}

func (c *container) explain(err error) error {
	return c.source.explain(err, "containers", "the container "+c.name, "leave it out")
}
