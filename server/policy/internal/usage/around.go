package usage

import (
	"math/big"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// timeForms are the ways in which a rule may write a time.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"}

// Around gives the values at, right before and right after a number or a time
// that a rule names. Anything else has none.
func Around(v ast.Value) []string {
	switch v := v.(type) {
	case ast.Number:
		return aroundNumber(v)
	case ast.String:
		return aroundTime(string(v))
	}
	return nil
}

// maxSize is how many digits of a number fit into a field of a question.
const maxSize = 18

func aroundNumber(n ast.Number) []string {
	exact, ok := new(big.Rat).SetString(clipDigits(string(n)))
	if !ok {
		return nil
	}
	floor := new(big.Int).Div(exact.Num(), exact.Denom())
	var near []string
	for step := int64(-1); step <= 2; step++ {
		if at := new(big.Int).Add(floor, big.NewInt(step)); step < 2 || !exact.IsInt() {
			near = append(near, at.String())
		}
	}
	return near
}

// clipDigits gives the number, or "" when its exponent would make it too long
// to write out.
func clipDigits(n string) string {
	if f, _, err := big.ParseFloat(n, 10, 64, big.ToNearestEven); err != nil || f.MantExp(nil) > 4*maxSize || f.MantExp(nil) < -4*maxSize {
		return ""
	}
	return n
}

func aroundTime(text string) []string {
	for _, form := range timeForms {
		at, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		var near []string
		for _, step := range []time.Duration{-time.Millisecond, 0, time.Millisecond} {
			near = append(near, instant(at.Add(step)))
		}
		if form == "2006-01-02" { // the whole day and the one after it
			near = append(near, instant(at.Add(12*time.Hour)), instant(at.AddDate(0, 0, 1)))
		}
		return near
	}
	return nil
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// instants reads a number as the seconds, milliseconds or nanoseconds since
// 1970, where that makes a time that somebody could mean.
func instants(n ast.Number) []string {
	whole, ok := n.Int64()
	if !ok {
		return nil
	}
	var near []string
	for _, at := range []time.Time{time.Unix(whole, 0), time.UnixMilli(whole), time.Unix(0, whole)} {
		if at.Year() >= 2000 && at.Year() < 2200 {
			near = append(near, aroundTime(instant(at))...)
		}
	}
	return near
}
