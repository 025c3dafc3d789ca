/// One connection to a plugin's socket, kept open over several calls as dockerd does, or misused as it does not.
///
/// Not copyable: it is closed when its owner goes.
public struct PluginConnection: ~Copyable {
    private let connection: UnixConnection
    private var arrived: [UInt8] = []

    /// - Throws: ``ConnectionFailure``.
    public init(to socket: String, within limit: Duration = .seconds(5)) async throws {
        connection = try await UnixConnection(to: socket, by: .now + limit)
    }

    /// Sends bytes as they are: half a request, two at once, or none of HTTP at all.
    public func send(_ bytes: [UInt8], within limit: Duration = .seconds(10)) async throws {
        try await connection.send(bytes, by: .now + limit)
    }

    /// Waits for the next whole answer.
    ///
    /// - Throws: ``ConnectionFailure``; ``ConnectionFailure/closedWithoutAnswer`` when the plugin hung up instead.
    public mutating func receive(within limit: Duration = .seconds(60)) async throws -> HTTPAnswer {
        let deadline = ContinuousClock.now + limit
        while true {
            if let answer = try HTTPAnswer.take(from: &arrived) { return answer }
            let more = try await connection.receive(by: deadline)
            guard !more.isEmpty else { throw ConnectionFailure.closedWithoutAnswer }
            arrived += more
        }
    }

    /// Sends a request and waits for its answer.
    public mutating func exchange(
        _ request: [UInt8], within limit: Duration = .seconds(60)
    ) async throws -> HTTPAnswer {
        try await send(request, within: limit)
        return try await receive(within: limit)
    }

    /// Says that nothing more will be sent, without closing.
    public func finishSending() {
        connection.finishSending()
    }
}
