package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// group is a consumer group with the topics that it has read.
type group struct {
	name   string
	topics []string
}

// groups lists the consumer groups with the topics of which they have committed
// an offset. One that has committed none says nothing of who reads.
func (s *source) groups(ctx context.Context) ([]group, error) {
	listed, err := s.admin.ListGroups(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	names := slices.DeleteFunc(listed.Groups(), func(n string) bool { return n == "" || among(s.ExcludeGroups, n) })
	if len(names) == 0 {
		return nil, nil
	}
	answers := s.admin.FetchManyOffsets(ctx, names...)
	var all []group
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		a := answers[name]
		if errors.Is(a.Err, kerr.GroupIDNotFound) {
			continue // it is gone since
		}
		if a.Err != nil {
			return nil, s.explain(a.Err)
		}
		g := group{name: name}
		for _, t := range slices.Sorted(maps.Keys(a.Fetched)) {
			if s.wants(t) {
				g.topics = append(g.topics, t)
			}
		}
		if len(g.topics) > 0 {
			all = append(all, g)
		}
	}
	return all, nil
}
