package mongodb_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/plugins/internal/transport/transporttest"
	"github.com/souk-mesh/souk/plugins/mongodb"
	"github.com/souk-mesh/souk/sdk"
)

// server is a real mongod of the test's own, which asks who comes and takes
// encrypted connections alone.
type server struct {
	t       *testing.T
	address string
	pem     string // of its authority
	admin   *mongo.Client
	stop    func()
}

const (
	password = "canary-secret"
	root     = "root"
)

// startServer starts one with a user souk, who may do what the page says.
func startServer(t *testing.T) *server {
	t.Helper()
	binary := os.Getenv("SOUK_TEST_MONGOD")
	switch {
	case binary != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_MONGOD is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_MONGOD is not set; .ci/mongod prints it")
	}
	dir := t.TempDir()
	s := &server{t: t, address: freeAddress(t)}
	var key string
	s.pem, key = transporttest.Certificate(t, "127.0.0.1")
	both := filepath.Join(dir, "server.pem")
	if err := os.WriteFile(both, []byte(s.pem+key), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(s.address)
	process := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--dbpath", dir, "--port", port, "--bind_ip", "127.0.0.1", "--nounixsocket",
		"--auth", "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", both, "--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false", "--logpath", filepath.Join(dir, "log"))
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	t.Cleanup(s.stop)
	s.signIn()
	s.run("admin", bson.D{
		{Key: "createRole", Value: "soukHarvest"},
		{Key: "roles", Value: bson.A{}},
		{Key: "privileges", Value: bson.A{
			bson.M{"resource": bson.M{"cluster": true}, "actions": bson.A{"listDatabases"}},
			bson.M{"resource": bson.M{"db": "", "collection": ""}, "actions": bson.A{"listCollections", "listIndexes", "collStats", "find"}},
		}},
	})
	s.user("souk", "soukHarvest")
	return s
}

// signIn makes the first user, which the server lets who comes from its own
// machine, and signs in as it.
func (s *server) signIn() {
	s.t.Helper()
	first := s.connect("")
	s.wait(first)
	create := bson.D{{Key: "createUser", Value: root}, {Key: "pwd", Value: password}, {Key: "roles", Value: bson.A{"root"}}}
	if err := first.Database("admin").RunCommand(s.t.Context(), create).Err(); err != nil {
		s.t.Fatal(err)
	}
	s.admin = s.connect(root)
}

func (s *server) wait(client *mongo.Client) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := client.Ping(ctx, nil); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) connect(user string) *mongo.Client {
	s.t.Helper()
	secure, err := transport.Config{Authorities: s.pem}.TLS("127.0.0.1")
	if err != nil {
		s.t.Fatal(err)
	}
	o := options.Client().ApplyURI("mongodb://" + s.address + "/?directConnection=true").SetTLSConfig(secure)
	if user != "" {
		o.SetAuth(options.Credential{Username: user, Password: password})
	}
	client, err := mongo.Connect(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // it may be gone already
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

func (s *server) run(database string, command any) {
	s.t.Helper()
	if err := s.admin.Database(database).RunCommand(s.t.Context(), command).Err(); err != nil {
		s.t.Fatalf("%.300v: %v", command, err)
	}
}

func (s *server) user(name string, roles ...any) {
	s.t.Helper()
	s.run("admin", bson.D{{Key: "createUser", Value: name}, {Key: "pwd", Value: password}, {Key: "roles", Value: bson.A(roles)}})
}

func (s *server) insert(database, collection string, documents ...any) {
	s.t.Helper()
	if _, err := s.admin.Database(database).Collection(collection).InsertMany(s.t.Context(), documents); err != nil {
		s.t.Fatal(err)
	}
}

// config is that of a user of the server.
func (s *server) config(user string) mongodb.Config {
	return mongodb.Config{
		URL: "mongodb://" + user + "@" + s.address, Password: password, Config: transport.Config{Authorities: s.pem},
		Namespace: "mongodb://shop:27017", Sample: 100, ConnectTimeout: "2s",
	}
}

func open(t *testing.T, c mongodb.Config) sdk.Source {
	t.Helper()
	s, err := mongodb.Plugin().Open(t.Context(), c, sdk.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func harvest(t *testing.T, c mongodb.Config) *memory.Sink {
	t.Helper()
	m := memory.New()
	if err := open(t, c).Harvest(t.Context(), sdk.Request{}, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
