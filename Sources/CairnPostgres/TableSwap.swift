import Cairn

/// Puts a shadow table in the place of its target, which is dropped: with its owner, grants, policies,
/// foreign keys of both directions, publications, comments, sequences and settings, and under the
/// names that its indexes had.
///
/// All of that is read from the catalog as statements first, while the old table is there, and
/// executed under its name after it is gone.
struct TableSwap {
  let shape: TargetShape
  let shadow: ShadowTable

  /// Why a table cannot be swapped by a shadow, or nil when it can: something depends on it that would
  /// stay with the old table, or has a property that cannot be told from the catalog by statements.
  static func obstacle(to shape: TargetShape, on connection: Connection) throws -> String? {
    let found = try connection.query(
      """
      SELECT CASE
        WHEN c.relkind <> 'r' OR c.relpersistence <> 'p' OR c.relispartition OR c.reloftype <> 0
          THEN 'it is no plain, logged table'
        WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN 'this role does not own it'
        WHEN EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent))
          THEN 'other tables inherit from it, or it from them'
        WHEN EXISTS (SELECT FROM pg_statistic_ext e WHERE e.stxrelid = c.oid)
          OR EXISTS (SELECT FROM pg_seclabel l WHERE l.objoid = c.oid
            AND l.classoid = 'pg_class'::regclass)
          THEN 'it has extended statistics or security labels'
        WHEN EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND NOT x.indisvalid)
          THEN 'it has an index that is being built'
        WHEN EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantor <> c.relowner)
          OR EXISTS (SELECT FROM pg_attribute b, aclexplode(b.attacl) a
            WHERE b.attrelid = c.oid AND a.grantor <> c.relowner)
          THEN 'others than its owner have granted rights on it'
        WHEN EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f'
            AND f.conrelid <> c.oid AND (f.conparentid <> 0 OR NOT pg_has_role(
              (SELECT k.relowner FROM pg_class k WHERE k.oid = f.conrelid), 'USAGE')
              OR (SELECT k.relkind FROM pg_class k WHERE k.oid = f.conrelid) <> 'r'))
          THEN 'a partitioned table, or one of another owner, refers to it'
        WHEN EXISTS (SELECT FROM pg_publication_rel p JOIN pg_publication u ON u.oid = p.prpubid
            WHERE p.prrelid = c.oid AND NOT pg_has_role(u.pubowner, 'USAGE'))
          THEN 'another role''s publication has it'
        WHEN EXISTS (SELECT FROM pg_publication_rel p, to_jsonb(p) j WHERE p.prrelid = c.oid
            AND (j ->> 'prattrs' IS NOT NULL OR j ->> 'prqual' IS NOT NULL))
          THEN 'a publication has some columns or rows of it'
        WHEN EXISTS (
          SELECT FROM pg_depend d
          WHERE d.deptype <> 'i'
            AND ((d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
              OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (
                c.reltype, (SELECT t.typarray FROM pg_type t WHERE t.oid = c.reltype))))
            AND NOT CASE d.classid
              WHEN 'pg_class'::regclass THEN EXISTS (
                SELECT FROM pg_index x WHERE x.indexrelid = d.objid AND x.indrelid = c.oid)
                OR (d.deptype = 'a' AND EXISTS (
                  SELECT FROM pg_class q WHERE q.oid = d.objid AND q.relkind = 'S'))
              WHEN 'pg_constraint'::regclass THEN EXISTS (
                SELECT FROM pg_constraint k WHERE k.oid = d.objid
                  AND (k.conrelid = c.oid OR (k.confrelid = c.oid AND k.contype = 'f')))
              WHEN 'pg_attrdef'::regclass THEN EXISTS (
                SELECT FROM pg_attrdef k WHERE k.oid = d.objid AND k.adrelid = c.oid)
              WHEN 'pg_trigger'::regclass THEN EXISTS (
                SELECT FROM pg_trigger k WHERE k.oid = d.objid
                  AND (k.tgrelid = c.oid OR k.tgisinternal))
              WHEN 'pg_policy'::regclass THEN EXISTS (
                SELECT FROM pg_policy k WHERE k.oid = d.objid AND k.polrelid = c.oid)
              WHEN 'pg_publication_rel'::regclass THEN true
              ELSE false END)
          THEN 'views, functions or the like depend on it'
        END
      FROM pg_class c WHERE c.oid = $1
      """, [.integer(shape.oid)])
    guard found.rowCount == 1 else { return "it is gone" }
    return found.text(0, 0)
  }

