import Cairn

/// A table as it is in the database: what decides how rows are written into it.
struct TargetShape: Sendable, Hashable {
  /// Its name.
  var name: QualifiedName
  var oid: UInt32
  /// The type of its rows, and the array of it, as which rows are sent.
  var rowType: UInt32
  var rowArrayType: UInt32
  /// `r` for a plain table, `p` for a partitioned one, `f` for a foreign one.
  var kind: String
  /// `p` for a logged table, `u` for an unlogged one, `t` for a temporary one.
  var persistence: String
  /// Its columns, in order.
  var columns: [ShapeColumn]
  /// The combinations of columns that are unique in all of the table.
  var uniqueKeys: [UniqueKey]
  /// Whether row-level security applies to this role.
  var hasRowSecurity: Bool
  /// Whether it has rules, which COPY would pass by.
  var hasRules: Bool
  /// Whether it refers to itself, so that a row may need another one of the same chunk.
  var refersToItself: Bool
  /// What of SELECT, INSERT, UPDATE and DELETE this role lacks.
  var missingPrivileges: [String]
  /// Digest of the definition: a table that has another one is to be looked at again.
  var fingerprint: String

  /// The column of that name.
  func column(named name: String) -> ShapeColumn? { columns.first { $0.name == name } }

  /// The unique key that consists of just these columns, in any order.
  func uniqueKey(on key: [String]) -> UniqueKey? {
    let wanted = Set(key)
    return uniqueKeys.first {
      $0.columns.count == wanted.count && Set($0.columns.map(\.name)) == wanted
    }
  }

  /// SQL for a list of what this role may not do with a table.
  private static func missingPrivilegesSQL(_ oid: String) -> String {
    """
    (SELECT string_agg(p, ',') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
      WHERE NOT has_table_privilege(\(oid), p)
        AND NOT (p IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(\(oid), p)))
    """
  }

  /// SQL for the digest of the definition of the table whose oid the expression yields.
  static func fingerprintSQL(_ oid: String) -> String {
    """
    (SELECT md5(concat_ws('|', own.oid, own.relnamespace, own.relname, own.relkind, own.relhasrules,
      row_security_active(own.oid), \(missingPrivilegesSQL("own.oid")),
      (SELECT string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod,
          a.attcollation, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated),
          ',' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped),
      (SELECT string_agg(concat_ws(':', i.indexrelid, i.indisunique, i.indisvalid,
          i.indimmediate), ',' ORDER BY i.indexrelid)
        FROM pg_index i WHERE i.indrelid = own.oid)))
     FROM pg_class own WHERE own.oid = \(oid))
    """
  }

  /// Reads the shape of a table; nil when there is no relation of that name.
  ///
  /// - Throws: ``NotATable`` when it is a view, a sequence or the like.
  static func read(_ name: QualifiedName, on connection: Connection) throws -> TargetShape? {
    let found = try connection.query(
      """
      SELECT c.oid, c.relkind, c.relpersistence, c.reltype, coalesce(t.typarray, 0) AS typarray,
        c.relhasrules,
        CASE WHEN c.relkind IN ('r', 'p', 'f') THEN row_security_active(c.oid) END AS secured,
        EXISTS (SELECT 1 FROM pg_constraint f
          WHERE f.conrelid = c.oid AND f.confrelid = c.oid AND f.contype = 'f') AS self_reference,
        \(missingPrivilegesSQL("c.oid")) AS missing,
        \(fingerprintSQL("c.oid")) AS fingerprint
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_type t ON t.oid = c.reltype
      WHERE n.nspname = $1 AND c.relname = $2
      """, [.text(name.schema), .text(name.name)])
    guard let row = found.named() else { return nil }
    let kind = try row.required("relkind")
    guard ["r", "p", "f"].contains(kind) else { throw NotATable(kind: NotATable.kinds[kind]) }
    let oid = UInt32(try row.requiredInteger("oid"))
    return TargetShape(
      name: name, oid: oid, rowType: UInt32(try row.requiredInteger("reltype")),
      rowArrayType: UInt32(try row.requiredInteger("typarray")), kind: kind,
      persistence: try row.required("relpersistence"),
      columns: try ShapeColumn.read(of: oid, on: connection),
      uniqueKeys: try UniqueKey.read(of: oid, on: connection),
      hasRowSecurity: try row.isTrue("secured"), hasRules: try row.isTrue("relhasrules"),
      refersToItself: try row.isTrue("self_reference"),
      missingPrivileges: (try row.text("missing") ?? "").split(separator: ",").map(String.init),
      fingerprint: try row.required("fingerprint"))
  }
}

/// A column of a table as it is.
struct ShapeColumn: Sendable, Hashable {
  var name: String
  /// Its type.
  var type: UInt32
  /// Its type as SQL has it, `numeric(18,3)` or a domain's name.
  var declaredType: String
  /// The type below all domains.
  var base: BaseType
  var isNotNull: Bool
  var hasDefault: Bool
  /// Whether it is computed from others.
  var isGenerated: Bool
  /// `a` for an identity column that is always the server's, `d` for one by default, or empty.
  var identity: String
  /// Whether its type is a domain that allows no NULL.
  var domainForbidsNull: Bool
  /// The collation for SQL, when text that differs may be equal under it.
  var inexactCollation: String?

