/// What the client needs of HTTP: one request with one whole answer, and one request whose answer keeps coming.
///
/// The transport knows nothing of etcd. It neither retries nor follows anything: a request is sent at most once.
protocol HTTPTransport: Sendable {
    /// Sends `request` and waits for the whole answer, whatever its status.
    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPResponse

    /// Sends `request` and returns at once. What comes back is read from the stream; letting go of the stream ends it.
    func open(_ request: HTTPRequest) -> any HTTPStream

    /// Ends every transfer and waits until all resources are freed.
    func shutdown() async

    var statistics: TransportStatistics { get }
}

/// An answer that arrives bit by bit. One reader at a time.
protocol HTTPStream: AnyObject, Sendable {
    /// The next part, or nil when the server has ended the answer in good order.
    func next() async throws(TransportFailure) -> HTTPStreamPart?

    /// Takes the transfer out of the transport. Does nothing when it has ended already.
    func cancel()
}

enum HTTPStreamPart: Sendable, Equatable {
    /// Always the first part.
    case status(Int)
    case bytes([UInt8])
}

struct HTTPRequest: Sendable {
    enum Method: Sendable {
        case get
        case post([UInt8])
    }

    var endpoint: Endpoint
    var method: Method
    /// Starts with a slash.
    var path: String
    var headers: [HTTPHeader] = []
    /// When the whole exchange has to be over. A stream has none.
    var deadline: ContinuousClock.Instant?
    /// How long connecting may take, TLS included.
    var connectTimeout: Duration
    /// Status lines, headers and trailers together.
    var largestHead = AnswerLimits().headerBytes
    /// A stream is read bit by bit and has none.
    var largestBody = AnswerLimits().answerBytes
}

struct HTTPHeader: Sendable, Equatable {
    var name: String
    var value: String
}

struct HTTPResponse: Sendable {
    var status: Int
    var body: [UInt8]
    /// The header `Date`, as it came.
    var date: String?
}

/// Why an exchange did not come to its end.
struct TransportFailure: Error, Sendable, Equatable {
    enum Reason: Sendable, Equatable {
        /// No connection: refused, unreachable, no such host.
        case connecting
        /// The server's certificate, ours, or the handshake.
        case tls
        case timedOut
        case cancelled
        /// The connection ended in the middle, or what came was not HTTP.
        case broken
        /// The answer is larger than the request allows.
        case tooLarge
        /// The transport has been shut down.
        case closed
        /// libcurl refused the request itself; nothing has been sent.
        case misconfigured
    }

    var reason: Reason
    /// False only when it is certain that no byte of the request's body has reached the network.
    var mayHaveBeenSent: Bool
    /// libcurl's own words.
    var detail: String
}

extension TransportFailure {
    /// - Parameter what: completes the sentence "… is larger than 8 MiB".
    init(tooLarge what: String, limit: Int) {
        self.init(
            reason: .tooLarge, mayHaveBeenSent: true,
            detail: "\(what) is larger than \(AnswerLimits.words(limit)), the largest that the client accepts")
    }
}

/// Counters of a client's transport, for metrics, and for tests that check that nothing is left behind.
public struct TransportStatistics: Sendable, Equatable {
    /// Requests and watches that are running or waiting for a free connection.
    public var activeTransfers = 0
    /// Connections opened since the client was made: far fewer than requests, because the client reuses connections.
    public var openedConnections = 0
    /// Transfers that have ended, with or without success.
    public var finishedTransfers = 0

    public init() {}
}
