//go:build record

package hive_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
)

// asker calls a Metastore without knowing any of its types.
type asker struct {
	ctx    context.Context
	speech thrift.TProtocol
}

// call gives the answer as a tree: "0:KIND" is the result, any other an error.
func (a asker) call(method string, arguments tree) tree {
	check(a.speech.WriteMessageBegin(a.ctx, method, thrift.CALL, 1))
	writeTree(a.ctx, a.speech, arguments)
	check(a.speech.WriteMessageEnd(a.ctx))
	check(a.speech.Flush(a.ctx))
	_, kind, _, err := a.speech.ReadMessageBegin(a.ctx)
	check(err)
	answer := readTree(a.ctx, a.speech)
	check(a.speech.ReadMessageEnd(a.ctx))
	if kind == thrift.EXCEPTION {
		return tree{"exception": answer}
	}
	return answer
}

// TestRecord keeps what the Metastore at SOUK_RECORD_HIVE answers.
func TestRecord(t *testing.T) {
	socket := thrift.NewTSocketConf(os.Getenv("SOUK_RECORD_HIVE"), &thrift.TConfiguration{SocketTimeout: time.Minute})
	check(socket.Open())
	defer socket.Close()
	a := asker{t.Context(), thrift.NewTBinaryProtocolConf(thrift.NewTBufferedTransport(socket, 1<<16), nil)}
	k := kept{Origin: os.Getenv("SOUK_RECORD_ORIGIN"), Date: time.Now().UTC().Format(time.DateOnly)}
	k.Unknown = a.call("no_such_method", tree{})
	k.None = a.call("get_database", tree{"1:string": "@hive#none"})
	k.Catalogs = read(a.call("get_catalogs", tree{})["0:struct"].(tree)["1:list"])
	for _, catalog := range k.Catalogs {
		for _, name := range read(a.call("get_databases", tree{"1:string": "@" + catalog + "#"})["0:list"]) {
			whole := "@" + catalog + "#" + name
			d := &databased{Catalog: catalog, Name: name, Database: a.call("get_database", tree{"1:string": whole})["0:struct"].(tree), Tables: map[string]*table{}}
			k.Databases = append(k.Databases, d)
			for _, n := range read(a.call("get_all_tables", tree{"1:string": whole})["0:list"]) {
				d.Tables[n] = a.table(catalog, name, n)
			}
		}
	}
	text, err := json.MarshalIndent(k, "", " ")
	check(err)
	check(os.WriteFile(filepath.Join("testdata", "hive-4.0.json"), append(text, '\n'), 0o644)) //nolint:gosec // it is kept in the repository
}

func (a asker) table(catalog, database, name string) *table {
	answer := a.call("get_table_objects_by_name_req", tree{"1:struct": tree{
		"1:string": database, "2:list": texts(name), "3:struct": tree{"1:list": tree{"of": "i32", "items": []any{2.0}}}, "4:string": catalog,
		"5:list": texts("EXTREAD", "HIVEBUCKET2", "HIVEFULLACIDREAD", "HIVEMANAGEDINSERTREAD", "HIVEMQT", "HIVESQL", "CONNECTORREAD"), "6:string": "souk",
	}})
	t := &table{Table: answer["0:struct"].(tree)["1:list"].(tree)["items"].([]any)[0].(tree)}
	t.Constraints = a.call("get_all_table_constraints", tree{"1:struct": tree{"1:string": database, "2:string": name, "3:string": catalog}})["0:struct"].(tree)["1:struct"].(tree)
	if n, has := a.call("get_num_partitions_by_filter", tree{"1:string": "@" + catalog + "#" + database, "2:string": name, "3:string": ""})["0:i32"].(float64); has {
		t.Partitions = int32(n)
	}
	return t
}