  /// Swaps, in the transaction that is open, with the target locked against everybody.
  func run(on connection: Connection) throws {
    // The server writes names in full when it searches no schema.
    try connection.execute("SET LOCAL search_path = ''")
    let target = shape.name.sql
    let parameters: [Parameter] = [.integer(shape.oid), .text(target)]
    func statements(_ sql: String, _ parameters: [Parameter]) throws -> [String] {
      let found = try connection.query(sql, parameters)
      return (0..<found.rowCount).compactMap { found.text($0, 0) }
    }
    let incoming = try connection.query(
      """
      SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
          pg_get_constraintdef(oid))
      FROM pg_constraint
      WHERE confrelid = $1 AND conrelid <> $1 AND contype = 'f' ORDER BY oid
      """, [parameters[0]])
    let indexes = try connection.query(
      """
      SELECT x.indexrelid, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
      WHERE x.indrelid = $1
      """, [parameters[0]])
    let identities = try connection.query(
      """
      SELECT o.relname, format('%I.%I', n.nspname, s.relname), format_type(q.seqtypid, NULL)
      FROM pg_attribute a
      JOIN pg_class o
        ON o.oid = pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass
      JOIN pg_sequence q ON q.seqrelid = o.oid
      JOIN pg_class s ON s.oid = pg_get_serial_sequence($2::text, a.attname)::regclass
      JOIN pg_namespace n ON n.oid = s.relnamespace
      WHERE a.attrelid = $1 AND a.attidentity <> '' AND NOT a.attisdropped
      """, [parameters[0], .text(shadow.name.sql)])
    // The owner first: a sequence has its table's, and what is granted is granted by it.
    let handovers =
      try statements(Self.ownership, [parameters[0], .text(shadow.name.sql)])
      + statements(Self.ownedSequences, [parameters[0], .text(shadow.name.sql)])
    let properties = try Self.properties.flatMap { sql in
      // The server wants to know the type of every parameter, so none is given that is not used.
      try statements(sql, sql.contains("$2") ? parameters : [parameters[0]])
    }

    for row in 0..<incoming.rowCount { try connection.execute(incoming.text(row, 0) ?? "") }
    for statement in handovers { try connection.execute(statement) }
    let old = "\(shadow.name.name)_old"
    try connection.execute("ALTER TABLE \(target) RENAME TO \(old.quotedIdentifier)")
    try connection.execute(
      "ALTER TABLE \(shadow.name.sql) RENAME TO \(shape.name.name.quotedIdentifier)")
    try connection.execute("DROP TABLE \(QualifiedName(schema: shape.name.schema, name: old).sql)")
    for row in 0..<indexes.rowCount {
      let index = QualifiedName(
        schema: shape.name.schema, name: shadow.indexName(indexes.integer(row, 0) ?? 0))
      try connection.execute(
        "ALTER INDEX \(index.sql) RENAME TO \((indexes.text(row, 1) ?? "").quotedIdentifier)")
    }
    for row in 0..<identities.rowCount {
      let sequence = identities.text(row, 1) ?? ""
      // LIKE makes every such sequence a bigint.
      try connection.execute("ALTER SEQUENCE \(sequence) AS \(identities.text(row, 2) ?? "bigint")")
      try connection.execute(
        "ALTER SEQUENCE \(sequence) RENAME TO "
          + (identities.text(row, 0) ?? "").quotedIdentifier)
    }
    // What was granted by default to the new table is not what the old one had.
    for statement in try statements(Self.revocations, [.text(target)]) {
      try connection.execute(statement)
    }
    for statement in properties { try connection.execute(statement) }
    for row in 0..<incoming.rowCount { try connection.execute(incoming.text(row, 1) ?? "") }
  }

  /// Sequences of `serial` columns, which the new table's defaults use as well ($2: the shadow).
  private static let ownedSequences = """
    SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, $2::text, a.attname)
    FROM pg_depend d
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
      AND d.refobjid = $1 AND d.deptype = 'a'
    """

  private static let revocations = """
    SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', $1::text,
      CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = to_regclass($1)
    """

  /// The owner ($2: the shadow).
  private static let ownership = """
    SELECT format('ALTER TABLE %s OWNER TO %I', $2::text, pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = $1 AND pg_get_userbyid(relowner) <> current_user
    """

