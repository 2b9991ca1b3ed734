package servertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Scale is how much is in a made-up store. The same scale makes the same
// records, whichever engine they go to, so that what is measured on one can be
// measured again.
type Scale struct {
	Assets, Columns   int // assets, and columns of each
	Domains, Products int // domains, and published products of each
	Ports             int // assets that a product offers
	People, Grants    int // people, and live grants of each on products
	Heavy             int // live grants of Holder beside: the one who has far more than others
}

// Harvested is a store of a harvest alone: 1.1 million columns.
func Harvested() Scale { return Scale{Assets: 100_000, Columns: 11} }

// Busy is the same with a company that shares it.
func Busy() Scale {
	s := Harvested()
	s.Domains, s.Products, s.Ports, s.People, s.Grants, s.Heavy = 50, 20, 3, 1000, 10, 500
	return s
}

// The people of a made-up store that tests sign in as, by the secrets of their
// tokens. Somebody has the grants that everybody has, and Holder those of Heavy.
const (
	RootID, SomebodyID, HolderID model.ID = "prn_root", "prn_0001", "prn_0000"

	RootToken     = "souk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	SomebodyToken = "souk_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbba"
	HolderToken   = "souk_ccccccccccccccccccccccccccccccccccccccccccccccccccca"
)

// AssetID is the id of one asset of a made-up store.
func AssetID(n int) model.ID { return model.ID(fmt.Sprintf("ast_%07d", n)) }

// DomainID is the id of one domain.
func DomainID(n int) model.ID { return model.ID(fmt.Sprintf("dom_%04d", n)) }

// ProductID is the id of one product of a domain.
func ProductID(domain, n int) model.ID { return model.ID(fmt.Sprintf("dpr_%04d_%04d", domain, n)) }

// PersonID is the id of one person.
func PersonID(n int) model.ID { return model.ID(fmt.Sprintf("prn_%04d", n)) }

// chunk is how many records one change writes.
const chunk = 1000

// Fill makes the records and puts them into the store.
func (s Scale) Fill(tb testing.TB, into store.Store) {
	tb.Helper()
	var writes []store.Write
	flush := func() {
		if len(writes) == 0 {
			return
		}
		if _, err := into.Apply(tb.Context(), store.Change{Actor: model.System().ID, Action: "test.fill", Subject: writes[0].Record.ID, Writes: writes}); err != nil {
			tb.Fatal(err)
		}
		writes = nil
	}
	for w := range s.writes {
		if writes = append(writes, w); len(writes) == chunk {
			flush()
		}
	}
	flush()
}

// writes yields the records: what others link to first.
func (s Scale) writes(yield func(store.Write) bool) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, part := range []func(*rand.Rand, func(store.Write) bool) bool{s.domains, s.people, s.assets, s.products, s.grants} {
		if !part(r, yield) {
			return
		}
	}
}

func (s Scale) domains(_ *rand.Rand, yield func(store.Write) bool) bool {
	for i := range s.Domains {
		d := model.Domain{Meta: model.Meta{ID: DomainID(i)}, Name: model.Slug(fmt.Sprintf("domain-%d", i)), DisplayName: fmt.Sprint("Domain ", i), Description: "What it is about.", StewardIDs: []model.ID{steward(i)}}
		if !yield(store.Domains.Put(d)) {
			return false
		}
	}
	return true
}

// steward is who speaks for the domain: none of those that tests sign in as.
func steward(domain int) model.ID { return PersonID(10 + domain) }

func (s Scale) people(_ *rand.Rand, yield func(store.Write) bool) bool {
	root := model.Principal{Meta: model.Meta{ID: RootID}, Kind: model.Person, Name: "root", DisplayName: "Root", Roles: []model.Role{model.RoleAdmin}, Clearance: model.Restricted}
	if !yield(store.Principals.Put(root)) || !yield(tokenOf(RootID, RootToken)) {
		return false
	}
	for i := range s.People {
		p := model.Principal{Meta: model.Meta{ID: PersonID(i)}, Kind: model.Person, Name: fmt.Sprintf("person%d", i), DisplayName: fmt.Sprint("Person ", i), Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential}
		if s.Domains > 0 {
			p.DomainID = DomainID(i % s.Domains)
		}
		if !yield(store.Principals.Put(p)) {
			return false
		}
	}
	if s.People < 2 {
		return true
	}
	return yield(tokenOf(SomebodyID, SomebodyToken)) && yield(tokenOf(HolderID, HolderToken))
}

