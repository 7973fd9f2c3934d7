internal import Logging

/// Entries of the log as lines for people.
///
/// `2025-10-07T20:43:53.622629Z INFO pipeline_20251007_204353 data_extraction stage_complete
/// (success) duration_seconds=0.148 rows=250`
enum LogText {
  static func append(
    _ event: Event, level: Logger.Level, timestamp: [UInt8], to line: inout JSONLine
  ) {
    begin(level: level, timestamp: timestamp, &line)
    word(event.pipelineID, &line)
    if let stage = event.stage { word(stage, &line) }
    word(event.type.rawValue, &line)
    line.literal(" (")
    line.bytes.append(contentsOf: event.status.rawValue.utf8)
    line.literal(")")
    end(event.metadata, &line)
  }

  static func append(_ record: LogRecord, timestamp: [UInt8], to line: inout JSONLine) {
    begin(level: record.level, timestamp: timestamp, &line)
    word(record.label, &line)
    line.literal(": ")
    plain(record.message, &line)
    end(record.metadata, &line)
  }

  /// A record as one JSON object, for consoles that are read by programs.
  static func appendJSON(_ record: LogRecord, timestamp: [UInt8], to line: inout JSONLine) {
    line.literal("{\"timestamp\":\"")
    line.bytes.append(contentsOf: timestamp)
    line.literal("\",\"level\":\"")
    line.bytes.append(contentsOf: record.level.rawValue.utf8)
    line.literal("\",\"logger\":")
    line.append(text: record.label)
    line.literal(",\"message\":")
    line.append(text: record.message)
    line.literal(",\"metadata\":")
    line.append(record.metadata)
    line.literal("}\n")
  }

  private static func begin(
    level: Logger.Level, timestamp: [UInt8], _ line: inout JSONLine
  ) {
    line.bytes.append(contentsOf: timestamp)
    line.literal(" ")
    line.bytes.append(contentsOf: level.rawValue.uppercased().utf8)
  }

  private static func end(_ metadata: EventMetadata, _ line: inout JSONLine) {
    for pair in metadata.pairs {
      word(pair.name, &line)
      line.literal("=")
      if case .text(let text) = pair.value, isWord(text) {
        line.bytes.append(contentsOf: text.utf8)
      } else {
        line.append(pair.value)
      }
    }
    line.literal("\n")
  }

  private static func word(_ text: String, _ line: inout JSONLine) {
    line.literal(" ")
    if isWord(text) {
      line.bytes.append(contentsOf: text.utf8)
    } else {
      line.append(text: text)
    }
  }

  /// A sentence, without quotes, but still on one line.
  private static func plain(_ text: String, _ line: inout JSONLine) {
    let start = line.bytes.count
    line.append(text: text)
    // Without the quotes around it; those inside need no escape here.
    line.bytes.removeLast()
    line.bytes.remove(at: start)
  }

  private static func isWord(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x5C && $0 < 0x7F }
  }
}

extension Event {
  /// The level at which the event's line stands in `pipeline.log`.
  var level: Logger.Level {
    switch status {
    case .error: .error
    case .warning: .warning
    case .success, .info: type.isFrequent ? .debug : .info
    }
  }
}
