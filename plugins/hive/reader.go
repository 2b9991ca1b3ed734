package hive

import (
	"context"

	"github.com/apache/thrift/lib/go/thrift"
)

// reader reads what the protocol brings, and remembers the first error: from then
// on nothing more is read. What it does not know it leaves out, so that newer
// Metastores may say more.
type reader struct {
	ctx context.Context //nolint:containedctx // of one answer, which a reader lives for
	in  thrift.TProtocol
	err error
}

func (r *reader) failed(err error) bool {
	if r.err == nil {
		r.err = err
	}
	return r.err != nil
}

// fields reads a struct. What do does not read has to be left out by it.
func (r *reader) fields(do func(id int16, kind thrift.TType)) {
	if r.err != nil {
		return
	}
	if _, err := r.in.ReadStructBegin(r.ctx); r.failed(err) {
		return
	}
	for {
		_, kind, id, err := r.in.ReadFieldBegin(r.ctx)
		if r.failed(err) || kind == thrift.STOP {
			break
		}
		if do(id, kind); r.err != nil {
			return
		}
		r.failed(r.in.ReadFieldEnd(r.ctx))
	}
	if r.err == nil {
		r.failed(r.in.ReadStructEnd(r.ctx))
	}
}

// within reads a struct that is the value of a field.
func (r *reader) within(kind thrift.TType, do func(id int16, kind thrift.TType)) {
	if kind != thrift.STRUCT {
		r.skip(kind)
		return
	}
	r.fields(do)
}

func (r *reader) skip(kind thrift.TType) {
	if r.err == nil {
		r.failed(r.in.Skip(r.ctx, kind))
	}
}

// text reads a text as it came; it may not be UTF-8.
func (r *reader) text(kind thrift.TType) string {
	if kind != thrift.STRING {
		r.skip(kind)
	}
	if kind != thrift.STRING || r.err != nil {
		return ""
	}
	text, err := r.in.ReadString(r.ctx)
	r.failed(err)
	return text
}

func (r *reader) number(kind thrift.TType) int64 {
	if r.err != nil {
		return 0
	}
	switch kind {
	case thrift.I32:
		n, err := r.in.ReadI32(r.ctx)
		r.failed(err)
		return int64(n)
	case thrift.I64:
		n, err := r.in.ReadI64(r.ctx)
		r.failed(err)
		return n
	}
	r.skip(kind)
	return 0
}

// items reads a list or a set.
func (r *reader) items(kind thrift.TType, do func(kind thrift.TType)) {
	if r.err != nil {
		return
	}
	begin, end := r.in.ReadListBegin, r.in.ReadListEnd
	switch kind {
	case thrift.LIST:
	case thrift.SET:
		begin, end = r.in.ReadSetBegin, r.in.ReadSetEnd
	default:
		r.skip(kind)
		return
	}
	of, n, err := begin(r.ctx)
	if r.failed(err) {
		return
	}
	for range n {
		if do(of); r.err != nil {
			return
		}
	}
	r.failed(end(r.ctx))
}

func (r *reader) texts(kind thrift.TType) []string {
	var all []string
	r.items(kind, func(of thrift.TType) { all = append(all, r.text(of)) })
	return all
}

// words reads a map of texts.
func (r *reader) words(kind thrift.TType) map[string]string {
	if kind != thrift.MAP {
		r.skip(kind)
	}
	if kind != thrift.MAP || r.err != nil {
		return nil
	}
	key, value, n, err := r.in.ReadMapBegin(r.ctx)
	if r.failed(err) {
		return nil
	}
	all := map[string]string{}
	for range n {
		name := clean(r.text(key))
		all[name] = clean(r.text(value))
		if r.err != nil {
			return nil
		}
	}
	r.failed(r.in.ReadMapEnd(r.ctx))
	return all
}