  /// A type below all domains.
  struct BaseType: Sendable, Hashable {
    var oid: UInt32
    /// The array of it.
    var array: UInt32
    /// Its name in `pg_type`.
    var name: String
    /// The name for SQL, without length or precision.
    var sql: String
    /// Length or precision as PostgreSQL keeps it, or -1.
    var modifier: Int32
    /// `b` for a base type, `e` for an enum, and so on.
    var kind: String
    /// Whether it is one of PostgreSQL's own.
    var isBuiltIn: Bool
  }

  static func read(of table: UInt32, on connection: Connection) throws -> [ShapeColumn] {
    try connection.query(
      """
      WITH RECURSIVE below AS (
        SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier, false AS forbids_null
        FROM pg_attribute a
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT b.attnum, t.typbasetype,
          CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END,
          b.forbids_null OR t.typnotnull
        FROM below b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
      SELECT a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod) AS declared, t.oid AS base_oid,
        t.typarray, t.typname, format_type(t.oid, -1) AS base_sql, b.modifier, t.typtype,
        t.typnamespace = 'pg_catalog'::regnamespace AS built_in, a.attnotnull, a.atthasdef,
        a.attgenerated <> '' AS generated, a.attidentity, b.forbids_null,
        CASE WHEN NOT k.collisdeterministic
          THEN format('%I.%I', s.nspname, k.collname) END AS inexact
      FROM below b
      JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
      JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = b.attnum
      LEFT JOIN pg_collation k ON k.oid = a.attcollation
      LEFT JOIN pg_namespace s ON s.oid = k.collnamespace
      ORDER BY a.attnum
      """, [.integer(table)]
    ).namedRows.map { row in
      ShapeColumn(
        name: try row.required("attname"), type: UInt32(try row.requiredInteger("atttypid")),
        declaredType: try row.required("declared"),
        base: BaseType(
          oid: UInt32(try row.requiredInteger("base_oid")),
          array: UInt32(try row.requiredInteger("typarray")), name: try row.required("typname"),
          sql: try row.required("base_sql"),
          modifier: Int32(try row.requiredInteger("modifier")), kind: try row.required("typtype"),
          isBuiltIn: try row.isTrue("built_in")),
        isNotNull: try row.isTrue("attnotnull"), hasDefault: try row.isTrue("atthasdef"),
        isGenerated: try row.isTrue("generated"), identity: try row.text("attidentity") ?? "",
        domainForbidsNull: try row.isTrue("forbids_null"),
        inexactCollation: try row.text("inexact"))
    }
  }
}

/// Columns that are unique together.
struct UniqueKey: Sendable, Hashable {
  /// In the order of the index.
  var columns: [KeyColumn]
  /// The names of the index and of its parts on partitions: a unique violation names one of them.
  var indexNames: Set<String>

  static func read(of table: UInt32, on connection: Connection) throws -> [UniqueKey] {
    let found = try connection.query(
      """
      SELECT i.indexrelid, a.attname,
        format('OPERATOR(%I.%s)', os.nspname, o.oprname) AS equality,
        CASE WHEN part.collate_oid <> a.attcollation
          THEN format('%I.%I', ks.nspname, k.collname) END AS other_collation,
        NOT coalesce(k.collisdeterministic, true) AS is_inexact
      FROM pg_index i
      CROSS JOIN LATERAL unnest(
        i.indkey::int2[], i.indcollation::oid[], i.indclass::oid[])
        WITH ORDINALITY AS part(attnum, collate_oid, class, position)
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
      LEFT JOIN pg_collation k ON k.oid = part.collate_oid
      LEFT JOIN pg_namespace ks ON ks.oid = k.collnamespace
      JOIN pg_opclass oc ON oc.oid = part.class
      JOIN pg_amop am ON am.amopfamily = oc.opcfamily AND am.amopstrategy = 3
        AND am.amoplefttype = oc.opcintype AND am.amoprighttype = oc.opcintype
      JOIN pg_operator o ON o.oid = am.amopopr
      JOIN pg_namespace os ON os.oid = o.oprnamespace
      WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL AND part.position <= i.indnkeyatts
      ORDER BY NOT i.indisprimary, i.indexrelid, part.position
      """, [.integer(table)])
    var order: [Int64] = []
    var columns: [Int64: [KeyColumn]] = [:]
    for row in found.namedRows {
      let index = try row.requiredInteger("indexrelid")
      if columns[index] == nil { order.append(index) }
      columns[index, default: []].append(
        KeyColumn(
          name: try row.required("attname"), equality: try row.required("equality"),
          otherCollation: try row.text("other_collation"),
          isInexact: try row.isTrue("is_inexact")))
    }
    return try order.map { index in
      let names = try connection.query(
        """
        SELECT relname FROM pg_class WHERE oid = $1 OR oid IN (
          SELECT relid FROM pg_partition_tree($1::oid::regclass))
        """, [.integer(index)])
      return UniqueKey(
        columns: columns[index] ?? [],
        indexNames: Set((0..<names.rowCount).compactMap { names.text($0, 0) }))
    }
  }
}

/// A column of a unique key.
struct KeyColumn: Sendable, Hashable {
  var name: String
  /// The operator by which the index compares, for SQL.
  var equality: String
  /// The collation of the index, when it is not the column's.
  var otherCollation: String?
  /// Whether text that differs may be equal by the index's collation.
  var isInexact: Bool
}

/// What was to be loaded is not a table.
struct NotATable: Error {
  var kind: String

  init(kind: String?) { self.kind = kind ?? "no table" }

  static let kinds = [
    "v": "view", "m": "materialized view", "i": "index", "I": "index", "S": "sequence",
    "c": "composite type",
  ]
}
