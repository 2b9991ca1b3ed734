package model

import "fmt"

// Counted says how many there are of something: 1 row, 2 rows, 1 decision log,
// 0 decision logs. Every text that people read counts with it.
func Counted[N ~int | ~int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
