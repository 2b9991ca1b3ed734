import java.util.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hive.metastore.*;
import org.apache.hadoop.hive.metastore.api.*;
import org.apache.hadoop.hive.metastore.conf.MetastoreConf;

/** Makes a small shop in a Hive Metastore: run by the recorder as `java Fill.java`. */
public class Fill {
  static HiveMetaStoreClient client;

  static FieldSchema f(String name, String type, String comment) { return new FieldSchema(name, type, comment); }

  static Table table(String db, String name, String type, String location, List<FieldSchema> columns, String... parameters) {
    Map<String, String> words = new HashMap<>();
    for (int i = 0; i < parameters.length; i += 2) words.put(parameters[i], parameters[i + 1]);
    SerDeInfo serde = new SerDeInfo(name, "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", new HashMap<>());
    StorageDescriptor sd = new StorageDescriptor(columns, location, "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat", false, -1, serde, new ArrayList<>(), new ArrayList<>(), new HashMap<>());
    Table t = new Table(name, db, "ana", 1782000000, 0, 0, sd, new ArrayList<>(), words, null, null, type);
    if (type.equals("EXTERNAL_TABLE")) words.put("EXTERNAL", "TRUE");
    return t;
  }

  static void database(String catalog, String name, String comment) throws Exception {
    Database d = new Database(name, comment, "hdfs://names:8020/warehouse/" + name + ".db", new HashMap<>(Map.of("team", "sales")));
    d.setCatalogName(catalog);
    d.setOwnerName("ana");
    d.setOwnerType(PrincipalType.USER);
    client.createDatabase(d);
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = MetastoreConf.newMetastoreConf();
    client = new HiveMetaStoreClient(conf);
    database("hive", "sales", "What the shop sells.");
    client.createTable(table("sales", "customers", "EXTERNAL_TABLE", "s3a://lake/sales/customers", List.of(f("id", "bigint", "The number."), f("email", "varchar(200)", null)), "comment", "Who buys."));
    Table orders = table("sales", "orders", "EXTERNAL_TABLE", "s3a://lake/sales/orders/",
        List.of(f("id", "bigint", null), f("customer", "bigint", null), f("lines", "array<struct<sku:string,price:decimal(10,2)>>", "What was bought.")), "comment", "Each order.", "quality", "gold", "numRows", "42", "totalSize", "4200");
    orders.setPartitionKeys(List.of(f("day", "date", "When."), f("country", "string", null)));
    client.createTable(orders);
    for (String day : List.of("2026-01-01", "2026-01-02", "2026-01-03")) {
      StorageDescriptor sd = new StorageDescriptor(orders.getSd());
      sd.setLocation("s3a://lake/sales/orders/day=" + day + "/country=de");
      client.add_partition(new Partition(List.of(day, "de"), "sales", "orders", 1782000000, 0, sd, new HashMap<>()));
    }
    client.addPrimaryKey(List.of(new SQLPrimaryKey("sales", "customers", "id", 1, "pk_customers", false, false, true)));
    client.addPrimaryKey(List.of(new SQLPrimaryKey("sales", "orders", "id", 1, "pk_orders", false, false, true)));
    client.addForeignKey(List.of(new SQLForeignKey("sales", "customers", "id", "sales", "orders", "customer", 1, 0, 0, "fk_customer", "pk_customers", false, false, true)));
    client.addNotNullConstraint(List.of(new SQLNotNullConstraint("hive", "sales", "orders", "customer", "nn_customer", true, false, true)));
    client.addUniqueConstraint(List.of(new SQLUniqueConstraint("hive", "sales", "customers", "email", 1, "uk_email", false, false, true)));
    client.addDefaultConstraint(List.of(new SQLDefaultConstraint("hive", "sales", "customers", "email", "'none'", "df_email", true, false, true)));
    client.addCheckConstraint(List.of(new SQLCheckConstraint("hive", "sales", "orders", "id", "id > 0", "ck_id", true, false, true)));
    Table view = table("sales", "big_orders", "VIRTUAL_VIEW", null, List.of(f("id", "bigint", null)));
    view.setViewOriginalText("select o.id from orders o join customers c on c.id = o.customer where note <> \"from nowhere\"");
    view.setViewExpandedText("select `o`.`id` from `sales`.`orders` `o` join `sales`.`customers` `c` on `c`.`id` = `o`.`customer` where `note` <> \"from nowhere\"");
    client.createTable(view);
    Table kept = table("sales", "orders_by_day", "MATERIALIZED_VIEW", "hdfs://names:8020/warehouse/sales/orders_by_day", List.of(f("day", "date", null), f("n", "bigint", null)));
    kept.setViewOriginalText("select day, count(*) n from orders group by day");
    kept.setViewExpandedText("select `orders`.`day`, count(*) `n` from `sales`.`orders` group by `orders`.`day`");
    kept.setCreationMetadata(new CreationMetadata("hive", "sales", "orders_by_day", new HashSet<>(List.of("sales.orders"))));
    client.createTable(kept);
    client.createTable(table("sales", "events", "EXTERNAL_TABLE", "gs://raw/events", List.of(f("id", "string", null)), "table_type", "ICEBERG", "metadata_location", "gs://raw/events/metadata/00001.metadata.json"));
    client.createTable(table("sales", "clicks", "EXTERNAL_TABLE", "abfss://box@acme.dfs.core.windows.net/clicks", List.of(f("col", "array<string>", null)), "spark.sql.sources.provider", "delta",
        "spark.sql.sources.schema.numParts", "1", "spark.sql.sources.schema.part.0", "{\"type\":\"struct\",\"fields\":[{\"name\":\"url\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"Where.\"}}]}"));
    client.createTable(table("sales", "orders_again", "EXTERNAL_TABLE", "s3a://lake/sales/orders", List.of(f("id", "bigint", null))));
    Catalog spark = new Catalog("spark", "hdfs://names:8020/warehouse/spark");
    client.createCatalog(spark);
    database("spark", "sales", "Of another catalog.");
    Table other = table("sales", "orders", "EXTERNAL_TABLE", "s3a://lake/spark/orders", List.of(f("id", "bigint", null)));
    other.setCatName("spark");
    client.createTable(other);
    client.close();
  }
}
