/// Prometheus's text format, version 0.0.4.
/// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
enum MetricText {
  static func render(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families where !family.samples.isEmpty {
      if let help = family.help {
        text += "# HELP \(family.name) \(escaped(help, quotes: false))\n"
      }
      text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      for sample in family.samples {
        text += family.name + sample.suffix
        if !sample.labels.isEmpty {
          let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
          text += "{\(labels.joined(separator: ","))}"
        }
        text += " \(number(sample.value))\n"
      }
    }
    return text
  }

  /// A whole number without a point.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Reads what ``render(_:)`` wrote; nil when the text is something else.
  static func parse(_ text: String) -> [MetricFamily]? {
    var families: [MetricFamily] = []
    var helps: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# HELP ") {
        let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1)
        if parts.count == 2 { helps[parts[0]] = unescaped(parts[1]) }
      } else if line.hasPrefix("# TYPE ") {
        let parts = line.dropFirst(7).split(separator: " ")
        guard parts.count == 2, let kind = MetricFamily.Kind(rawValue: String(parts[1])) else {
          return nil
        }
        var family = MetricFamily(name: String(parts[0]), kind: kind)
        family.help = helps[parts[0]] ?? family.help
        families.append(family)
      } else if !line.hasPrefix("#") {
        guard let last = families.indices.last,
          let sample = sample(line, family: families[last].name)
        else { return nil }
        families[last].samples.append(sample)
      }
    }
    return families
  }

  private static func sample(_ line: Substring, family: String) -> MetricSample? {
    let name = line.prefix { $0 != "{" && $0 != " " }
    guard name.hasPrefix(family) else { return nil }
    var rest = line[name.endIndex...]
    var labels: [MetricLabel] = []
    if rest.first == "{" {
      rest = rest.dropFirst()
      while rest.first != "}" {
        if rest.first == "," { rest = rest.dropFirst() }
        let label = rest.prefix { $0 != "=" }
        rest = rest[label.endIndex...].dropFirst()
        guard rest.first == "\"" else { return nil }
        rest = rest.dropFirst()
        var end = rest.startIndex
        while end < rest.endIndex, rest[end] != "\"" {
          if rest[end] == "\\" { end = rest.index(after: end) }
          guard end < rest.endIndex else { return nil }
          end = rest.index(after: end)
        }
        guard end < rest.endIndex else { return nil }
        labels.append(MetricLabel(name: String(label), value: unescaped(rest[..<end])))
        rest = rest[end...].dropFirst()
      }
      rest = rest.dropFirst()
    }
    guard let value = Double(rest.drop { $0 == " " }) else { return nil }
    return MetricSample(
      suffix: String(name.dropFirst(family.count)), labels: labels, value: value)
  }

  private static func unescaped(_ text: Substring) -> String {
    var result = ""
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if isEscaped {
        result.unicodeScalars.append(scalar == "n" ? "\n" : scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
