import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.*;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** A store in which every path is a folder, so that a metastore takes locations in stores that are not there. */
public class Nowhere extends FileSystem {
  private URI uri;

  public void initialize(URI uri, Configuration conf) throws IOException { super.initialize(uri, conf); this.uri = URI.create(uri.getScheme() + "://" + (uri.getAuthority() == null ? "/" : uri.getAuthority())); setConf(conf); }

  public URI getUri() { return uri; }

  public FSDataInputStream open(Path f, int size) throws IOException { throw new IOException("nothing"); }

  public FSDataOutputStream create(Path f, FsPermission p, boolean o, int b, short r, long s, Progressable g) throws IOException { throw new IOException("nothing"); }

  public FSDataOutputStream append(Path f, int b, Progressable g) throws IOException { throw new IOException("nothing"); }

  public boolean rename(Path a, Path b) { return true; }

  public boolean delete(Path f, boolean r) { return true; }

  public FileStatus[] listStatus(Path f) { return new FileStatus[0]; }

  public void setWorkingDirectory(Path f) {}

  public Path getWorkingDirectory() { return new Path(uri.getScheme() + "://" + (uri.getAuthority() == null ? "" : uri.getAuthority()) + "/"); }

  public boolean mkdirs(Path f, FsPermission p) { return true; }

  public FileStatus getFileStatus(Path f) { return new FileStatus(0, true, 1, 1, 0, f); }
}
