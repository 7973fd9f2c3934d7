import CCurl

/// One transfer's settings and its answer. Not shared between threads.
struct CurlHandle: ~Copyable {
  private let handle: UnsafeMutableRawPointer
  private var lists: [UnsafeMutablePointer<curl_slist>] = []

  private static let isStarted = cairn_curl_start() == CURLE_OK

  /// Nil when libcurl cannot work here.
  init?() {
    guard Self.isStarted, let handle = curl_easy_init() else { return nil }
    self.handle = handle
    // Time-outs would need a signal handler otherwise.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    set(CURLOPT_FOLLOWLOCATION, 0)
    cairn_curl_set_writing(handle) { _, size, count, _ in size * count }
    cairn_curl_leave_lookups(handle)
  }

  deinit {
    curl_easy_cleanup(handle)
    for list in lists { curl_slist_free_all(list) }
  }

  func allowHTTP() { cairn_curl_allow_http(handle) }
  func allowSMTP() { cairn_curl_allow_smtp(handle) }

  func set(_ option: CURLoption, _ number: Int) { cairn_curl_set_number(handle, option, number) }

  func set(_ option: CURLoption, _ text: String) { cairn_curl_set_text(handle, option, text) }

  mutating func set(_ option: CURLoption, list texts: [String]) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts { list = curl_slist_append(list, text) }
    if let list { lists.append(list) }
    cairn_curl_set_list(handle, option, list)
  }

  /// Transfers, with `upload` as the body to send, if there is one.
  func perform(upload: String? = nil, timeout: Duration) -> CurlAnswer {
    set(CURLOPT_TIMEOUT_MS, max(1, Int(timeout / .milliseconds(1))))
    guard let upload else { return answer(curl_easy_perform(handle)) }
    var bytes = Array(upload.utf8)
    return bytes.withUnsafeMutableBytes { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      return withUnsafeMutablePointer(to: &rest) { rest in
        set(CURLOPT_UPLOAD, 1)
        cairn_curl_set_reading(
          handle,
          { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let rest = context.assumingMemoryBound(to: UnsafeRawBufferPointer.self)
            let part = rest.pointee.prefix(size * count)
            UnsafeMutableRawBufferPointer(start: buffer, count: size * count).copyMemory(
              from: UnsafeRawBufferPointer(rebasing: part))
            rest.pointee = UnsafeRawBufferPointer(rebasing: rest.pointee.dropFirst(part.count))
            return part.count
          }, rest)
        return answer(curl_easy_perform(handle))
      }
    }
  }

  private func answer(_ code: CURLcode) -> CurlAnswer {
    CurlAnswer(
      code: code, status: cairn_curl_get_number(handle, CURLINFO_RESPONSE_CODE),
      systemError: Int32(truncatingIfNeeded: cairn_curl_get_number(handle, CURLINFO_OS_ERRNO)))
  }
}

/// How a transfer ended.
struct CurlAnswer {
  let code: CURLcode
  /// The last status that the server sent, or 0.
  let status: Int
  /// The system's error, or 0.
  let systemError: Int32
}
