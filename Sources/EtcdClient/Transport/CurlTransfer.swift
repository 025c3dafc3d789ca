import CCurl

/// One request on its way through libcurl: owns the easy handle and everything the handle borrows.
///
/// Belongs to the transport's thread. libcurl calls back into it only inside `curl_multi_perform` on that thread.
final class CurlTransfer {
    let order: TransferOrder
    let easy: UnsafeMutableRawPointer
    /// What it was started with.
    let material: TLSMaterial?

    private let headers: UnsafeMutablePointer<curl_slist>?
    private let resolved: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    private var bodySent = 0
    private var bodyRequested = false
    private var received: [UInt8] = []
    private var statusReported = false
    private var headSize = 0
    private var date: String?
    /// Set when libcurl is told to end the transfer for it.
    private var excess: TransportFailure?

    /// Fails with libcurl's code when a handle or an option is refused.
    /// - Parameters:
    ///   - addresses: of the endpoint's host; none where the host is no name.
    ///   - sockets: those of all connections.
    init(
        order: TransferOrder, material: TLSMaterial?, addresses: [String], sockets: OpenSockets,
        now: ContinuousClock.Instant
    ) throws(CurlRefusal) {
        guard let easy = curl_easy_init() else { throw CurlRefusal(code: CURLE_FAILED_INIT) }
        self.order = order
        self.easy = easy
        self.material = material
        headers = Self.list(of: order.request.headers)
        resolved = Self.resolution(of: order.request.endpoint, addresses)
        errorText = .allocate(capacity: ccurl_error_size)
        errorText.initialize(repeating: 0, count: ccurl_error_size)
        try configure(now: now)
        try check(sockets.watch(easy))
        // Which of the connections libcurl would take cannot be told.
        if sockets.holdClosed { try set(CURLOPT_FRESH_CONNECT, 1) }
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        curl_slist_free_all(resolved)
        errorText.deallocate()
    }

    /// The status line's code; 0 before it has come.
    var status: Int { Int(information(CURLINFO_RESPONSE_CODE)) }

    var isStream: Bool {
        if case .stream = order.sink { true } else { false }
    }

    var isEncrypted: Bool { order.request.endpoint.scheme == .https }

    /// How many connections had to be opened for this transfer: 0 when one was used again.
    var openedConnections: Int { Int(information(CURLINFO_NUM_CONNECTS)) }

    func response() -> HTTPResponse { HTTPResponse(status: status, body: received, date: date) }

    func failure(_ code: CURLcode) -> TransportFailure {
        if let excess { return excess }
        if code == CURLE_OUT_OF_MEMORY || code == ccurl_too_large {
            // libcurl says so of a header that it does not want to keep.
            return TransportFailure(tooLarge: "a header of the answer", limit: Self.longestHeader)
        }
        if code == CURLE_SEND_FAIL_REWIND {
            return failure(.broken, "the server closed the connection without an answer")
        }
        let text = String(cString: errorText)
        let detail = text.isEmpty ? CurlLibrary.describe(code) : text
        return failure(CurlLibrary.reason(code, detail: detail), detail)
    }

    func failure(_ reason: TransportFailure.Reason, _ detail: String) -> TransportFailure {
        TransportFailure(reason: reason, mayHaveBeenSent: mayHaveBeenSent, detail: detail)
    }

    /// libcurl asks for the body once it is connected, TLS included. Until then nothing can have reached the server.
    private var mayHaveBeenSent: Bool {
        switch order.request.method {
        case .get: status != 0
        case .post: bodyRequested
        }
    }

    /// Reports the status of a stream whose answer has no body.
    func reportStatusIfNeeded() {
        guard case .stream(let buffer) = order.sink, !statusReported else { return }
        statusReported = true
        _ = buffer.offer(.status(status))
    }

    // MARK: What libcurl calls

    fileprivate func read(into buffer: UnsafeMutablePointer<CChar>, capacity: Int) -> Int {
        bodyRequested = true
        guard case .post(let body) = order.request.method else { return 0 }
        let count = min(capacity, body.count - bodySent)
        body.withUnsafeBytes { bytes in
            UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[bodySent..<bodySent + count]))
        }
        bodySent += count
        return count
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch order.sink {
        case .whole:
            guard received.count + bytes.count <= order.request.largestBody else {
                excess = TransportFailure(tooLarge: "the answer", limit: order.request.largestBody)
                return 0
            }
            received.append(contentsOf: bytes)
            return bytes.count
        case .stream(let buffer):
            reportStatusIfNeeded()
            return buffer.offer(.bytes(Array(bytes))) ? bytes.count : ccurl_writefunc_pause
        }
    }

    fileprivate func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
        let size = line.count
        headSize += size
        guard headSize <= order.request.largestHead else {
            excess = TransportFailure(tooLarge: "the head of the answer", limit: order.request.largestHead)
            return 0
        }
        if let value = Self.date(in: line) { date = value }
        return size
    }

    /// The value of a header `Date`; `nil` when the line is another one.
    private static func date(in line: UnsafeRawBufferPointer) -> String? {
        guard line.count < 64, line.count > dateName.count, zip(line, dateName).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
        else { return nil }
        let value = line.dropFirst(dateName.count).drop { $0 == UInt8(ascii: " ") }.prefix { $0 >= 0x20 }
        return String(decoding: value, as: UTF8.self)
    }

    /// Looked for in every line of every answer.
    private static let dateName = Array("date:".utf8)

    /// libcurl's CURL_MAX_HTTP_HEADER.
    private static let longestHeader = 100 << 10

    private func information(_ info: CURLINFO) -> Int {
        var value = 0
        return ccurl_easy_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }
}

