import Testing

@testable import Parquet

/// Which columns a schema's groups are, by the layouts of LogicalTypes.md, "Lists" and "Maps".
@Suite struct ListLayoutTests {
  typealias Node = HandmadeFile.Node

  struct Layout: Sendable {
    var columns: [String]
    var make: @Sendable () -> Node
  }

  /// A column, whether its rows may lack a list (`?` before), and its elements a value (`?` after).
  private static func describe(_ column: ColumnDescriptor, _ leaf: SchemaLeaf) -> String {
    let depth = String(repeating: "*", count: leaf.maxRepetitionLevel)
    let list = column.list.map { $0.isOptional ? "?" : "" } ?? ""
    return list + depth + column.name + (column.isOptional ? "?" : "")
  }

  static let layouts: [Layout] = [
    // Three levels.
    Layout(columns: ["*a"]) {
      .group("a", .required, .list, [.group("list", .repeated, [.leaf("element", .required)])])
    },
    Layout(columns: ["?*a?"]) {
      .group("a", .optional, .list, [.group("bag", .repeated, [.leaf("array_element", .optional)])])
    },
    // The repeated field is no group: its type is the element's, which is required.
    Layout(columns: ["?*a"]) { .group("a", .optional, .list, [.leaf("element", .repeated)]) },
    // A group with several fields: it is the element.
    Layout(columns: ["?*a.s", "?*a.n?"]) {
      .group(
        "a", .optional, .list,
        [.group("element", .repeated, [.leaf("s", .required), .leaf("n", .optional)])])
    },
    // One field, but the name says that the group is the element.
    Layout(columns: ["?*a.s"]) {
      .group("a", .optional, .list, [.group("array", .repeated, [.leaf("s", .required)])])
    },
    Layout(columns: ["?*a.s"]) {
      .group("a", .optional, .list, [.group("a_tuple", .repeated, [.leaf("s", .required)])])
    },
    // Not that name: three levels.
    Layout(columns: ["?*a"]) {
      .group("a", .optional, .list, [.group("b_tuple", .repeated, [.leaf("s", .required)])])
    },
    // One field that is repeated: the group is the element, so this is a list of lists.
    Layout(columns: ["**a.array.array"]) {
      .group(
        "a", .required, .list, [.group("array", .repeated, .list, [.leaf("array", .repeated)])])
    },
    // A list of groups.
    Layout(columns: ["?*a.x?", "?*a.y?"]) {
      .group(
        "a", .optional, .list,
        [
          .group(
            "list", .repeated,
            [.group("element", .optional, [.leaf("x", .required), .leaf("y", .optional)])])
        ])
    },
    // No annotation: a required list of required elements, and a group that is just a group.
    Layout(columns: ["*a"]) { .leaf("a", .repeated) },
    Layout(columns: ["?*a.b.c", "?*a.b.d?"]) {
      .group(
        "a", .optional,
        [.group("b", .repeated, [.leaf("c", .required), .leaf("d", .optional)])])
    },
    // Maps.
    Layout(columns: ["?*m.key", "?*m.value?"]) {
      .group(
        "m", .optional, .map,
        [.group("key_value", .repeated, [.leaf("key", .required), .leaf("value", .optional)])])
    },
    Layout(columns: ["?*m.str", "?*m.num"]) {
      .group(
        "m", .optional, .map,
        [
          .group(
            "map", .repeated, .mapKeyValue, [.leaf("str", .required), .leaf("num", .required)])
        ])
    },
    Layout(columns: ["*m.key", "*m.value?"]) {
      .group(
        "m", .required, .mapKeyValue,
        [.group("map", .repeated, [.leaf("key", .required), .leaf("value", .optional)])])
    },
    Layout(columns: ["*m.key"]) {
      .group("m", .required, .map, [.group("key_value", .repeated, [.leaf("key", .required)])])
    },
    // Within groups that may be missing.
    Layout(columns: ["?*g.a"]) {
      .group(
        "g", .optional,
        [.group("a", .required, .list, [.group("list", .repeated, [.leaf("element", .required)])])])
    },
    Layout(columns: ["g.n?", "g.r"]) {
      .group("g", .required, [.leaf("n", .optional), .leaf("r", .required)])
    },
    // Annotations that no layout has mean nothing.
    Layout(columns: ["a.x", "a.y"]) {
      .group("a", .required, .list, [.leaf("x", .required), .leaf("y", .required)])
    },
    Layout(columns: ["a.list.x"]) {
      .group("a", .required, .list, [.group("list", .required, [.leaf("x", .required)])])
    },
  ]

  @Test(arguments: layouts.indices) func layout(index: Int) throws {
    let layout = Self.layouts[index]
    let root = Node(name: "schema", children: [layout.make()])
    let columns = try SchemaColumns.find(in: root.elements)
    #expect(columns.map(Self.describe) == layout.columns)
  }

  @Test func longNamesOfManyColumnsAreRefused() throws {
    // A megabyte of footer that would become a terabyte of names.
    let leaves = (0..<100_000).map { _ in Node.leaf("x", .required) }
    let root = Node(
      name: "schema",
      children: [.group(String(repeating: "n", count: 500_000), .required, leaves)])
    #expect {
      try SchemaColumns.find(in: root.elements)
    } throws: { error in
      (error as? ParquetError)?.kind == .limitExceeded
    }
  }
}
