package lake

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// iceberg looks whether a file in a folder called metadata is that of a table:
// 00003-UUID.metadata.json, or v3.metadata.json, packed or not. The highest
// number is the newest.
func (f *folder) iceberg(name string, o Object) {
	stem, ok := strings.CutSuffix(strings.TrimSuffix(name, ".gz"), ".metadata.json")
	if !ok {
		return
	}
	stem = strings.TrimSuffix(stem, ".gz")
	number, _, _ := strings.Cut(strings.TrimPrefix(stem, "v"), "-")
	version, err := strconv.Atoi(number)
	if err != nil {
		return
	}
	if f.metadata.Key == "" || version > f.version || version == f.version && better(o, f.metadata) {
		f.version, f.metadata = version, o
	}
}

// add takes a file of _delta_log: a commit of twenty digits, or a checkpoint.
func (l *deltaLog) add(name string, o Object) {
	number, rest, _ := strings.Cut(name, ".")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || len(number) != 20 {
		return
	}
	seen := sumOf(fmt.Sprintf("%#v", o))
	l.trace ^= binary.BigEndian.Uint64(append(seen[:], 0, 0))
	switch {
	case rest == "json":
		l.found = true
		l.version = max(l.version, version)
	case strings.HasPrefix(rest, "checkpoint.") && strings.HasSuffix(rest, ".parquet"):
		l.found = true
		l.version = max(l.version, version)
		if l.checkpoint.Key == "" || lastPart(o.Key) > lastPart(l.checkpoint.Key) { // of twenty digits, so that the text tells the newest
			l.checkpoint = o
		}
	}
}