/// libcurl would not take an option or make a handle.
struct CurlRefusal: Error {
    var code: CURLcode
}

extension CurlTransfer {
    private func configure(now: ContinuousClock.Instant) throws(CurlRefusal) {
        let request = order.request
        try set(CURLOPT_URL, request.endpoint.url + request.path)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        // A proxy taken from the environment has no business between a node and its etcd.
        try set(CURLOPT_PROXY, "")
        // No signals: the process's handlers and timers are not libcurl's.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_HTTP_VERSION, ccurl_http_version_1_1)
        try set(CURLOPT_BUFFERSIZE, 65536)
        // A peer that vanished without a word is noticed on idle streams too.
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_TCP_KEEPIDLE, 15)
        try set(CURLOPT_TCP_KEEPINTVL, 5)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.wholeMilliseconds)
        if let deadline = request.deadline {
            try set(CURLOPT_TIMEOUT_MS, now.duration(to: deadline).wholeMilliseconds)
        }
        // It replaces what libcurl knows of the host and keeps it from asking; certificates are still checked for the name.
        try check(ccurl_easy_set_list(easy, CURLOPT_RESOLVE, resolved))
        try check(ccurl_easy_set_list(easy, CURLOPT_HTTPHEADER, headers))
        try check(ccurl_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText))
        try configureTLS()
        try configureBody()
    }

    /// libcurl is handed what the files hold and not their names: it takes a connection for the same as long as the names
    /// are, whatever the files have become. Connections made with other contents are used for no new request.
    private func configureTLS() throws(CurlRefusal) {
        // At least. The system's own floor may be lower: it is a setting of OpenSSL's.
        try set(CURLOPT_SSLVERSION, ccurl_tls_1_2)
        // A session that is taken up again is not checked again.
        try set(CURLOPT_SSL_SESSIONID_CACHE, 0)
        try check(ccurl_easy_remember_no_authorities(easy))
        guard let material else { return }
        if let authority = material.authority {
            try set(CURLOPT_CAINFO_BLOB, authority)
            try check(ccurl_easy_set_string(easy, CURLOPT_CAPATH, nil))
        }
        if let certificate = material.certificate { try set(CURLOPT_SSLCERT_BLOB, certificate) }
        if let key = material.key { try set(CURLOPT_SSLKEY_BLOB, key) }
    }

    /// The body goes through a read callback without a seek callback, on purpose: when a connection that was used
    /// before dies without an answer, libcurl repeats the request on a new one by itself, and a write would happen
    /// twice. It cannot repeat a body that it cannot rewind: it gives up with CURLE_SEND_FAIL_REWIND instead.
    private func configureBody() throws(CurlRefusal) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try check(ccurl_easy_set_data_callback(easy, CURLOPT_WRITEFUNCTION, curlWrite))
        try check(ccurl_easy_set_pointer(easy, CURLOPT_WRITEDATA, context))
        try check(ccurl_easy_set_data_callback(easy, CURLOPT_HEADERFUNCTION, curlHeader))
        try check(ccurl_easy_set_pointer(easy, CURLOPT_HEADERDATA, context))
        guard case .post(let body) = order.request.method else { return }
        try set(CURLOPT_POST, 1)
        try check(ccurl_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
        try check(ccurl_easy_set_data_callback(easy, CURLOPT_READFUNCTION, curlRead))
        try check(ccurl_easy_set_pointer(easy, CURLOPT_READDATA, context))
    }

    private func set(_ option: CURLoption, _ value: Int) throws(CurlRefusal) {
        try check(ccurl_easy_set_long(easy, option, value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(CurlRefusal) {
        try check(ccurl_easy_set_string(easy, option, value))
    }

    private func set(_ option: CURLoption, _ bytes: [UInt8]) throws(CurlRefusal) {
        try check(bytes.withUnsafeBytes { ccurl_easy_set_bytes(easy, option, $0.baseAddress, $0.count) })
    }

    private func check(_ code: CURLcode) throws(CurlRefusal) {
        guard code == CURLE_OK else { throw CurlRefusal(code: code) }
    }

    /// `HOST:PORT:ADDRESS,…`
    private static func resolution(
        of endpoint: Endpoint, _ addresses: [String]
    ) -> UnsafeMutablePointer<curl_slist>? {
        guard !addresses.isEmpty else { return nil }
        let list = addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
        return curl_slist_append(nil, "\(endpoint.host):\(endpoint.port):\(list)")
    }

    /// `Expect: 100-continue`, which libcurl adds to large bodies, would cost a round trip: sent empty, it is left out.
    private static func list(of headers: [HTTPHeader]) -> UnsafeMutablePointer<curl_slist>? {
        headers.reduce(curl_slist_append(nil, "Expect:")) { list, header in
            curl_slist_append(list, "\(header.name): \(header.value)") ?? list
        }
    }
}

extension Duration {
    /// At least 1: libcurl takes 0 for "no limit".
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

/// A `curl_read_callback`.
private func curlRead(
    buffer: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let buffer, let context else { return ccurl_readfunc_abort }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.read(into: buffer, capacity: size * count)
}

/// The callback of CURLOPT_HEADERFUNCTION: each line of a head, one after the other.
private func curlHeader(
    buffer: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.takeHeader(UnsafeRawBufferPointer(start: buffer, count: size * count))
}

/// A `curl_write_callback`.
private func curlWrite(
    buffer: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.write(UnsafeRawBufferPointer(start: buffer, count: size * count))
}
