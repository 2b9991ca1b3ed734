package mongodb

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// Config says which deployment to read, and as whom.
type Config struct {
	URL      string   `json:"url" doc:"Address of the deployment with the user and without the password, such as mongodb://souk@db.example:27017 or mongodb+srv://souk@cluster.example. A path names the database that knows the user." format:"url" host:"true"`
	Members  []string `json:"members,omitempty" doc:"Further members of the replica set to begin with, each HOST:PORT." host:"true"`
	Password string   `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	transport.Config
	Include        []string `json:"includeDatabases,omitempty" doc:"The databases to harvest; all when empty."`
	Exclude        []string `json:"excludeDatabases,omitempty" doc:"Databases to leave out."`
	Sample         int      `json:"sample" doc:"How many documents of a collection are read for its schema, up to 10000; 0 reads none, and then only validators tell of fields." default:"500"`
	Sampling       string   `json:"sampling" doc:"Which documents are read: ends (the oldest and the newest, the same ones as long as nothing is written) or random (by $sample, and so others each time)." enum:"ends,random" default:"ends"`
	SampleTime     string   `json:"sampleTime" doc:"How long the server may work on one sample." format:"duration" default:"10s"`
	Views          string   `json:"views" doc:"Whether views are sampled as collections are, for which the server runs their pipelines (sample), or not (leave)." enum:"sample,leave" default:"sample"`
	Namespace      string   `json:"namespace,omitempty" doc:"OpenLineage namespace in place of mongodb://HOST:PORT, where clients know the deployment by another name."`
	ConnectTimeout string   `json:"connectTimeout" doc:"How long to wait for the server." format:"duration" default:"10s"`
}

// maxSample bounds what is read of a collection.
const maxSample = 10_000

// parsed is a configuration that has been checked.
type parsed struct {
	uri        string // without user and password
	user       string
	password   string
	authSource string
	mechanism  string
	secure     *tls.Config
	address    string
	namespace  string
	others     []string // namespaces by further members
	include    []string
	exclude    []string
	sample     int
	random     bool
	leaveViews bool
	sampleTime time.Duration
	timeout    time.Duration
}

func (c Config) parse() (*parsed, error) {
	p := &parsed{
		password: c.Password, include: c.Include, exclude: c.Exclude,
		sample: c.Sample, random: c.Sampling == "random", leaveViews: c.Views == "leave",
	}
	for _, step := range []func(*parsed) error{c.address, c.choices, c.durations} {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	var err error
	p.secure, err = c.TLS("")
	return p, err
}

func (c Config) choices(p *parsed) error {
	switch {
	case c.Sample < 0 || c.Sample > maxSample:
		return sdk.Config("sample", "is no number of documents", "write a number from 0 to 10000")
	case !slices.Contains([]string{"", "ends", "random"}, c.Sampling):
		return sdk.Config("sampling", "is not known", "write ends or random")
	case !slices.Contains([]string{"", "sample", "leave"}, c.Views):
		return sdk.Config("views", "is not known", "write sample or leave")
	case p.user == "" && c.Password != "":
		return sdk.Config("url", "names no user for the password", example)
	}
	return nil
}

func (c Config) durations(p *parsed) error {
	for _, d := range []struct {
		field, text, preset string
		into                *time.Duration
	}{{"connectTimeout", c.ConnectTimeout, "10s", &p.timeout}, {"sampleTime", c.SampleTime, "10s", &p.sampleTime}} {
		var err error
		if *d.into, err = time.ParseDuration(cmp.Or(d.text, d.preset)); err != nil || *d.into < time.Millisecond {
			return sdk.Config(d.field, "is no positive duration", "write a duration such as 10s")
		}
	}
	return nil
}

const example = "write mongodb://USER@HOST:27017"

// address takes the URL apart. No message repeats it: it may hold a password.
func (c Config) address(p *parsed) error {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return sdk.Config("url", "is missing", example)
	case err != nil && strings.Contains(c.URL, ","):
		return sdk.Config("url", "names several hosts", "keep one, and put the others into members")
	case err != nil:
		return sdk.Config("url", "is no URL", example)
	case u.Scheme != "mongodb" && u.Scheme != "mongodb+srv":
		return sdk.Config("url", "is no URL of MongoDB", example)
	case u.Hostname() == "":
		return sdk.Config("url", "names no host", example)
	case strings.Contains(u.Host, ","):
		return sdk.Config("url", "names several hosts", "keep one, and put the others into members")
	case u.Fragment != "":
		return sdk.Config("url", "has something behind a #", "write a # in a name as %23")
	}
	if _, has := u.User.Password(); has {
		return sdk.Config("url", "holds a password", "put it into the secret password")
	}
	p.user = u.User.Username()
	p.authSource = strings.Trim(u.Path, "/")
	if err := p.parameters(u); err != nil {
		return err
	}
	return c.hosts(p, u)
}

// hosts makes the URI for the driver, which has neither user nor password.
func (c Config) hosts(p *parsed, u *url.URL) error {
	srv := u.Scheme == "mongodb+srv"
	if srv && (u.Port() != "" || len(c.Members) > 0) {
		return sdk.Config("url", "names a port or members beside mongodb+srv, which finds them by itself", "write mongodb+srv://HOST alone")
	}
	p.address = net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "27017"))
	p.namespace = cmp.Or(c.Namespace, "mongodb://"+p.address)
	hosts := []string{p.address}
	for _, m := range c.Members {
		host, port, err := net.SplitHostPort(strings.ToLower(m))
		if err != nil || host == "" || port == "" || strings.ContainsAny(host, "/@?,") {
			return sdk.Config("members", "has one that is no HOST:PORT", "write each as db2.example:27017")
		}
		hosts = append(hosts, net.JoinHostPort(host, port))
		p.others = append(p.others, "mongodb://"+net.JoinHostPort(host, port))
	}
	if srv {
		hosts = []string{u.Hostname()}
	}
	p.uri = u.Scheme + "://" + strings.Join(hosts, ",") + "/?" + u.RawQuery
	return nil
}

// parameters keeps those that cannot lead the connection elsewhere or weaken it.
func (p *parsed) parameters(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return sdk.Config("url", "has parameters that cannot be read", "write them as ?replicaSet=NAME")
	}
	kept := url.Values{}
	for name := range query {
		value := query.Get(name)
		switch strings.ToLower(name) {
		case "replicaset", "directconnection", "loadbalanced", "readconcernlevel":
			kept.Set(name, value)
		case "authsource":
			p.authSource = value
		case "authmechanism":
			if value != "SCRAM-SHA-1" && value != "SCRAM-SHA-256" {
				return sdk.Config("url", "asks for a way of signing in that is not known here", "write authMechanism=SCRAM-SHA-256, or leave it out")
			}
			p.mechanism = value
		case "retrywrites", "retryreads", "w", "journal", "appname", "readpreference", "ssl", "tls":
			// What people copy along; none of it is needed, and transport has the word.
		default:
			return sdk.Config("url", "has a parameter that is not allowed", "keep to replicaSet, directConnection, loadBalanced, authSource and authMechanism")
		}
	}
	u.RawQuery = kept.Encode()
	return nil
}
