package hive

import (
	"context"

	"github.com/apache/thrift/lib/go/thrift"
)

// writer writes requests, and remembers the first error.
type writer struct {
	ctx context.Context //nolint:containedctx // of one request, which a writer lives for
	out thrift.TProtocol
	err error
}

func (w *writer) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) call(q request, number int32) {
	w.keep(w.out.WriteMessageBegin(w.ctx, q.method, thrift.CALL, number))
	w.fields(q.method+"_args", q.write)
	w.keep(w.out.WriteMessageEnd(w.ctx))
}

func (w *writer) fields(name string, do func(*writer)) {
	w.keep(w.out.WriteStructBegin(w.ctx, name))
	if do != nil {
		do(w)
	}
	w.keep(w.out.WriteFieldStop(w.ctx))
	w.keep(w.out.WriteStructEnd(w.ctx))
}

func (w *writer) field(kind thrift.TType, id int16, do func()) {
	w.keep(w.out.WriteFieldBegin(w.ctx, "", kind, id))
	do()
	w.keep(w.out.WriteFieldEnd(w.ctx))
}

func (w *writer) text(id int16, text string) {
	w.field(thrift.STRING, id, func() { w.keep(w.out.WriteString(w.ctx, text)) })
}

func (w *writer) texts(id int16, texts []string) {
	w.field(thrift.LIST, id, func() {
		w.keep(w.out.WriteListBegin(w.ctx, thrift.STRING, len(texts)))
		for _, text := range texts {
			w.keep(w.out.WriteString(w.ctx, text))
		}
		w.keep(w.out.WriteListEnd(w.ctx))
	})
}

func (w *writer) numbers(id int16, numbers ...int32) {
	w.field(thrift.LIST, id, func() {
		w.keep(w.out.WriteListBegin(w.ctx, thrift.I32, len(numbers)))
		for _, n := range numbers {
			w.keep(w.out.WriteI32(w.ctx, n))
		}
		w.keep(w.out.WriteListEnd(w.ctx))
	})
}

func (w *writer) within(id int16, do func(*writer)) {
	w.field(thrift.STRUCT, id, func() { w.fields("", do) })
}
