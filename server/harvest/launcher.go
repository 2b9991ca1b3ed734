package harvest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/host/process"
	"github.com/souk-mesh/souk/server/harvest/form"
)

// Launcher knows the plugins: those that ship inside this binary, and those
// that the operator has put into a folder and pinned there.
type Launcher struct {
	bundled map[string]*plugin
	names   []string // of the bundled ones, in order
	dir     string
	account *process.Account // whom plugins run as; nil: the server's own user
	log     *slog.Logger

	mu    sync.Mutex
	known map[string]describedPlugin // what foreign plugins said of themselves, by hash and name
}

// plugin is one that can be launched.
type plugin struct {
	info model.PluginInfo
	form *form.Form
	spec host.Spec
}

type describedPlugin struct {
	plugin *plugin
	err    error
}

// as is the plugin as its pin now says to launch it.
func (d describedPlugin) as(spec host.Spec) *plugin {
	if d.plugin == nil {
		return nil
	}
	p := *d.plugin
	p.spec = spec
	return &p
}

// NewLauncher knows the bundled plugins and the folder; "" is no folder. Plugins
// run as the user of that name; "" is the server's own. Nothing is launched, and
// a folder that cannot be read is an error.
func NewLauncher(bundled []sdk.Registration, pluginDir, user string, log *slog.Logger) (*Launcher, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	account, err := accountOf(user)
	if err != nil {
		return nil, err
	}
	l := &Launcher{bundled: map[string]*plugin{}, dir: pluginDir, account: account, log: log, known: map[string]describedPlugin{}}
	for _, r := range bundled {
		spec := host.Self(r.Info().Name)
		spec.Account = account
		p, err := newPlugin(r.Info(), r.Schema(), r.SecretFields(), spec)
		if err != nil {
			return nil, err
		}
		p.info.Bundled, p.info.Trusted = true, true
		l.bundled[p.info.Name], l.names = p, append(l.names, p.info.Name)
	}
	slices.Sort(l.names)
	host.RemoveLeftBehind(log)
	if _, err := l.folder(); err != nil {
		return nil, fmt.Errorf("read plugin folder: %w", err)
	}
	return l, nil
}

// accountOf looks up the user that plugins run as; nil is the server's own.
func accountOf(user string) (*process.Account, error) {
	if user == "" {
		return nil, nil //nolint:nilnil // no account is an answer here
	}
	account, err := host.LookupAccount(user)
	if f, ok := errors.AsType[*host.Failure](err); ok {
		return nil, model.Invalid("plugin-user", f.Message, f.Fix)
	}
	return account, err
}

// specOf says how to launch a plugin of the folder.
func (l *Launcher) specOf(f host.Found) host.Spec {
	spec := f.Spec()
	spec.Account = l.account
	return spec
}

func newPlugin(i sdk.Info, schema json.RawMessage, secrets []string, spec host.Spec) (*plugin, error) {
	f, err := form.New(schema, secrets)
	if err != nil {
		return nil, &model.Error{Kind: model.KindInternal, Message: "the plugin " + i.Name + " has a schema that cannot be used", Err: err}
	}
	return &plugin{form: f, spec: spec, info: model.PluginInfo{
		Name: i.Name, Version: i.Version, Summary: i.Summary, Doc: i.Doc, Schema: schema, SecretFields: secrets, OffersChanges: slices.Contains(i.Offers, sdk.OffersChanges),
	}}, nil
}

func (l *Launcher) folder() ([]host.Found, error) {
	if l.dir == "" {
		return nil, nil
	}
	found, err := host.ReadFolder(l.dir)
	if err != nil {
		return nil, refused(err)
	}
	return slices.DeleteFunc(found, func(f host.Found) bool { return l.bundled[f.Name] != nil }), nil
}

// refused tells an operator or a user what the host has against a plugin.
func refused(err error) error {
	f, ok := errors.AsType[*host.Failure](err)
	if !ok {
		return err
	}
	return &model.Error{Kind: model.KindUnavailable, Code: "plugin." + f.Code, Message: f.Error(), Hint: f.Fix}
}

// list describes every plugin. A bundled one is described without launching it,
// and a foreign one by launching it once, when it is pinned.
func (l *Launcher) list(ctx context.Context) []model.PluginInfo {
	infos := make([]model.PluginInfo, 0, len(l.names))
	for _, name := range l.names {
		infos = append(infos, l.bundled[name].info)
	}
	found, err := l.folder()
	if err != nil {
		l.log.ErrorContext(ctx, "the plugin folder cannot be read", slog.Any("error", err))
	}
	for _, f := range found {
		infos = append(infos, l.foreignInfo(ctx, f))
	}
	return infos
}

func (l *Launcher) foreignInfo(ctx context.Context, f host.Found) model.PluginInfo {
	bare := model.PluginInfo{Name: f.Name, Trusted: f.Trusted, SHA256: f.SHA256, Summary: f.Problem}
	if !f.Trusted {
		return bare
	}
	p, err := l.describe(ctx, f)
	if err != nil {
		bare.Summary = err.Error()
		return bare
	}
	return p.info
}

// find gives a plugin that can be launched. The error is of kind Invalid and
// names the field plugin, unless the plugin itself is at fault.
func (l *Launcher) find(ctx context.Context, name string) (*plugin, error) {
	if p := l.bundled[name]; p != nil {
		return p, nil
	}
	found, err := l.folder()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(f host.Found) bool { return f.Name == name })
	switch {
	case i < 0:
		return nil, &model.Error{
			Kind: model.KindInvalid, Code: "unknown_plugin", Field: "plugin",
			Message: "there is no such plugin", Hint: l.choices(found),
		}
	case !found[i].Trusted:
		return nil, &model.Error{
			Kind: model.KindInvalid, Code: "untrusted_plugin", Field: "plugin",
			Message: "the plugin is not trusted", Hint: found[i].Problem,
		}
	}
	return l.describe(ctx, found[i])
}

func (l *Launcher) choices(found []host.Found) string {
	names := slices.Clone(l.names)
	for _, f := range found {
		if f.Trusted {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "this server has no plugins"
	}
	return "write one of " + strings.Join(names, ", ")
}

// describe asks a foreign plugin what it is, once for each content of its file.
// A plugin that gives no answer is asked again the next time.
func (l *Launcher) describe(ctx context.Context, f host.Found) (*plugin, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := f.SHA256 + " " + f.Name
	if d, ok := l.known[key]; ok {
		return d.as(l.specOf(f)), d.err
	}
	d, err := l.ask(ctx, f)
	if err != nil {
		return nil, refused(err)
	}
	d.Info.Name = f.Name // as the operator pinned it; what it calls itself is no claim on a name
	p, err := newPlugin(d.Info, d.Schema, d.SecretFields, l.specOf(f))
	if err == nil {
		p.info.Trusted, p.info.SHA256 = true, f.SHA256
	}
	l.known[key] = describedPlugin{p, err}
	return p, err
}

func (l *Launcher) ask(ctx context.Context, f host.Found) (d host.Description, err error) {
	process, err := host.Launch(ctx, l.specOf(f), host.Limits{}, l.log)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, process.Close()) }()
	return process.Describe(ctx)
}

// Plugins lists the plugins of this server. Every signed-in principal may ask:
// what a plugin is called is no secret.
func (s *Service) Plugins(ctx context.Context) []model.PluginInfo { return s.plugins.list(ctx) }
