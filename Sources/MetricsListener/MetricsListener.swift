import LocalHTTP
import Logging

/// `GET /metrics` on a TCP port, for a Prometheus that cannot read a unix socket. Nothing else is served there.
package struct MetricsListener: Sendable {
    private let server: LocalServer<MetricsPage>

    /// - Parameters:
    ///   - host: a numeric address, without brackets.
    ///   - token: what each client has to show (`Authorization: Bearer …`), asked at each request; `nil` where nobody has to show
    ///     anything.
    ///   - text: what the client gets.
    package init(
        host: String, port: Int, token: (@Sendable () throws -> String)?, text: @escaping @Sendable () async -> String,
        logger: Logger
    ) {
        server = LocalServer(
            endpoint: .tcp(host: host, port: port), budget: .seconds(10), maximumBodySize: 1024,
            service: MetricsPage(token: token, text: text), logger: logger)
    }

    /// Serves until the task is cancelled.
    /// - Throws: `SocketError` when the port cannot be had, or fails later.
    package func run() async throws { try await server.run() }
}

/// What the port answers.
struct MetricsPage: LocalService {
    let token: (@Sendable () throws -> String)?
    let text: @Sendable () async -> String

    func take(_ request: Request) -> Taken<MetricsCall> {
        guard request.target.uri.prefix(while: { $0 != "?" }) == "/metrics" else {
            return .answered(.plain(.notFound, "There is /metrics here, and nothing else."))
        }
        guard request.target.method == "GET" else {
            return .answered(.plain(.methodNotAllowed, "/metrics is read with GET.", allow: "GET"))
        }
        return .call(MetricsCall(page: self, shown: BearerToken.shown(in: request.authorization)))
    }

    func refuse(_ fault: RequestFault, of target: RequestTarget?) -> Answer {
        switch fault {
        case .tooLarge: .plain(.payloadTooLarge, "A request for metrics has no body.")
        case .notHTTP: .plain(.badRequest, "That is no HTTP.")
        }
    }
}

/// One scrape.
struct MetricsCall: LocalCall {
    let page: MetricsPage
    /// The token that the client has shown.
    let shown: String?

    func perform() async -> Answer {
        if let token = page.token {
            // The file is read each time: a new token needs no restart.
            guard let expected = try? token() else {
                return .plain(.serviceUnavailable, "The file of METRICS_TOKEN_FILE cannot be read on this node.")
            }
            guard BearerToken.isSame(shown, as: expected) else {
                return .plain(
                    .unauthorized, "This needs the token that is in METRICS_TOKEN_FILE.", challenge: "Bearer")
            }
        }
        return .reply(
            Reply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(await page.text().utf8)))
    }

    func answer(to ending: Answer) -> Answer { ending }

    func timeOutAnswer(after budget: Duration) -> Answer {
        .plain(.serviceUnavailable, "The metrics are still being collected.")
    }

    func isUndone(unheard ending: Answer) -> Bool { false }

    func undo(_ ending: Answer, because why: CallProgress.Abandonment) async {}

    func note(_ event: CallEvent<Answer>, after elapsed: Duration) {}
}

extension Answer {
    fileprivate static func plain(
        _ status: Reply.Status, _ text: String, allow: String? = nil, challenge: String? = nil
    ) -> Answer {
        .reply(
            Reply(
                status: status, contentType: "text/plain; charset=utf-8", allow: allow, challenge: challenge,
                body: Array((text + "\n").utf8)))
    }
}
