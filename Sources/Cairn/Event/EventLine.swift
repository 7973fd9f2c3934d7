extension Event {
  /// The event as `events.log` has it, without the line end. One without a time gets `now`.
  public func jsonLine(now: Int64 = RunEnvironment.live.now()) -> String {
    var line = JSONLine()
    var times = EventTime.Writer()
    line.append(self, timestamp: times.bytes(ofNanoseconds: time ?? now))
    return String(decoding: line.bytes.dropLast(), as: UTF8.self)
  }

  /// The event as `pipeline.log` has it, without the line end. One without a time gets `now`.
  public func textLine(now: Int64 = RunEnvironment.live.now()) -> String {
    var line = JSONLine()
    var times = EventTime.Writer()
    LogText.append(
      self, level: level, timestamp: times.bytes(ofNanoseconds: time ?? now), to: &line)
    return String(decoding: line.bytes.dropLast(), as: UTF8.self)
  }

  /// Reads a line of `events.log`; nil when it is torn or is no event.
  ///
  /// - Parameter now: The time of a line without one; nil when it must have one.
  public init?(jsonLine: String, now: Int64? = nil) {
    var text = jsonLine
    let event = text.withUTF8 { utf8 -> Event? in
      if let event = EventParser.event(utf8) { return event }
      guard let now, var object = EventParser.object(utf8), object["timestamp"] == nil else {
        return nil
      }
      object["timestamp"] = .text(EventTime.text(ofNanoseconds: now))
      var line = JSONLine()
      line.append(object)
      return line.bytes.withUnsafeBufferPointer(EventParser.event)
    }
    guard let event else { return nil }
    self = event
  }
}

extension EventValue {
  /// Reads a JSON value; what is none is a text.
  public init(json text: String) {
    var line = "{\"value\":" + text + "}"
    let value = line.withUTF8 { EventParser.object($0)?.pairs }
    // A text such as `1,"x":2` is one value, not two.
    if let value, value.count == 1, let only = value.first, only.name == "value" {
      self = only.value
    } else {
      self = .text(text)
    }
  }
}
