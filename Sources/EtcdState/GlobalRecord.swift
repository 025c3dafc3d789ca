import EtcdClient
import VolumeCore

/// The settings of all nodes on etcd, for the operator's commands. The plugins follow them by their watch (`WatchedVolumes`).
public struct GlobalRecord: Sendable {
    private let client: EtcdClient
    private let key: String
    private let clock: any DriverClock
    private let tokens: any TokenSource
    /// The longest that one request may take.
    private let timeout: Duration

    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, tokens: any TokenSource, timeout: Duration
    ) {
        self.client = client
        self.clock = clock
        self.tokens = tokens
        self.timeout = timeout
        key = keys.global
    }

    /// - Returns: `nil` when nothing is set.
    public func read() async throws -> Revisioned<GlobalSettings>? {
        try await VolumeError.explainingEtcd("read the settings of all nodes") {
            let reading = Transaction(when: [], then: [.get(key)])
            let limit = Deadline.limiting(timeout, now: clock.now())
            guard let entry = try await client.transaction(reading, timeout: limit).responses.first?.kvs.first else {
                return nil
            }
            return Revisioned(try Self.decode(entry), revision: entry.modRevision)
        }
    }

    /// Writes the settings in the place of what was read, or of nothing; none at all leave no record.
    /// - Returns: `false` when something else stood there meanwhile, and nothing was written.
    public func put(_ settings: GlobalSettings, over read: Revisioned<GlobalSettings>?) async throws -> Bool {
        let token = tokens.token()
        let write = settings.isEmpty ? Operation.delete(key) : .put(key, try RecordCodec.encode(settings, write: token))
        let writing = GuardedWrite(client: client, clock: clock, timeout: timeout)
        return try await writing.perform([write], on: key, over: read?.revision, "record the settings of all nodes") {
            $0.map { RecordCodec.writeToken(of: $0.value) == token } ?? settings.isEmpty
        } != nil
    }

    /// - Throws: `VolumeError` with code `unexplained`, naming the key, for what cannot be read.
    static func decode(_ entry: KeyValue) throws(VolumeError) -> GlobalSettings {
        try RecordCodec.decode(GlobalSettings.self, from: entry.value, key: entry.key)
    }
}
