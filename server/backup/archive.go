package backup

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

const (
	format       = 1
	manifestName = "manifest.json" // the first entry
	sumName      = "manifest.sum"  // the last, without which an archive is not whole
	maxManifest  = 16 << 20
)

// Manifest says what an archive holds.
type Manifest struct {
	Format    int       `json:"format"`
	Engine    string    `json:"engine"` // sqlite or mongodb
	Made      time.Time `json:"made"`
	Change    int64     `json:"change"` // the last one of the store
	Rows      int64     `json:"rows"`   // of the decision log
	Head      string    `json:"head"`   // hash of its last row
	PublicKey string    `json:"publicKey"`
	Parts     []Part    `json:"parts"`
}

// Part is one file of an archive.
type Part struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

// pack writes the parts that lie in the folder into one file, whole or not at
// all, for its owner's eyes alone.
func pack(folder, to string, m Manifest) (err error) {
	if _, err := os.Lstat(to); err == nil {
		return model.Invalid("FILE", fmt.Sprintf("%q is there already", to), "name a file that there is none of: a backup never writes over another")
	}
	for i := range m.Parts {
		if m.Parts[i], err = measure(folder, m.Parts[i].Name); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial") // with the mode 0600
	if err != nil {
		return model.Invalid("FILE", "cannot be made: "+err.Error(), "name a file in a folder that exists and that souk may write to")
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has its name by then, unless it failed
	err = write(f, folder, m)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return os.Link(f.Name(), to) // refuses a name that somebody has taken meanwhile
}

func measure(folder, name string) (Part, error) {
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(name))) //nolint:gosec // the operator's own file
	if err != nil {
		return Part{}, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	size, err := io.Copy(h, f)
	return Part{Name: name, Size: size, Sum: hex.EncodeToString(h.Sum(nil))}, err
}

func write(to io.Writer, folder string, m Manifest) error {
	zip := gzip.NewWriter(to)
	out := tar.NewWriter(zip)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := entry(out, manifestName, int64(len(text)), strings.NewReader(string(text))); err != nil {
		return err
	}
	for _, p := range m.Parts {
		if err := file(out, folder, p); err != nil {
			return err
		}
	}
	sum := sumOf(text)
	return errors.Join(entry(out, sumName, int64(len(sum)), strings.NewReader(sum)), out.Close(), zip.Close())
}

func sumOf(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

func file(out *tar.Writer, folder string, p Part) error {
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(p.Name))) //nolint:gosec // the operator's own file
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return entry(out, p.Name, p.Size, f)
}

func entry(out *tar.Writer, name string, size int64, from io.Reader) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(out, from)
	return err
}

// damaged is the error of an archive that is not as it was written.
func damaged(path, what string, err error) error {
	return &model.Error{
		Kind: model.KindUnavailable, Message: fmt.Sprintf("the archive %q is not whole: %s", path, what),
		Hint: "nothing was touched; take another backup", Err: err,
	}
}

// unpack reads an archive into a folder and checks every sum. Names are those
// of the manifest, which must be plain.
func unpack(path, folder string) (Manifest, error) {
	var m Manifest
	f, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return m, model.Invalid("FILE", "cannot be read: "+err.Error(), "name the archive that souk backup has written")
	}
	defer func() { _ = f.Close() }()
	bytes := bufio.NewReader(f)
	zip, err := gzip.NewReader(bytes)
	if err != nil {
		return m, damaged(path, "it is no archive of souk, or its beginning is gone", err)
	}
	zip.Multistream(false)
	in := tar.NewReader(zip)
	text, err := manifest(in, &m)
	if err != nil {
		return m, damaged(path, "its list of parts cannot be read", err)
	}
	if m.Format != format {
		return m, damaged(path, fmt.Sprintf("its format is %d and this souk reads %d", m.Format, format), nil)
	}
	for _, p := range m.Parts {
		if err := take(in, folder, p); err != nil {
			return m, damaged(path, fmt.Sprintf("the part %s is damaged or missing", p.Name), err)
		}
	}
	if err = finish(in, zip, sumOf(text)); err == nil {
		if _, end := bytes.ReadByte(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		return m, damaged(path, "its end is missing or damaged", err)
	}
	return m, nil
}

func manifest(in *tar.Reader, m *Manifest) ([]byte, error) {
	h, err := in.Next()
	if err != nil {
		return nil, err
	}
	if h.Name != manifestName || h.Size > maxManifest {
		return nil, fmt.Errorf("it begins with %q", h.Name)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	return text, json.Unmarshal(text, m)
}

func take(in *tar.Reader, folder string, p Part) error {
	h, err := in.Next()
	if err != nil {
		return err
	}
	if h.Name != p.Name || h.Size != p.Size || !plain(p.Name) {
		return fmt.Errorf("there is %q in its place", h.Name)
	}
	to := filepath.Join(folder, filepath.FromSlash(p.Name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator's own file
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), in)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != p.Sum {
		return errors.New("its sum is another")
	}
	return nil
}

// plain reports a name that leads nowhere but into the folder.
func plain(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && !slices.Contains(strings.Split(name, "/"), "..")
}

func finish(in *tar.Reader, zip *gzip.Reader, sum string) error {
	h, err := in.Next()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(in, 128))
	if err != nil {
		return err
	}
	if h.Name != sumName || string(text) != sum {
		return fmt.Errorf("there is %q in its place", h.Name)
	}
	if _, err := in.Next(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	_, err = io.Copy(io.Discard, zip) // checks the sum of all
	return err
}
