/// Finds the columns of a schema in its elements, which list the tree depth first.
struct SchemaColumns {
  /// A group with children to come.
  private struct Group {
    var childrenLeft: Int
    /// Where it is among the elements.
    var place: Int
    var name: String
    /// Whether the names of columns leave this group's out.
    var isUnnamed: Bool
    var definitionLevel = 0
    var repetitionLevel = 0
    /// Definition levels of the repeated fields from the root to here.
    var repeatedLevels: [Int] = []
  }

  private static let deepest = 64
  /// Bytes of all columns' names together. A group's name is part of its columns' names, so that
  /// these could be far longer than the footer.
  private static let mostNameBytes = 1 << 26
  /// Names of all columns' paths together, however short they are: each takes 16 bytes.
  private static let mostPathNames = 1 << 21

  private let elements: [SchemaElement]
  private var isUnnamed: [Bool]
  private var groups: [Group] = []
  private var columns: [(ColumnDescriptor, SchemaLeaf)] = []
  private var nameByteCount = 0
  private var pathNameCount = 0

  /// The columns of a schema, with their places in its tree.
  ///
  /// - Throws: ``ParquetError`` unless the elements are a tree of groups and typed leaves.
  static func find(
    in elements: [SchemaElement]
  ) throws(ParquetError) -> [(ColumnDescriptor, SchemaLeaf)] {
    var finder = SchemaColumns(elements)
    try finder.walk()
    return finder.columns
  }

  private init(_ elements: [SchemaElement]) {
    self.elements = elements
    isUnnamed = Array(repeating: false, count: elements.count)
    for place in elements.indices.dropFirst() { markInnerGroups(of: place) }
  }

  /// Marks the groups that a list or a map has inside only because the format needs them
  /// (LogicalTypes.md, "Lists", "Maps" and the rules for backward compatibility).
  private mutating func markInnerGroups(of place: Int) {
    guard let collection = elements[place].collection, elements[place].childCount == 1,
      place + 1 < elements.count, elements[place + 1].repetition == .repeated
    else { return }
    let repeated = elements[place + 1]
    isUnnamed[place + 1] = collection == .list || repeated.isGroup
    // In the old layouts the repeated group is the element, and a field of it keeps its name.
    guard collection == .list, repeated.isGroup, repeated.childCount == 1,
      place + 2 < elements.count, elements[place + 2].repetition != .repeated,
      repeated.name != "array", repeated.name != elements[place].name + "_tuple"
    else { return }
    isUnnamed[place + 2] = true
  }

  private mutating func walk() throws(ParquetError) {
    guard let root = elements.first else {
      throw ParquetError(.malformed, expected: "a schema", found: "none")
    }
    groups = [Group(childrenLeft: root.childCount ?? 0, place: 0, name: "", isUnnamed: true)]
    for place in elements.indices.dropFirst() {
      let element = elements[place]
      while groups.last?.childrenLeft == 0 { groups.removeLast() }
      guard let parent = groups.last else {
        throw element.error(
          expected: "as many schema elements as groups have children", found: "more")
      }
      groups[groups.count - 1].childrenLeft -= 1
      guard let repetition = element.repetition else {
        throw element.error(expected: "a repetition type", found: "none")
      }
      var group = Group(
        childrenLeft: element.childCount ?? 0, place: place, name: element.name,
        isUnnamed: isUnnamed[place],
        definitionLevel: parent.definitionLevel + (repetition == .required ? 0 : 1),
        repetitionLevel: parent.repetitionLevel, repeatedLevels: parent.repeatedLevels)
      if repetition == .repeated {
        group.repetitionLevel += 1
        group.repeatedLevels.append(group.definitionLevel)
      }
      if element.isGroup {
        guard groups.count < Self.deepest else {
          throw element.error(
            .limitExceeded, expected: "at most \(Self.deepest) groups in each other", found: "more")
        }
        groups.append(group)
      } else {
        try addColumn(element, group)
      }
    }
    if let short = groups.last(where: { $0.childrenLeft != 0 }) {
      var error = elements[short.place].error(
        expected: "as many schema elements as groups have children", found: "fewer")
      if short.place == 0 { error.column = nil }
      throw error
    }
  }

  /// - Parameter place: Where the column is in the tree.
  private mutating func addColumn(
    _ element: SchemaElement, _ place: Group
  ) throws(ParquetError) {
    guard let type = element.physicalType, element.childCount ?? 0 == 0 else {
      throw element.error(
        expected: "a physical type or a number of children, not both",
        found: element.physicalType == nil ? "neither" : "both")
    }
    if type == .fixedLengthByteArray, element.typeLength ?? 0 < 1 {
      throw element.error(
        expected: "a fixed length of at least 1",
        found: element.typeLength.map { "\($0)" } ?? "none")
    }
    let fixedLength = type == .fixedLengthByteArray ? element.typeLength : nil
    if let logical = element.logicalType, !logical.fits(type, length: fixedLength) {
      throw element.error(
        expected: "a logical type that \(type) can hold", found: "\(logical)")
    }
    let nodes = groups.dropFirst() + [place]
    pathNameCount += nodes.count
    guard pathNameCount <= Self.mostPathNames else {
      throw element.error(
        .limitExceeded, expected: "at most \(Self.mostPathNames) names in all columns' paths",
        found: "more")
    }
    nameByteCount += nodes.reduce(0) { $0 + $1.name.utf8.count + 1 }
    guard nameByteCount <= Self.mostNameBytes else {
      throw element.error(
        .limitExceeded, expected: "at most \(Self.mostNameBytes) bytes of column names",
        found: "more")
    }
    let path = nodes.map(\.name)
    // Lists in lists keep all names: they cannot be read, and none of their names is a column's.
    let isNested = place.repetitionLevel > 1
    let names = isNested ? path : nodes.filter { !$0.isUnnamed }.map(\.name)
    columns.append(
      (
        ColumnDescriptor(
          name: names.joined(separator: "."), physicalType: type,
          logicalType: element.logicalType,
          isOptional: place.definitionLevel > place.repeatedLevels.last ?? 0,
          fixedLength: fixedLength,
          list: place.repeatedLevels.first.map { ListShape(isOptional: $0 > 1) }),
        SchemaLeaf(
          path: path, maxDefinitionLevel: place.definitionLevel,
          maxRepetitionLevel: place.repetitionLevel,
          elementDefinitionLevel: place.repeatedLevels.first ?? 0)
      ))
  }
}

extension SchemaElement {
  /// Whether it has children, or could: it has no values of its own.
  fileprivate var isGroup: Bool { childCount != nil && physicalType == nil }
}
