package model_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestSumIDs: what stores hold by such an ID must be found by it for ever.
func TestSumIDs(t *testing.T) {
	for _, c := range []struct {
		sum  []byte
		want model.ID
	}{
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff}, "edg_zzzzzzzz"},
		{[]byte{0x00, 0x44, 0x32, 0x14, 0xc7}, "edg_01234567"},
		{[]byte("a name of 16 byt"), "edg_c4g6wrbdcmg6ysh064v20rkseg"},
	} {
		if got := model.SumID(model.PrefixEdge, c.sum); got != c.want || got.Prefix() != model.PrefixEdge {
			t.Errorf("% x: got %s, want %s", c.sum, got, c.want)
		}
	}
}