// tokenOf lets somebody sign in for a year.
func tokenOf(who model.ID, secret string) store.Write {
	sum := sha256.Sum256([]byte(secret))
	return store.Tokens.Put(model.Token{
		Meta: model.Meta{ID: "tok" + who[3:]}, PrincipalID: who, Name: "scale",
		Hash: hex.EncodeToString(sum[:]), ExpiresAt: model.Now().Add(365 * 24 * time.Hour),
	})
}

func (s Scale) assets(r *rand.Rand, yield func(store.Write) bool) bool {
	for i := range s.Assets {
		if !yield(store.Assets.Put(s.asset(r, i))) {
			return false
		}
	}
	return true
}

// asset is a table as one source sees it.
func (s Scale) asset(r *rand.Rand, i int) model.Asset {
	columns := make([]model.AssetField, s.Columns)
	for c := range columns {
		columns[c] = model.AssetField{Name: fmt.Sprintf("column_%02d", c), Position: c + 1, NativeType: "character varying(64)", Nullable: c > 0, Description: "One fact of the row."}
	}
	name := fmt.Sprintf("table_%06d", i)
	seen := model.Sighting{
		SourceID: "src_shop", Scope: fmt.Sprintf("schema_%02d", i%50), Rank: model.RankHolder, Kind: model.KindTable, ShortName: name,
		Description: "Orders as the shop takes them, one row for each line.", Fields: columns,
	}
	a := model.Asset{
		Meta: model.Meta{ID: AssetID(i)}, Namespace: "postgres://db.acme.example:5432", Name: "shop." + seen.Scope + "." + name, ShortName: name,
		Kind: model.KindTable, Status: model.AssetActive, Platform: "postgres", Description: seen.Description, Fields: columns,
		Tags: []string{[]string{"gold", "silver", "raw"}[r.IntN(3)]},
	}
	if s.Domains > 0 {
		a.DomainID = DomainID(i % s.Domains)
	}
	seen.DomainID = a.DomainID
	a.Sightings = []model.Sighting{seen}
	return a
}

// products gives each domain published products over its own assets.
func (s Scale) products(_ *rand.Rand, yield func(store.Write) bool) bool {
	at := model.Now()
	for d := range s.Domains {
		for n := range s.Products {
			p := model.DataProduct{
				Meta: model.Meta{ID: ProductID(d, n)}, Name: model.Slug(fmt.Sprintf("product-%d", n)), DomainID: DomainID(d), DisplayName: fmt.Sprint("Product ", n), Description: "What it says.",
				OwnerID: steward(d), Classification: []model.Classification{model.Public, model.Internal, model.Confidential, model.Restricted}[n%4],
				Visibility: model.VisibleToAll, Status: model.Published, PublishedAt: &at, Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, Description: "All of it."}},
			}
			for i := range s.Ports {
				if at := d + s.Domains*(n*s.Ports+i); at < s.Assets {
					p.Ports[0].AssetIDs = append(p.Ports[0].AssetIDs, AssetID(at))
				}
			}
			if !yield(store.Products.Put(p)) {
				return false
			}
		}
	}
	return true
}

func (s Scale) grants(r *rand.Rand, yield func(store.Write) bool) bool {
	made, products := 0, s.Domains*s.Products
	for i := range s.People {
		n := s.Grants
		if PersonID(i) == HolderID {
			n += s.Heavy
		}
		for _, at := range r.Perm(products)[:min(n, products)] {
			if made++; !yield(store.Grants.Put(grantTo(PersonID(i), at/s.Products, at%s.Products, made))) {
				return false
			}
		}
	}
	return true
}

func grantTo(who model.ID, domain, product, n int) model.Grant {
	from := model.Now().Add(-time.Hour)
	return model.Grant{
		Meta: model.Meta{ID: model.ID(fmt.Sprintf("grt_%07d", n))}, ProductID: ProductID(domain, product), DomainID: DomainID(domain), PrincipalID: who,
		Purpose: "attribute revenue", Status: model.GrantActive, StartsAt: from, EndsAt: from.Add(90 * 24 * time.Hour),
	}
}