  /// Queries for the statements that give a table named $2 what the table $1 has.
  private static let properties = [
    """
    SELECT format('REVOKE ALL ON %s FROM %I', $2::text, pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = $1 AND relacl IS NOT NULL
    """,
    """
    SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, $2::text,
      CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
      CASE WHEN a.is_grantable AND a.grantee <> c.relowner THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1
    """,
    """
    SELECT format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, b.attname, $2::text,
      CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
      CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_attribute b, aclexplode(b.attacl) a WHERE b.attrelid = $1 AND NOT b.attisdropped
    """,
    // Row-level security.
    """
    SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', polname, $2::text,
      CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
        WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END,
        ', ') FROM unnest(polroles) r),
      ' USING (' || pg_get_expr(polqual, polrelid) || ')',
      ' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')')
    FROM pg_policy WHERE polrelid = $1
    """,
    """
    SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', $2::text, what)
    FROM pg_class, LATERAL (VALUES (relrowsecurity, 'ENABLE'), (relforcerowsecurity, 'FORCE'))
      v (isset, what)
    WHERE oid = $1 AND isset
    """,
    // Settings of the table and its columns.
    """
    SELECT format('ALTER TABLE %s SET (%s)', $2::text, string_agg(
      format('%I = %L', split_part(o, '=', 1), substring(o FROM position('=' IN o) + 1)), ', '))
    FROM pg_class, unnest(reloptions) o WHERE oid = $1 HAVING count(*) > 0
    """,
    """
    SELECT format('ALTER TABLE %s SET (%s)', $2::text, string_agg(
      format('toast.%I = %L', split_part(o, '=', 1),
        substring(o FROM position('=' IN o) + 1)), ', '))
    FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid, unnest(t.reloptions) o
    WHERE c.oid = $1 HAVING count(*) > 0
    """,
    """
    SELECT format('ALTER TABLE %s ALTER %I SET STATISTICS %s', $2::text, attname, attstattarget)
    FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
      AND attstattarget >= 0
    """,
    """
    SELECT format('ALTER TABLE %s ALTER %I SET (%s)', $2::text, attname,
      array_to_string(attoptions, ', '))
    FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
      AND attoptions IS NOT NULL
    """,
    """
    SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', $2::text,
      CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE
        format('USING INDEX %I', (SELECT i.relname FROM pg_index x
          JOIN pg_class i ON i.oid = x.indexrelid
          WHERE x.indrelid = c.oid AND x.indisreplident)) END)
    FROM pg_class c WHERE oid = $1 AND relreplident <> 'd'
    """,
    """
    SELECT format('ALTER TABLE %s CLUSTER ON %I', $2::text, i.relname)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indrelid = $1 AND x.indisclustered
    """,
    """
    SELECT format('ALTER TABLE %s SET TABLESPACE %I', $2::text, s.spcname)
    FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE c.oid = $1
    """,
    // Publications that list the table; what has some columns or rows of it is an obstacle.
    """
    SELECT format('ALTER PUBLICATION %I ADD TABLE %s', u.pubname, $2::text)
    FROM pg_publication_rel p JOIN pg_publication u ON u.oid = p.prpubid WHERE p.prrelid = $1
    """,
    // Comments; those of columns and check constraints came with the shadow.
    """
    SELECT format('COMMENT ON TABLE %s IS %L', $2::text, obj_description($1, 'pg_class'))
    WHERE obj_description($1, 'pg_class') IS NOT NULL
    """,
    """
    SELECT format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, $2::text,
      obj_description(oid, 'pg_constraint'))
    FROM pg_constraint
    WHERE conrelid = $1 AND obj_description(oid, 'pg_constraint') IS NOT NULL
    """,
    """
    SELECT format('COMMENT ON INDEX %s IS %L', x.indexrelid::regclass,
      obj_description(x.indexrelid, 'pg_class'))
    FROM pg_index x
    WHERE x.indrelid = $1 AND obj_description(x.indexrelid, 'pg_class') IS NOT NULL
    """,
    """
    SELECT format('COMMENT ON TRIGGER %I ON %s IS %L', tgname, $2::text,
      obj_description(oid, 'pg_trigger'))
    FROM pg_trigger
    WHERE tgrelid = $1 AND NOT tgisinternal AND obj_description(oid, 'pg_trigger') IS NOT NULL
    """,
    """
    SELECT format('COMMENT ON POLICY %I ON %s IS %L', polname, $2::text,
      obj_description(oid, 'pg_policy'))
    FROM pg_policy WHERE polrelid = $1 AND obj_description(oid, 'pg_policy') IS NOT NULL
    """,
  ]
}
