import Synchronization

@testable import EtcdClient

/// A transport that sends nothing: keeps each request and answers from a script.
final class RecordingTransport: HTTPTransport {
    typealias Reply = @Sendable (HTTPRequest, _ number: Int) -> Result<HTTPResponse, TransportFailure>

    private let reply: Reply
    private let recorded = Mutex<[HTTPRequest]>([])

    init(_ reply: @escaping Reply) {
        self.reply = reply
    }

    /// Always the same answer, with status 200.
    convenience init(answering body: String) {
        self.init { _, _ in .success(HTTPResponse(status: 200, body: Array(body.utf8))) }
    }

    var requests: [HTTPRequest] { recorded.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPResponse {
        let number = recorded.withLock { recorded in
            recorded.append(request)
            return recorded.count
        }
        return try reply(request, number).get()
    }

    func open(_ request: HTTPRequest) -> any HTTPStream {
        recorded.withLock { $0.append(request) }
        return SilentStream()
    }

    func shutdown() async {}

    var statistics: TransportStatistics { TransportStatistics() }
}

private final class SilentStream: HTTPStream {
    func next() async throws(TransportFailure) -> HTTPStreamPart? { nil }
    func cancel() {}
}

extension HTTPRequest {
    var bodyText: String? {
        guard case .post(let body) = method else { return nil }
        return String(decoding: body, as: UTF8.self)
    }
}

extension EtcdClient {
    convenience init(
        over transport: RecordingTransport, endpoints: String = "a", credentials: EtcdCredentials? = nil
    ) throws {
        let configuration = EtcdConfiguration(endpoints: try Endpoint.parse(endpoints), credentials: credentials)
        self.init(configuration: configuration, transport: transport, logger: quietLogger)
    }
}

extension HTTPResponse {
    init(_ status: Int, _ body: String) {
        self.init(status: status, body: Array(body.utf8))
    }
}

/// Counts from 1.
final class TransferCounter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
