// Package lake finds the datasets among the objects of a store: it streams a
// listing of keys, puts the files of one table or export together, recognises
// Iceberg and Delta tables, and reads the head of one file of each dataset. It
// owns these rules and the bound on what a listing of any length holds in
// memory. It knows no vendor, and refuses to take a listing that was cut for
// one that ended.
package lake

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

// Object is one entry of a listing.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
	Tag      string // that another content has not, such as an ETag; empty where the store has none
	Archived bool   // cannot be read without being fetched from an archive
}

// Store is one bucket, container or folder.
type Store interface {
	// List calls page with the objects whose keys begin with the prefix, until
	// there are no more. A listing that stops before its end is an error. All
	// keys below one folder come one after another.
	List(ctx context.Context, prefix string, page func([]Object) error) error

	// Read gives up to n bytes of an object from offset on; fewer where it ends.
	Read(ctx context.Context, key string, offset, n int64) ([]byte, error)
}

// Scope is a bucket, or a part of one, that is listed as a whole.
type Scope struct {
	Name      string // as records and notes call it, such as "bucket:sales"
	Store     Store
	Namespace string // of its assets, such as s3://sales
	Prefix    string // "" or a folder with its slash
	ByteOrder bool   // the store promises keys in the order of their bytes

	// Holder is what the scope is or is a part of, such as the bucket: its kind,
	// BUCKET or FOLDER, and what people call it. It is an asset of its own, unless
	// the kind is empty. Of several scopes of one holder the first one shows it.
	Kind, Label string
	Later       bool // another scope shows the holder

	// Path is what stands before the name of each asset, for a store that has no
	// namespace of its own. It ends with a slash or is empty.
	Path string
}

// Options say how datasets are found and described.
type Options struct {
	Grouping  string   // Auto, Hive or Files
	Datasets  []string // patterns of folders that are one dataset each
	SkipHeads bool     // names, sizes and times only
	Header    string   // of CSV: sniff, always or never
}

// The ways of grouping.
const (
	Auto  = "auto"  // by key=value folders, folders of dates, and names with numbers, dates or hashes
	Hive  = "hive"  // by key=value folders alone
	Files = "files" // each file is a dataset, but for the tables of Iceberg and Delta
)

// Judge says what is wrong with the options, or nothing.
func (o Options) Judge() error {
	for _, pattern := range o.Datasets {
		if !validPattern(pattern) {
			return sdk.Config("datasets", "holds something that is no pattern of a folder", "write folders such as sales/*/orders, without a slash in front")
		}
	}
	return nil
}

// dataset is one that the listing shows.
type dataset struct {
	name      string // the key, the folder or the pattern
	short     string
	alias     string // the folder that it fills alone
	files     int64
	bytes     int64
	newest    time.Time
	sample    Object
	keys      []partitionKey
	dated     bool
	formats   []string
	table     string // iceberg or delta
	metadata  Object // of an Iceberg table
	log       deltaLog
	patterned bool
}

type partitionKey struct{ name string }

// file is the sample as the package heads reads it.
func (s Scope) file(o Object) heads.File {
	return heads.File{Name: lastPart(o.Key), Size: o.Size, Read: func(ctx context.Context, offset, n int64) ([]byte, error) {
		return s.Store.Read(ctx, o.Key, offset, n)
	}}
}
